//! The future: serving at once, after a verdict, or not at all.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http::Request;
use http::Response;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::gate::Admission;
use super::gate::Gate;
use super::gate::Marks;
use crate::layer::body::ResponseBody;
use crate::layer::parked::Parked;
use crate::verify::head::Outcome;

pin_project! {
    /// The response of an [`AuthService`](crate::AuthService).
    ///
    /// Where the verdict is known at once it holds the inner future and no box.
    pub struct AuthFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, S::Future, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F, B> {
        Refused { response: Option<Response<Bytes>> },
        Serving { #[pin] inner: F, marks: Marks },
        Verifying { parked: Box<Parked<S, B, Outcome>>, gate: Gate },
    }
}

impl<S, B> AuthFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) const fn serving(inner: S::Future, marks: Marks) -> Self {
        Self { state: State::Serving { inner, marks } }
    }

    pub(super) const fn refused(response: Response<Bytes>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(super) const fn verifying(parked: Box<Parked<S, B, Outcome>>, gate: Gate) -> Self {
        Self { state: State::Verifying { parked, gate } }
    }
}

impl<S, B, R> Future for AuthFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Serving { inner, marks } => {
                    let response = ready!(inner.poll(context))?;
                    return Poll::Ready(Ok(marks.apply(response)));
                }
                StateProjection::Refused { response } => {
                    let Some(response) = response.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(response.map(ResponseBody::own)));
                }
                StateProjection::Verifying { parked, gate } => {
                    let (outcome, mut inner, mut request) = ready!(parked.poll(context));
                    match gate.admit(outcome, &mut request) {
                        Admission::Passed(marks) => {
                            State::Serving { inner: inner.call(request), marks }
                        }
                        Admission::Refused(response) => State::Refused { response: Some(response) },
                    }
                }
            };
            state.set(next);
        }
    }
}

impl<S, B> fmt::Debug for AuthFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "refused",
            State::Serving { .. } => "serving",
            State::Verifying { .. } => "verifying",
        };
        f.debug_tuple("AuthFuture").field(&state).finish()
    }
}

//! The future: serving at once, after the store confirmed, or not at all.

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

use crate::error::AuthError;
use crate::flow::Auth;
use crate::layer::body::ResponseBody;
use crate::layer::parked::Parked;
use crate::layer::refusal::refuse;
use crate::verify::head::Effects;

pin_project! {
    /// The response of a [`BlacklistService`](crate::BlacklistService).
    pub struct BlacklistFuture<S, B>
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
        Serving { #[pin] inner: F },
        Verifying { parked: Box<Parked<S, B, Option<AuthError>>>, auth: Auth },
    }
}

impl<S, B> BlacklistFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) const fn serving(inner: S::Future) -> Self {
        Self { state: State::Serving { inner } }
    }

    pub(super) const fn refused(response: Response<Bytes>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(super) const fn verifying(
        parked: Box<Parked<S, B, Option<AuthError>>>,
        auth: Auth,
    ) -> Self {
        Self { state: State::Verifying { parked, auth } }
    }
}

impl<S, B, R> Future for BlacklistFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Serving { inner } => {
                    return inner.poll(context).map_ok(ResponseBody::wrap);
                }
                StateProjection::Refused { response } => {
                    let Some(response) = response.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(response.map(ResponseBody::own)));
                }
                StateProjection::Verifying { parked, auth } => {
                    let (refused, mut inner, request) = ready!(parked.poll(context));
                    match refused {
                        None => State::Serving { inner: inner.call(request) },
                        Some(error) => {
                            let effects = Effects::default();
                            let response = refuse(auth, request.headers(), error, &effects);
                            State::Refused { response: Some(response) }
                        }
                    }
                }
            };
            state.set(next);
        }
    }
}

impl<S, B> fmt::Debug for BlacklistFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "refused",
            State::Serving { .. } => "serving",
            State::Verifying { .. } => "verifying",
        };
        f.debug_tuple("BlacklistFuture").field(&state).finish()
    }
}

//! The future: authenticate without rotating, serve, then rotate.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::HeaderMap;
use http::Request;
use http::Response;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::AuthError;
use crate::flow::Auth;
use crate::flow::Renewal;
use crate::flow::RenewalEnd;
use crate::flow::RenewalStart;
use crate::layer::parked::Parked;
use crate::layer::parked::Pending;
use crate::layer::refusal::append_unless_set;
use crate::layer::refusal::clear_cookies;
use crate::layer::refusal::sets_cookie;
use crate::verify::head::Effects;
use crate::verify::renewed::Found;
use crate::verify::renewed::Renewed;

pin_project! {
    /// The response of a [`RefreshService`](crate::RefreshService).
    ///
    /// Where nothing is renewed it holds the inner future and no box.
    pub struct RefreshFuture<S, B, R>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, S::Future, B, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F, B, R> {
        Beginning { parked: Box<Parked<S, B, RenewalStart>>, auth: Option<Auth> },
        Finishing { rotation: Box<Rotation<R>> },
        Serving { #[pin] inner: F, after: Option<Box<After>> },
    }
}

/// What is left to do when the response is there.
struct After {
    auth: Auth,
    work: Work,
}

enum Work {
    Clear(Effects),
    Rotate(Renewal),
}

struct Rotation<R> {
    auth: Auth,
    end: Pending<RenewalEnd>,
    response: Option<Response<R>>,
}

impl<S, B, R> RefreshFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    pub(super) const fn passing(inner: S::Future) -> Self {
        Self { state: State::Serving { inner, after: None } }
    }

    pub(super) const fn beginning(parked: Box<Parked<S, B, RenewalStart>>, auth: Auth) -> Self {
        Self { state: State::Beginning { parked, auth: Some(auth) } }
    }
}

impl<S, B, R> Future for RefreshFuture<S, B, R>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Beginning { parked, auth } => {
                    let (start, mut inner, mut request) = ready!(parked.poll(context));
                    let after = auth.take().and_then(|auth| After::of(auth, start, &mut request));
                    State::Serving { inner: inner.call(request), after }
                }
                StateProjection::Serving { inner, after } => {
                    let response = ready!(inner.poll(context))?;
                    match after.take() {
                        None => return Poll::Ready(Ok(response)),
                        Some(after) => match (*after).begin(response) {
                            Ok(rotation) => State::Finishing { rotation },
                            Err(response) => return Poll::Ready(Ok(response)),
                        },
                    }
                }
                StateProjection::Finishing { rotation } => {
                    return rotation.poll(context).map(Ok);
                }
            };
            state.set(next);
        }
    }
}

impl After {
    /// Lets the layer below accept the request, and remembers what the response needs.
    fn of<B>(auth: Auth, start: RenewalStart, request: &mut Request<B>) -> Option<Box<Self>> {
        let work = match start {
            RenewalStart::Live(renewal) => {
                let found = Found::Live(renewal.principal().clone());
                request.extensions_mut().insert(Renewed::new(auth.core(), found));
                Work::Rotate(renewal)
            }
            RenewalStart::Dead(effects) => Work::Clear(effects),
            RenewalStart::Unknown(kind) => {
                let found = Found::Unknown(kind);
                request.extensions_mut().insert(Renewed::new(auth.core(), found));
                return None;
            }
        };
        Some(Box::new(Self { auth, work }))
    }

    /// Starts the rotation, or gives the response back if it is complete.
    fn begin<R>(self, mut response: Response<R>) -> Result<Box<Rotation<R>>, Response<R>> {
        let Self { auth, work } = self;
        match work {
            Work::Clear(effects) => {
                clear(&auth, &effects, response.headers_mut());
                Err(response)
            }
            Work::Rotate(_) if is_settled(&auth, &response) => Err(response),
            Work::Rotate(renewal) => {
                let owner = auth.clone();
                let end = Box::pin(async move { owner.finish_renewal(renewal).await });
                Ok(Box::new(Rotation { auth, end, response: Some(response) }))
            }
        }
    }
}

impl<R> Rotation<R> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Response<R>> {
        if self.response.is_none() {
            return Poll::Pending;
        }
        let end = ready!(self.end.as_mut().poll(context));
        let Some(mut response) = self.response.take() else { return Poll::Pending };
        let headers = response.headers_mut();
        match end {
            RenewalEnd::Renewed(pair) => self.auth.set_cookies(&pair, headers),
            RenewalEnd::Dead(effects) => clear(&self.auth, &effects, headers),
            RenewalEnd::Unchanged => {}
        }
        Poll::Ready(response)
    }
}

/// Whether the cookies are no longer ours to renew: the app set or cleared them itself, or the
/// request was refused.
fn is_settled<R>(auth: &Auth, response: &Response<R>) -> bool {
    let headers = response.headers();
    response.extensions().get::<AuthError>().is_some()
        || sets_cookie(headers, auth.cookies().access_name().as_bytes())
        || sets_cookie(headers, auth.cookies().refresh_name().as_bytes())
}

fn clear(auth: &Auth, effects: &Effects, response: &mut HeaderMap) {
    let mut cookies = HeaderMap::new();
    clear_cookies(auth, effects, &mut cookies);
    append_unless_set(&cookies, response);
}

impl<S, B, R> fmt::Debug for RefreshFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Beginning { .. } => "beginning",
            State::Finishing { .. } => "finishing",
            State::Serving { .. } => "serving",
        };
        f.debug_tuple("RefreshFuture").field(&state).finish()
    }
}

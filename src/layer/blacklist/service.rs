//! The service: asks whether the token was revoked, then passes on or refuses.

use std::task::Context;
use std::task::Poll;

use http::Request;
use http::Response;
use tower_service::Service;

use super::future::BlacklistFuture;
use crate::flow::Auth;
use crate::layer::body::ResponseBody;
use crate::layer::parked::Parked;
use crate::layer::parked::take_ready;
use crate::layer::refusal::refuse;
use crate::verify::BlacklistCheck;
use crate::verify::head::Effects;
use crate::verify::head::RequestHead;

/// The service that [`BlacklistLayer`](crate::BlacklistLayer) makes.
///
/// The inner service must be `Clone`; its error type is passed through unchanged.
#[derive(Clone, Debug)]
pub struct BlacklistService<S> {
    inner: S,
    auth: Auth,
}

impl<S> BlacklistService<S> {
    pub(super) const fn new(inner: S, auth: Auth) -> Self {
        Self { inner, auth }
    }
}

impl<S, B, R> Service<Request<B>> for BlacklistService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = BlacklistFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.auth.check_blacklist(&RequestHead::of(&request)) {
            BlacklistCheck::Ready(None) => BlacklistFuture::serving(self.inner.call(request)),
            BlacklistCheck::Ready(Some(error)) => {
                // As in AuthService: a refusal must give back what was reserved for it.
                drop(take_ready(&mut self.inner));
                let effects = Effects::default();
                BlacklistFuture::refused(refuse(&self.auth, request.headers(), error, &effects))
            }
            BlacklistCheck::Pending(verdict) => {
                let parked = Parked::new(verdict, take_ready(&mut self.inner), request);
                BlacklistFuture::verifying(parked, self.auth.clone())
            }
        }
    }
}

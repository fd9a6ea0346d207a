//! The service: passes on what needs no renewal, parks what does.

use std::task::Context;
use std::task::Poll;

use http::Request;
use http::Response;
use tower_service::Service;

use super::future::RefreshFuture;
use crate::flow::Auth;
use crate::layer::parked::Parked;
use crate::layer::parked::take_ready;
use crate::verify::head::RequestHead;

/// The service that [`RefreshLayer`](crate::RefreshLayer) makes.
///
/// The inner service must be `Clone`; its error and body types are passed through unchanged.
#[derive(Clone, Debug)]
pub struct RefreshService<S> {
    inner: S,
    auth: Auth,
}

impl<S> RefreshService<S> {
    pub(super) const fn new(inner: S, auth: Auth) -> Self {
        Self { inner, auth }
    }
}

impl<S, B, R> Service<Request<B>> for RefreshService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = RefreshFuture<S, B, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(plan) = self.auth.plan_renewal(&RequestHead::of(&request)) else {
            return RefreshFuture::passing(self.inner.call(request));
        };
        let auth = self.auth.clone();
        let start = Box::pin(async move { auth.begin_renewal(plan).await });
        let parked = Parked::new(start, take_ready(&mut self.inner), request);
        RefreshFuture::beginning(parked, self.auth.clone())
    }
}

//! The service: asks who made the request, then calls the inner service or answers itself.

use std::task::Context;
use std::task::Poll;

use http::Request;
use http::Response;
use tower_service::Service;

use super::future::AuthFuture;
use super::gate::Admission;
use super::gate::Gate;
use crate::layer::body::ResponseBody;
use crate::layer::parked::Parked;
use crate::layer::parked::take_ready;
use crate::verify::head::Authentication;

/// The service that [`AuthLayer`](crate::AuthLayer) makes.
///
/// The inner service must be `Clone`, and may be neither `Send` nor `'static`. Its error type is
/// passed through unchanged: a refusal is a response.
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: S,
    gate: Gate,
}

impl<S> AuthService<S> {
    pub(super) const fn new(inner: S, gate: Gate) -> Self {
        Self { inner, gate }
    }
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = AuthFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.gate.ask(&request) {
            Authentication::Ready(outcome) => match self.gate.admit(outcome, &mut request) {
                Admission::Passed(marks) => AuthFuture::serving(self.inner.call(request), marks),
                Admission::Refused(response) => {
                    // Gives back what the inner service reserved for this call. A concurrency
                    // limit below would otherwise lose a permit with every refusal.
                    drop(take_ready(&mut self.inner));
                    AuthFuture::refused(response)
                }
            },
            Authentication::Pending(verdict) => {
                let parked = Parked::new(verdict, take_ready(&mut self.inner), request);
                AuthFuture::verifying(parked, self.gate.clone())
            }
        }
    }
}

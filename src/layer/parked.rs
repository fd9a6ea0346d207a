//! A request that waits for a verdict, together with the inner service that is ready for it.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use http::Request;

/// A verdict that a store has to be asked for.
pub(crate) type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The request, and the very service whose readiness was awaited: calling a clone of it instead
/// would skip what the clone has not reserved (a permit, a slot in a buffer).
pub(crate) struct Parked<S, B, T> {
    pending: Pending<T>,
    held: Option<(S, Request<B>)>,
}

impl<S, B, T> Parked<S, B, T> {
    pub(crate) fn new(pending: Pending<T>, inner: S, request: Request<B>) -> Box<Self> {
        Box::new(Self { pending, held: Some((inner, request)) })
    }

    /// The verdict with what waited for it. Pending for ever once it was given.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<(T, S, Request<B>)> {
        if self.held.is_none() {
            return Poll::Pending;
        }
        let Poll::Ready(verdict) = self.pending.as_mut().poll(context) else {
            return Poll::Pending;
        };
        match self.held.take() {
            Some((inner, request)) => Poll::Ready((verdict, inner, request)),
            None => Poll::Pending,
        }
    }
}

/// Takes the service that is ready out of `inner` and leaves a fresh clone, which has to become
/// ready by itself. Dropping what was taken gives its reservation back.
pub(crate) fn take_ready<S: Clone>(inner: &mut S) -> S {
    let fresh = inner.clone();
    std::mem::replace(inner, fresh)
}

impl<S, B, T> fmt::Debug for Parked<S, B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parked(..)")
    }
}

//! The body of the layers' responses: the inner one untouched, or the few bytes of a refusal.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;

pin_project! {
    /// The inner service's body, or the problem document of a refusal.
    ///
    /// It is a [`Body`] for every inner body whose data can be made from [`Bytes`], with the inner
    /// body's data and error types. Frames, trailers and sizes of the inner body pass unchanged.
    /// It has a `Default` (the empty body) whatever the inner body is, since outer layers ask for it.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body::Body;
    /// use http_body_util::Full;
    /// use segue::ResponseBody;
    ///
    /// let inner = Full::new(Bytes::from_static(b"hello"));
    /// let body = ResponseBody::from(inner);
    /// assert_eq!(body.size_hint().exact(), Some(5));
    /// ```
    pub struct ResponseBody<R> {
        #[pin]
        kind: Kind<R>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<R> {
        Inner { #[pin] body: R },
        Own { bytes: Option<Bytes> },
    }
}

impl<R> ResponseBody<R> {
    /// A body of our own; without bytes it has ended.
    pub(crate) fn own(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self { kind: Kind::Own { bytes } }
    }

    /// The inner service's response, its body wrapped.
    pub(crate) fn wrap(response: Response<R>) -> Response<Self> {
        response.map(Self::from)
    }
}

impl<R> From<R> for ResponseBody<R> {
    fn from(body: R) -> Self {
        Self { kind: Kind::Inner { body } }
    }
}

impl<R> Default for ResponseBody<R> {
    fn default() -> Self {
        Self::own(Bytes::new())
    }
}

impl<R> Body for ResponseBody<R>
where
    R: Body,
    R::Data: From<Bytes>,
{
    type Data = R::Data;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<R::Data>, R::Error>>> {
        match self.project().kind.project() {
            KindProjection::Inner { body } => body.poll_frame(context),
            KindProjection::Own { bytes } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Own { bytes } => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Own { bytes } => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
        }
    }
}

impl<R> fmt::Debug for ResponseBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Inner { .. } => "inner",
            Kind::Own { .. } => "own",
        };
        f.debug_tuple("ResponseBody").field(&kind).finish()
    }
}

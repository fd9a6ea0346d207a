//! Bodies: the inner one passes frame by frame, a refusal fits any.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Buf;
use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt;
use http_body_util::Empty;
use segue::AuthLayer;
use segue::ResponseBody;
use tower::ServiceExt;
use tower::service_fn;
use tower_layer::Layer;

use super::support::World;
use super::support::bearer;
use super::support::get;

/// As a gRPC stack's body: chunks of its own type, then trailers, no default, no clone.
struct Stream {
    chunks: Vec<&'static str>,
    trailers: Option<HeaderMap>,
}

#[derive(Debug)]
struct Chunk(Bytes);

impl From<Bytes> for Chunk {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.0.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.0.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.0.advance(count);
    }
}

impl Body for Stream {
    type Data = Chunk;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, Self::Error>>> {
        if !self.chunks.is_empty() {
            let chunk = self.chunks.remove(0);
            return Poll::Ready(Some(match chunk {
                "error" => Err("broken stream"),
                text => Ok(Frame::data(Chunk(Bytes::from_static(text.as_bytes())))),
            }));
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(3);
        hint.set_upper(99);
        hint
    }
}

fn stream(chunks: &[&'static str]) -> Stream {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    Stream { chunks: chunks.to_vec(), trailers: Some(trailers) }
}

async fn respond(_: Request<Empty<Bytes>>) -> Result<Response<Stream>, Infallible> {
    Ok(Response::new(stream(&["one", "two"])))
}

/// Frames, trailers and hints of the inner body arrive as they were sent, one by one.
#[tokio::test]
async fn streams_pass_untouched() {
    let world = World::new();
    let tokens = world.login(7).await;
    let service = AuthLayer::dual().with(&world.auth).layer(service_fn(respond));
    let mut body = service.oneshot(bearer(&tokens.access)).await.unwrap().into_body();
    assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (3, Some(99)));
    for expected in ["one", "two"] {
        assert!(!body.is_end_stream());
        let chunk = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(chunk.0, expected);
    }
    let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

/// Errors of the inner body are its own.
#[tokio::test]
async fn stream_errors_pass() {
    let mut body = ResponseBody::from(stream(&["one", "error"]));
    assert!(body.frame().await.unwrap().is_ok());
    assert_eq!(body.frame().await.unwrap().err(), Some("broken stream"));
}

/// A refusal is a full body of the same type, with its exact size.
#[tokio::test]
async fn refusals_fit_any_body() {
    let world = World::new();
    let service = AuthLayer::dual().with(&world.auth).layer(service_fn(respond));
    let response = service.clone().oneshot(get(&[])).await.unwrap();
    let mut body: ResponseBody<Stream> = response.into_body();
    let size = body.size_hint().exact().unwrap();
    let chunk = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(u64::try_from(chunk.remaining()).unwrap(), size);
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());

    let request = get(&[("content-type", "application/grpc+proto")]);
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "16");
    assert!(response.body().is_end_stream());
}

/// Outer layers ask for an empty body of any type, even where the inner body has none.
#[test]
fn default_for_every_body() {
    let body = ResponseBody::<Stream>::default();
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert_eq!(format!("{body:?}"), "ResponseBody(\"own\")");
}

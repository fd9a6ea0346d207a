//! Refusals as documents: RFC 9457 problem details over HTTP, a status in the headers over gRPC.
//!
//! | file | what it is for |
//! |---|---|
//! | `document.rs` | [`Problem`]: what a refusal says, as values and as JSON |
//! | `render.rs` | [`ProblemRenderer`]: the response, with a body the app may replace |
//! | `grpc.rs` | the same refusal for `application/grpc` |

mod document;
mod grpc;
mod render;

pub use document::Problem;
pub(crate) use grpc::is_grpc;
pub use render::ProblemRenderer;
pub(crate) use render::Unstyled;

//! Without axum: the layer in front of a plain hyper service, the operations as plain methods.
//!
//! ```sh
//! cargo run --no-default-features --example tower_only
//!
//! curl -i localhost:3000/                                        # 401 {"code":"missing_credential",…}
//! curl localhost:3000/login                                      # {"access_token":"sga_…",…}
//! curl localhost:3000/ -H "authorization: Bearer $ACCESS"        # hello 42, by session
//! curl -X POST localhost:3000/logout -H "authorization: Bearer $ACCESS"
//! curl -i localhost:3000/ -H "authorization: Bearer $ACCESS"     # 401 {"code":"session_revoked",…}
//! ```

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use segue::Auth;
use segue::AuthError;
use segue::AuthLayer;
use segue::MemoryStore;
use segue::Principal;
use segue::Problem;
use segue::ResponseBody;
use segue::RevokeReason;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower::service_fn;

type Answer = Response<ResponseBody<Full<Bytes>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = Auth::builder().store(MemoryStore::new()).build()?;
    serve(auth, TcpListener::bind("127.0.0.1:3000").await?).await
}

/// The login is open, everything else stands behind the layer.
pub(crate) async fn serve(auth: Auth, listener: TcpListener) -> Result<(), Box<dyn Error>> {
    let state = auth.clone();
    let guarded = ServiceBuilder::new()
        .layer(AuthLayer::sessions().with(&auth))
        .service(service_fn(move |request| guarded(state.clone(), request)));
    let app = service_fn(move |request: Request<Incoming>| {
        let (auth, guarded) = (auth.clone(), guarded.clone());
        async move {
            match request.uri().path() {
                "/login" => Ok(login(&auth).await.unwrap_or_else(|error| refusal(&auth, error))),
                _ => tower::ServiceExt::oneshot(guarded, request).await,
            }
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// An app checks a password here.
async fn login(auth: &Auth) -> Result<Answer, AuthError> {
    let login = auth.login(42_u64).await?;
    let mut response = text(login.to_json().to_string()).map(ResponseBody::from);
    response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn guarded(
    auth: Auth,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let Some(who) = request.extensions().get::<Principal>() else {
        return Ok(text("no layer in front of this service".to_owned()));
    };
    if request.uri().path() != "/logout" {
        return Ok(text(format!("hello {}, by {}\n", who.user_id(), who.via())));
    }
    let session = who.session_id().unwrap_or_else(|| segue::SessionId::from_bytes([0; 16]));
    match auth.revoke_session(who.user_id(), session, RevokeReason::Logout).await {
        Ok(()) => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        Err(error) => Ok(auth.problems().response(&Problem::from(error)).map(Full::new)),
    }
}

fn refusal(auth: &Auth, error: AuthError) -> Answer {
    auth.problems().response(&Problem::from(error)).map(|body| Full::new(body).into())
}

fn text(text: String) -> Response<Full<Bytes>> {
    Response::new(Full::new(text.into()))
}

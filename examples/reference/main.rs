//! The reference app: old tokens and new sessions side by side, with a page to watch them.
//!
//! ```sh
//! cargo run --example reference                              # http://127.0.0.1:3000
//! SEGUE_ACCESS_SECONDS=15 cargo run --example reference      # watch the page refresh
//! REFRESH_TOKEN_SYSTEM=10% SEGUE_FLAGS_FILE=flags cargo run --example reference
//! ```
//!
//! It prints its demo users and the lines to paste. What they answer:
//!
//! ```sh
//! H='content-type: application/json'
//! curl -s localhost:3000/login -H "$H" -d '{"username":"alice","password":"wonderland"}'
//! # {"access_token":"sga_…","expires_in":600,"legacy_token":"eyJ…","refresh_token":"sgr_…","session_id":"…","token_type":"Bearer"}
//! curl -s localhost:3000/me -H "authorization: Bearer $ACCESS"
//! # {"scopes":[],"session_id":"…","user_id":"1","via":"session"}
//! curl -s localhost:3000/auth/refresh -H "$H" -d "{\"refresh_token\":\"$REFRESH\"}"
//! # the next pair
//! curl -s localhost:3000/auth/sessions -H "authorization: Bearer $ACCESS"
//! # {"next":null,"sessions":[{"id":"…","device":"curl","current":true,…}]}
//! curl -s -X DELETE localhost:3000/auth/sessions/$SESSION -H "authorization: Bearer $ACCESS"
//! # 204; from now on 401 "code":"session_revoked", the legacy token included
//! curl -s localhost:3000/legacy/login -H "$H" -d '{"username":"alice","password":"wonderland"}'
//! # {"token":"eyJ…"}, as the old app answered; good at /me until POST /auth/logout or the cut-over
//! ```
//!
//! | variable | default | |
//! |---|---|---|
//! | `PORT` | `3000` | 0 takes any free one |
//! | `JWT_SECRET` | random, printed | the secret of the old app |
//! | `SEGUE_STORE` | a file in a temporary directory | |
//! | `SEGUE_ACCESS_SECONDS` | `600` | life of access tokens, for demonstration |
//!
//! and everything that `Auth::from_env` reads. Several instances may share one store.
//!
//! | file | what it is for |
//! |---|---|
//! | `settings.rs` | the variables |
//! | `app.rs` | assembling, and the routes: **what your app would copy** |
//! | `old_app.rs` | what the old app did: its login, its tokens |
//! | `users.rs` | users and their passwords |
//! | `page.rs`, `page.html` | the page |
//! | `banner.rs` | what is printed at start |

pub(crate) mod app;
pub(crate) mod banner;
mod old_app;
mod page;
pub(crate) mod settings;
mod users;

use std::error::Error;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tracing::Level;

use self::app::Reference;
use self::settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(Level::INFO))
        .with_writer(std::io::stderr)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reference: {}", explain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (settings, builder) = Settings::from_lookup(&|name| std::env::var(name).ok())?;
    let reference = Reference::assemble(&settings, builder).await?;
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await.map_err(|error| {
            format!("can't listen on port {}: {error}; set PORT to another", settings.port)
        })?;
    banner::print(listener.local_addr()?, &settings, &reference)?;
    let auth = reference.auth.clone();
    let service = app::router(reference).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(asked_to_stop()).await?;
    auth.flush().await?;
    Ok(())
}

/// Ctrl-C, or what an orchestrator sends.
async fn asked_to_stop() {
    let interrupt = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::SignalKind;
        if let Ok(mut signal) = tokio::signal::unix::signal(SignalKind::terminate()) {
            signal.recv().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

/// The error with its causes.
fn explain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

//! The reference app's contract, over real HTTP: the very code of the example, on ports of its own.

mod browser;
mod client;
mod contract;
mod legacy;
mod operation;
#[allow(dead_code, reason = "its main and what is printed at start are not used here")]
#[path = "../../../examples/reference/main.rs"]
mod program;

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::net::SocketAddr;

use segue::Auth;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::program::app::Reference;
use self::program::settings::Settings;

const SECRET: &str = crate::forge::SECRET;

/// A running instance; it ends with the test.
struct Instance {
    address: SocketAddr,
    auth: Auth,
    banner: String,
    server: JoinHandle<()>,
    _settings: Settings,
}

impl Instance {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these variables, and no others of this process.
    async fn start_with(variables: &[(&str, &str)]) -> Self {
        let mut variables: HashMap<_, _> = variables.iter().copied().collect();
        variables.entry("JWT_SECRET").or_insert(SECRET);
        Self::launch(&variables).await
    }

    async fn launch(variables: &HashMap<&str, &str>) -> Self {
        let lookup = |name: &str| variables.get(name).map(|value| (*value).to_owned());
        let (settings, builder) = Settings::from_lookup(&lookup).unwrap();
        let reference = Reference::assemble(&settings, builder).await.unwrap();
        let auth = reference.auth.clone();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let banner = program::banner::text(address, &settings, &reference).unwrap();
        let router = program::app::router(reference);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, auth, banner, server, _settings: settings }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.server.abort();
    }
}

//! Over a real socket: plain hyper without axum, refusals on the wire, upgrades.

use std::convert::Infallible;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use segue::AuthLayer;
use segue::Principal;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tower::service_fn;
use tower_layer::Layer;

use super::support::ACCESS;
use super::support::World;

/// Echoes bytes after an upgrade, and names the user before it.
async fn app(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let who = request.extensions().get::<Principal>().map(|who| who.user_id().to_string());
    if !request.headers().contains_key("upgrade") {
        return Ok(Response::new(Full::from(who.unwrap_or_default())));
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.unwrap());
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
    });
    let response = Response::builder().status(101).header("connection", "upgrade");
    Ok(response.header("upgrade", "echo").body(Full::default()).unwrap())
}

/// Serves one connection and gives back its client end.
async fn connect(world: &World) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let service = AuthLayer::dual().with(&world.auth).layer(service_fn(app));
    let connection = http1::Builder::new()
        .serve_connection(TokioIo::new(server), TowerToHyperService::new(service))
        .with_upgrades();
    tokio::spawn(connection);
    client
}

async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

async fn exchange(world: &World, text: &str) -> String {
    let mut stream = connect(world).await;
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Plain hyper: the same answers, with the length of the document on the wire.
#[tokio::test]
async fn hyper_without_axum() {
    let world = World::new();
    let token = world.login(7).await.access;
    let rest = "Host: a.test\r\nConnection: close\r\n\r\n";
    let request = format!("GET / HTTP/1.1\r\nAuthorization: Bearer {token}\r\n{rest}");
    let answer = exchange(&world, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n7"), "{answer}");

    let answer = exchange(&world, &format!("GET / HTTP/1.1\r\n{rest}")).await;
    assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
    assert!(answer.contains("www-authenticate: Bearer\r\n"), "{answer}");
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    assert!(answer.contains(&format!("content-length: {}\r\n", body.len())), "{answer}");

    let answer = exchange(&world, &format!("HEAD / HTTP/1.1\r\n{rest}")).await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.ends_with("\r\n\r\n"), "{answer}");
}

/// An upgrade passes through the layer with its connection; by cookie only from the same origin.
#[tokio::test]
async fn upgrades_pass() {
    let world = World::new();
    let token = world.login(7).await.access;
    let upgrade = "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n";
    let same = "Origin: http://a.test\r\n";
    for credential in [
        format!("Authorization: Bearer {token}\r\n"),
        format!("Cookie: {ACCESS}={token}\r\n{same}"),
    ] {
        let mut stream = connect(&world).await;
        stream.write_all(format!("{upgrade}{credential}\r\n").as_bytes()).await.unwrap();
        let answer = head(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        stream.write_all(b"ping").await.unwrap();
        let mut echo = [0; 4];
        stream.read_exact(&mut echo).await.unwrap();
        assert_eq!(&echo, b"ping");
    }
    let mut stream = connect(&world).await;
    let foreign = format!("Cookie: {ACCESS}={token}\r\nOrigin: http://evil.test\r\n");
    stream.write_all(format!("{upgrade}{foreign}\r\n").as_bytes()).await.unwrap();
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

//! A bounded client: 64 connections, each asks, waits for the whole answer and asks again.

use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const CONNECTIONS: usize = 64;
const ANSWER_LENGTH_BYTES_MAX: usize = 16 * 1024;

pub(super) struct Load {
    pub(super) requests: usize,
    pub(super) elapsed: Duration,
    pub(super) p99_micros: f64,
}

pub(super) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Keeps all connections busy for `span`; connection `n` always sends request `n` of the list.
pub(super) fn drive(
    runtime: &Runtime,
    address: SocketAddr,
    requests: &[String],
    span: Duration,
) -> Load {
    let start = Instant::now();
    let mut latencies: Vec<Duration> = runtime.block_on(async {
        let mut connections = JoinSet::new();
        for index in 0..CONNECTIONS {
            let request = requests[index % requests.len()].clone();
            connections.spawn(connection(address, request, start + span));
        }
        connections.join_all().await.concat()
    });
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    let p99 = latencies[latencies.len() * 99 / 100];
    Load { requests: latencies.len(), elapsed, p99_micros: p99.as_secs_f64() * 1e6 }
}

async fn connection(address: SocketAddr, request: String, end: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket option");
    let mut buffer = vec![0; ANSWER_LENGTH_BYTES_MAX];
    let mut latencies = Vec::with_capacity(8_192);
    while Instant::now() < end {
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut filled = 0;
        while !is_whole(&buffer[..filled]) {
            let read = stream.read(&mut buffer[filled..]).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            filled += read;
        }
        latencies.push(sent.elapsed());
    }
    latencies
}

/// Whether these bytes are one whole answer; it must be a 200.
fn is_whole(bytes: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = answer.parse(bytes) else { return false };
    assert_eq!(answer.code, Some(200), "{}", String::from_utf8_lossy(bytes));
    let length = answer
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    bytes.len() >= head + length.expect("a length")
}

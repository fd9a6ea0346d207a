//! The comparison over loopback: every server a process of its own, driven in interleaved rounds.

mod client;
mod server;

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use crate::http::client::Load;
use crate::measure::median;

pub use server::serve;

const ROUNDS: usize = 25;
const ROUND_TIME: Duration = Duration::from_millis(400);
const BARE: &str = "bare axum";

/// Prints requests a second, 99th percentile and server CPU of every server, relative to bare axum.
pub fn compare() {
    let mut servers: Vec<Server> = server::NAMES.iter().map(|name| Server::start(name)).collect();
    let client = client::runtime();
    for server in &servers {
        client::drive(&client, server.address, &server.requests, ROUND_TIME);
    }
    for _ in 0..ROUNDS {
        for server in &mut servers {
            server.round(&client);
        }
    }
    let bare = servers.iter().position(|server| server.name == BARE).expect("bare is there");
    println!(
        "Over loopback, 64 connections, client and server on the same cores; medians of {ROUNDS} interleaved rounds.\n"
    );
    println!("| {:<36} | req/s | relative | p99, us | relative | CPU a request, us |", "server");
    println!("|{:-<38}|------:|---------:|--------:|---------:|------------------:|", "");
    for server in &servers {
        let over = |read: fn(&Round) -> f64| {
            let rounds = server.rounds.iter().zip(&servers[bare].rounds);
            median(rounds.map(|(round, bare)| read(round) / read(bare)))
        };
        let own = |read: fn(&Round) -> f64| median(server.rounds.iter().map(read));
        println!(
            "| {:<36} | {:>5.0} | {:>8.2} | {:>7.0} | {:>8.2} | {:>17.1} |",
            server.name,
            own(Round::rate),
            over(Round::rate),
            own(|round| round.load.p99_micros),
            over(|round| round.load.p99_micros),
            server.cpu_micros(),
        );
    }
}

struct Round {
    load: Load,
    cpu: Duration,
}

impl Round {
    fn rate(&self) -> f64 {
        self.load.requests as f64 / self.load.elapsed.as_secs_f64()
    }
}

struct Server {
    name: &'static str,
    process: Child,
    address: SocketAddr,
    requests: Vec<String>,
    rounds: Vec<Round>,
}

impl Server {
    fn start(name: &'static str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args(["serve", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let mut line = || lines.next().expect("the server is ready").expect("a line");
        let address = line().parse().expect("an address");
        let requests = serde_json::from_str(&line()).expect("requests");
        Self { name, process, address, requests, rounds: Vec::new() }
    }

    fn round(&mut self, client: &tokio::runtime::Runtime) {
        let before = cpu_time(self.process.id());
        let load = client::drive(client, self.address, &self.requests, ROUND_TIME);
        let cpu = cpu_time(self.process.id()).saturating_sub(before);
        self.rounds.push(Round { load, cpu });
    }
}

impl Server {
    /// Over all rounds: the kernel counts in ticks of 10 ms, too coarse for one of them.
    fn cpu_micros(&self) -> f64 {
        let requests: usize = self.rounds.iter().map(|round| round.load.requests).sum();
        let cpu: Duration = self.rounds.iter().map(|round| round.cpu).sum();
        cpu.as_secs_f64() * 1e6 / requests as f64
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// User and system time of a process so far, from `/proc`; zero where there is none.
fn cpu_time(process: u32) -> Duration {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|field| field.parse::<f64>().ok()).sum();
    Duration::from_secs_f64(ticks / TICKS_PER_SECOND)
}

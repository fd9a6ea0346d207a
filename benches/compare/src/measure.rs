//! Rounds, medians and differences: every row runs in every round, and is compared within it.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;
use std::time::Instant;

use http::Request;
use http::Response;
use http::StatusCode;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tower::Service;
use tower::ServiceExt;

/// Requests in a row before the next row has its turn.
pub const REQUESTS_PER_ROUND: u32 = 2_000;
pub const ROUNDS: usize = 41;
const SETTLE_TIME: Duration = Duration::from_secs(3);
/// Background tasks share the thread; without a turn now and then they would starve.
const YIELD_REQUESTS: u32 = 100;

/// One line of the table: a service and the request it is asked.
pub struct Row {
    pub name: &'static str,
    /// The row that this one's cost is over.
    pub bare: &'static str,
    /// Requests in one turn.
    pub requests: u32,
    run: Box<dyn FnMut(&Runtime, u32)>,
}

impl Row {
    /// A row for `service`, which must answer every `request()` with `expected`.
    pub fn new<S, A, B>(
        name: &'static str,
        bare: &'static str,
        service: S,
        request: impl Fn() -> Request<A> + 'static,
        expected: StatusCode,
    ) -> Self
    where
        S: Service<Request<A>, Response = Response<B>, Error = Infallible> + Clone + 'static,
        A: 'static,
    {
        let run = move |runtime: &Runtime, requests: u32| {
            runtime.block_on(async {
                for index in 0..requests {
                    if index % YIELD_REQUESTS == 0 {
                        tokio::task::yield_now().await;
                    }
                    let answer = pin!(service.clone().oneshot(request())).await;
                    let status = answer.unwrap_or_else(|never| match never {}).status();
                    assert_eq!(status, expected, "{name}");
                }
            });
        };
        Self { name, bare, requests: REQUESTS_PER_ROUND, run: Box::new(run) }
    }

    /// The same with fewer requests in a turn, where each needs something that is dear to make.
    #[must_use]
    pub fn with_requests(mut self, requests: u32) -> Self {
        self.requests = requests;
        self
    }

    pub fn run(&mut self, runtime: &Runtime, requests: u32) {
        (self.run)(runtime, requests);
    }

    fn time(&mut self, runtime: &Runtime) -> f64 {
        let start = Instant::now();
        self.run(runtime, self.requests);
        nanos(start.elapsed()) / f64::from(self.requests)
    }
}

/// What a row cost, in nanoseconds a request.
pub struct Cost {
    pub name: &'static str,
    pub total: f64,
    pub over_bare: f64,
}

/// The runtime that everything is measured on: one thread, the caller's.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Times all rows in interleaved rounds; medians of the totals and of the differences to bare.
pub fn times(runtime: &Runtime, rows: &mut [Row], rounds: usize) -> Vec<Cost> {
    for row in &mut *rows {
        row.run(runtime, row.requests);
    }
    // What the set-up of later rows kept from running catches up.
    runtime.block_on(async { tokio::time::sleep(SETTLE_TIME).await });
    let rounds: Vec<Vec<f64>> =
        (0..rounds).map(|_| rows.iter_mut().map(|row| row.time(runtime)).collect()).collect();
    let at = |name| rows.iter().position(|row| row.name == name).expect("the bare row is there");
    let cost = |(index, row): (usize, &Row)| {
        let bare = at(row.bare);
        Cost {
            name: row.name,
            total: median(rounds.iter().map(|round| round[index])),
            over_bare: median(rounds.iter().map(|round| round[index] - round[bare])),
        }
    };
    rows.iter().enumerate().map(cost).collect()
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn nanos(span: Duration) -> f64 {
    span.as_secs_f64() * 1e9
}

//! A rollout from `false` to `10%` to `true`, and back to `false`, under traffic: who was asked to
//! log in again? Nobody.
//!
//! ```sh
//! cargo run --example rollout
//! ```
//!
//! Three kinds of clients go on sending requests through all phases:
//!
//! * **old** clients know the old token and nothing else; some of them log in anew at each phase;
//! * **upgraded** clients trade their old token for a pair when they may, refresh it, and keep the
//!   legacy token that is issued beside it;
//! * **browsers** do the same with cookies, and never see a token.
//!
//! The flag is turned while requests are under way, and access tokens live for a second, so that
//! there is something to refresh in every phase. The program fails if anybody has to log in.
//!
//! ```text
//! phase   requests   by session   by legacy   retried   asked to log in again
//! false        600            0         600         0                       0
//! drain        600            0         600         0                       0
//! 10%          600           51         549        28                       0
//! …
//! asked to log in again: nobody
//! ```
//!
//! There is nothing to `curl`: the clients are part of the program.

mod app;
mod client;
mod traffic;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use segue::Clock;

use self::app::App;
use self::traffic::Tally;
use self::traffic::Traffic;

/// As an operator turns it. `drain` comes first, so that every node knows sessions before one of
/// them issues any.
const PHASES: [&str; 6] = ["false", "drain", "10%", "true", "10%", "false"];

#[tokio::main]
async fn main() -> ExitCode {
    match run(Clock::system(), tokio::time::sleep).await {
        Ok(tallies) => report(&tallies),
        Err(error) => {
            eprintln!("rollout: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Drives all phases, with a tally for each. `pass` lets time pass on the clock.
pub(crate) async fn run(
    clock: Clock,
    pass: impl AsyncFn(Duration),
) -> Result<Vec<(&'static str, Tally)>, Box<dyn Error>> {
    let app = App::assemble(clock)?;
    app.turn("REFRESH_TOKEN_SYSTEM=false")?;
    let mut traffic = Traffic::begin(&app).await;
    let mut tallies = Vec::new();
    for phase in PHASES {
        let tally = traffic.drive(&app, phase, &pass).await?;
        tallies.push((phase, tally));
    }
    Ok(tallies)
}

fn report(tallies: &[(&str, Tally)]) -> ExitCode {
    println!("phase   requests   by session   by legacy   retried   asked to log in again");
    for (phase, tally) in tallies {
        println!(
            "{phase:<7} {:>8} {:>12} {:>11} {:>9} {:>23}",
            tally.requests, tally.by_session, tally.by_legacy, tally.retried, tally.asked
        );
    }
    match tallies.iter().map(|(_, tally)| tally.asked).sum::<u64>() {
        0 => {
            println!("\nasked to log in again: nobody");
            ExitCode::SUCCESS
        }
        asked => {
            println!("\nasked to log in again: {asked}");
            ExitCode::FAILURE
        }
    }
}

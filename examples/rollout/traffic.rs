//! The traffic: all clients at once, round after round, while the flag is turned.

use std::error::Error;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::task::yield_now;

use super::app::App;
use super::client::Client;
use super::client::Outcome;

/// People; each has a device of every kind.
const USERS: u64 = 50;
/// Rounds in a phase, and the time between them: more than a life of an access token.
const ROUNDS: usize = 4;
const PAUSE: Duration = Duration::from_millis(300);
/// One old client in so many logs in anew at each phase, of its own will.
const RELOGIN_EVERY: usize = 5;

/// What happened in one phase.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) by_session: u64,
    pub(crate) by_legacy: u64,
    pub(crate) retried: u64,
    pub(crate) asked: u64,
}

/// Everybody with their devices.
pub(crate) struct Traffic {
    clients: Vec<Client>,
}

impl Traffic {
    /// Everybody logs in, for the last time.
    pub(crate) async fn begin(app: &App) -> Self {
        let mut clients = Vec::new();
        for user in 1..=USERS {
            clients.push(Client::Browser { user, cookies: Default::default() });
            clients.push(Client::Old { user, token: String::new() });
            clients.push(Client::Upgraded { user, pair: None, legacy: String::new() });
        }
        for client in &mut clients {
            client.log_in(&app.router).await;
        }
        Self { clients }
    }

    /// Turns the flag in the middle of the first round, and goes on for a few more.
    pub(crate) async fn drive(
        &mut self,
        app: &App,
        phase: &str,
        pass: &impl AsyncFn(Duration),
    ) -> Result<Tally, Box<dyn Error>> {
        let mut tally = Tally::default();
        for round in 0..ROUNDS {
            let mut requests = JoinSet::new();
            for (number, mut client) in self.clients.drain(..).enumerate() {
                let app = app.router.clone();
                requests.spawn(async move {
                    if round == 1 {
                        client.try_to_exchange(&app).await;
                    }
                    if round == 2
                        && number % RELOGIN_EVERY == 0
                        && matches!(client, Client::Old { .. })
                    {
                        client.log_in(&app).await;
                    }
                    let outcome = client.request(&app).await;
                    (client, outcome)
                });
            }
            if round == 0 {
                yield_now().await;
                app.turn(&format!("REFRESH_TOKEN_SYSTEM={phase}"))?;
            }
            while let Some(done) = requests.join_next().await {
                let (client, outcome) = done?;
                tally.count(outcome);
                self.clients.push(client);
            }
            pass(PAUSE).await;
        }
        Ok(tally)
    }
}

impl Tally {
    fn count(&mut self, outcome: Outcome) {
        self.requests += 1;
        match outcome {
            Outcome::AskedToLogIn => self.asked += 1,
            Outcome::Served { by_session, retries } => {
                self.retried += retries;
                self.by_session += u64::from(by_session);
                self.by_legacy += u64::from(!by_session);
            }
        }
    }
}

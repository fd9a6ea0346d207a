//! One node: its `Auth`, the handle on its store, and the shared clock.

use std::convert::Infallible;
use std::time::Duration;

use segue::Auth;
use segue::AuthErrorKind;
use segue::FlagSet;
use segue::Flags;
use segue::JwtVerifierBuilder;
use segue::LegacyGrant;
use segue::ManualClock;
use segue::RequestContext;
use segue::TokenPair;

use super::Answer;
use super::Ask;
use super::Claims;
use super::Faulty;
use super::LEGACY_LIFE;
use super::World;

#[derive(Clone, Debug)]
pub struct Node {
    pub auth: Auth,
    pub store: Faulty,
    pub clock: ManualClock,
}

impl Node {
    /// Hears everything there is to hear, so that memory is trusted at this moment.
    pub async fn settle(&self) {
        self.auth.ready().await.unwrap();
    }

    /// Time passes, and the node hears the news.
    pub async fn pass(&self, span: Duration) {
        self.clock.advance(span);
        self.settle().await;
    }

    /// Sets flags as an operator does, in the form of the flags file.
    pub fn flags(&self, text: &str) {
        let flags = text.split(' ').collect::<Vec<_>>().join("\n");
        self.auth.flags().pin(flags.parse().unwrap()).unwrap();
    }

    pub async fn login(&self, user: &str) -> TokenPair {
        let login = self.auth.login(segue::UserId::new(user).unwrap()).await.unwrap();
        login.pair.unwrap()
    }

    pub async fn refresh(&self, token: &str) -> Result<TokenPair, AuthErrorKind> {
        self.refresh_as(token, &RequestContext::default()).await
    }

    pub async fn refresh_as(
        &self,
        token: &str,
        context: &RequestContext,
    ) -> Result<TokenPair, AuthErrorKind> {
        self.auth.refresh(token, context).await.map_err(|error| error.kind())
    }

    pub async fn exchange(
        &self,
        token: &str,
        key: Option<&str>,
    ) -> Result<TokenPair, AuthErrorKind> {
        let context = RequestContext::default();
        self.auth.exchange(token, key, &context).await.map_err(|error| error.kind())
    }

    /// What a request with this bearer token gets.
    pub async fn bearer(&self, token: &str) -> Answer {
        Ask::get().bearer(token).send(self).await
    }

    /// A legacy token that the old system issues now.
    pub fn legacy_token(&self, user: &str) -> String {
        Claims::of(user, self.clock.now()).sign()
    }
}

/// A node whose legacy tokens come from these sources.
pub async fn node_of(world: &World, sources: impl IntoIterator<Item = JwtVerifierBuilder>) -> Node {
    let store = world.store();
    let mut builder = store
        .attach(Auth::builder())
        .keys(world.keys.clone())
        .flags(Flags::fixed(FlagSet::default()))
        .clock(world.clock.clock());
    for source in sources {
        builder = builder.legacy(source.build().unwrap());
    }
    let node = Node { auth: builder.build().unwrap(), store, clock: world.clock.clone() };
    node.settle().await;
    node
}

/// The app's issuer of legacy tokens, for dual issue.
pub fn issue(grant: &LegacyGrant) -> Result<String, Infallible> {
    Ok(Claims::granted(grant).sign())
}

/// Dual issue switched on.
pub fn dual(builder: segue::AuthBuilder) -> segue::AuthBuilder {
    builder.legacy_issuer::<_, BoxError>(LEGACY_LIFE, |grant| issue(grant).map_err(Into::into))
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

//! Segue over its memory store: one hot token in a table of 10,000 live sessions.

use std::cell::Cell;
use std::cell::OnceCell;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::header::COOKIE;
use segue::Algorithm;
use segue::Auth;
use segue::AuthLayer;
use segue::Flags;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::KeyVersion;
use segue::Keyring;
use segue::MemoryStore;
use segue::RefreshLayer;
use segue::SessionPolicy;
use segue::TokenPair;
use tokio::runtime::Runtime;
use tower::Layer;

use crate::jwt;
use crate::jwt::Issuer;
use crate::measure::REQUESTS_PER_ROUND;
use crate::measure::ROUNDS;
use crate::measure::Row;
use crate::rows;
use crate::rows::BARE;

/// Live sessions beside the hot one.
const SESSIONS: u32 = 10_000;
/// More than the cache of verified tokens holds, so that none is in it when its turn comes again.
const FRESH_TOKENS: u32 = 80_000;
/// For RS256, whose signatures take a thousand times longer to make than the others to check.
const FRESH_PER_ROUND: u32 = 100;
const ACCESS_LIFE: Duration = Duration::from_secs(1);

pub(super) fn rows(runtime: &Runtime) -> Vec<Row> {
    let mut rows = sessions(runtime);
    rows.extend(refusals(runtime));
    rows.extend(legacy_seen_before(runtime));
    rows.extend(legacy_first_time(runtime));
    rows
}

/// A system with these legacy sources, at the defaults in everything else.
pub fn system(legacy: &[&Issuer], policy: SessionPolicy) -> Auth {
    let version = KeyVersion::new(1).expect("a version");
    let builder = Auth::builder()
        .store(MemoryStore::new())
        .keys(Keyring::generate(version).expect("random bytes"))
        .flags(Flags::default())
        .policy(policy);
    let builder = legacy.iter().fold(builder, |builder, issuer| builder.legacy(verifier(issuer)));
    builder.build().expect("a sound configuration")
}

fn verifier(issuer: &Issuer) -> JwtVerifier {
    let (algorithm, key) = match issuer.algorithm {
        jsonwebtoken::Algorithm::HS256 => (Algorithm::HS256, JwtKey::secret(issuer.public.clone())),
        jsonwebtoken::Algorithm::RS256 => (Algorithm::RS256, JwtKey::pem(issuer.public.clone())),
        jsonwebtoken::Algorithm::ES256 => (Algorithm::ES256, JwtKey::pem(issuer.public.clone())),
        jsonwebtoken::Algorithm::EdDSA => (Algorithm::EdDSA, JwtKey::pem(issuer.public.clone())),
        other => panic!("no key of {other:?} was made"),
    };
    JwtVerifier::builder("app").algorithms([algorithm]).key(key).build().expect("a verifier")
}

/// Logs so many users in, and lets each be seen once; the last one's tokens are returned.
pub async fn logged_in(auth: &Auth, users: u32) -> TokenPair {
    let mut last = None;
    for user in 0..users.max(1) {
        let login = auth.login(user).await.expect("the memory store answers");
        let pair = login.pair.expect("sessions are on");
        let (parts, _) = rows::bearer(pair.access.expose())().into_parts();
        auth.authenticate(&parts).await.expect("a live session");
        last = Some(pair);
    }
    last.expect("there was one")
}

fn prepared(runtime: &Runtime, legacy: &[&Issuer]) -> (Auth, TokenPair) {
    let auth = system(legacy, SessionPolicy::default());
    let pair = runtime.block_on(async {
        auth.ready().await.expect("the memory store answers");
        logged_in(&auth, SESSIONS).await
    });
    (auth, pair)
}

fn outside(
    name: &'static str,
    layer: &AuthLayer,
    ask: impl Fn() -> Request<Body> + 'static,
    expected: StatusCode,
) -> Row {
    Row::new(name, BARE, layer.layer(rows::router()), ask, expected)
}

fn sessions(runtime: &Runtime) -> Vec<Row> {
    let (auth, pair) = prepared(runtime, &[]);
    let (dual_auth, dual_pair) = prepared(runtime, &[&*jwt::HS256]);
    let only = AuthLayer::sessions().with(&auth);
    let dual = AuthLayer::dual().with(&dual_auth);
    let ask = || rows::bearer(pair.access.expose());
    let ask_dual = || rows::bearer(dual_pair.access.expose());
    let renewing = RefreshLayer::new().with(&dual_auth).layer(dual.layer(rows::router()));
    let names = (dual_auth.cookies().access_name(), dual_auth.cookies().refresh_name());
    let cookies = format!(
        "{}={}; {}={}",
        names.0,
        dual_pair.access.expose(),
        names.1,
        dual_pair.refresh.expose()
    );
    let ok = StatusCode::OK;
    let inside = |layer: &AuthLayer| -> Router { rows::router().layer(layer.clone()) };
    vec![
        outside("segue session hit, outside the router", &only, ask(), ok),
        rows::row("segue session hit, Router::layer", inside(&only), ask()),
        outside("segue dual, session hit, outside the router", &dual, ask_dual(), ok),
        rows::row("segue dual, session hit, Router::layer", inside(&dual), ask_dual()),
        outside("segue dual, session cookie", &dual, rows::request(COOKIE, &cookies), ok),
        Row::new(
            "segue RefreshLayer + dual, nothing to renew",
            BARE,
            renewing,
            rows::request(COOKIE, &cookies),
            ok,
        ),
    ]
}

/// Against the whole cost of a bare request, since these never reach the router.
fn refusals(runtime: &Runtime) -> Vec<Row> {
    let (auth, pair) = prepared(runtime, &[&*jwt::HS256]);
    let layer = AuthLayer::dual().with(&auth);
    let genuine = pair.access.expose();
    let other = if genuine.ends_with('A') { "B" } else { "A" };
    let forged = format!("{}{other}", &genuine[..genuine.len() - 1]);
    let brief = SessionPolicy {
        access_life: ACCESS_LIFE,
        renew_before: Duration::ZERO,
        ..SessionPolicy::default()
    };
    let short_lived = system(&[&*jwt::HS256], brief);
    let expired = runtime.block_on(async {
        let pair = logged_in(&short_lived, 1).await;
        tokio::time::sleep(ACCESS_LIFE * 2).await;
        pair.access.expose().to_owned()
    });
    let expired_layer = AuthLayer::dual().with(&short_lived);
    let no = StatusCode::UNAUTHORIZED;
    vec![
        outside("segue garbage refused", &layer, rows::bearer("sga_garbage"), no),
        outside("segue unknown shape refused", &layer, rows::bearer("dGhlcmUgaXMgbm9uZQ"), no),
        outside("segue forged session token refused", &layer, rows::bearer(&forged), no),
        outside("segue expired session token refused", &expired_layer, rows::bearer(&expired), no),
    ]
}

fn legacy_seen_before(runtime: &Runtime) -> Vec<Row> {
    [
        ("segue legacy HS256 seen before", &*jwt::HS256),
        ("segue legacy RS256 seen before", &*jwt::RS256),
        ("segue legacy ES256 seen before", &*jwt::ES256),
        ("segue legacy EdDSA seen before", &*jwt::EDDSA),
    ]
    .into_iter()
    .map(|(name, issuer)| {
        let (auth, _) = prepared(runtime, &[issuer]);
        let ask = rows::bearer(&issuer.token(1));
        outside(name, &AuthLayer::dual().with(&auth), ask, StatusCode::OK)
    })
    .collect()
}

fn legacy_first_time(runtime: &Runtime) -> Vec<Row> {
    let once = FRESH_PER_ROUND * (u32::try_from(ROUNDS).expect("few rounds") + 1);
    [
        ("segue legacy HS256 first time", &*jwt::HS256, FRESH_TOKENS, REQUESTS_PER_ROUND),
        ("segue legacy RS256 first time", &*jwt::RS256, once, FRESH_PER_ROUND),
        ("segue legacy ES256 first time", &*jwt::ES256, FRESH_TOKENS, REQUESTS_PER_ROUND),
    ]
    .into_iter()
    .map(|(name, issuer, tokens, requests)| {
        let (auth, _) = prepared(runtime, &[issuer]);
        let ask = fresh_each_time(issuer, tokens);
        outside(name, &AuthLayer::dual().with(&auth), ask, StatusCode::OK).with_requests(requests)
    })
    .collect()
}

/// The tokens are made at the first request, which is not timed.
fn fresh_each_time(issuer: &'static Issuer, tokens: u32) -> impl Fn() -> Request<Body> {
    let values: OnceCell<Vec<http::HeaderValue>> = OnceCell::new();
    let next = Cell::new(0);
    move || {
        let values = values.get_or_init(|| {
            let texts = (0..tokens).map(|number| format!("Bearer {}", issuer.token(number)));
            texts.map(|text| text.parse().expect("a header value")).collect()
        });
        let index = next.get();
        next.set((index + 1) % values.len());
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static("/me");
        request.headers_mut().insert(AUTHORIZATION, values[index].clone());
        request
    }
}

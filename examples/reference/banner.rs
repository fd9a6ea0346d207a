//! What is printed at start: where to look, who to be, what to paste.

use std::error::Error;
use std::fmt::Write;
use std::net::SocketAddr;

use segue::UserId;

use super::app::Reference;
use super::settings::Settings;
use super::users::DEMO;

pub(crate) fn print(
    address: SocketAddr,
    settings: &Settings,
    reference: &Reference,
) -> Result<(), Box<dyn Error>> {
    println!("{}", text(address, settings, reference)?);
    Ok(())
}

pub(crate) fn text(
    address: SocketAddr,
    settings: &Settings,
    reference: &Reference,
) -> Result<String, Box<dyn Error>> {
    let url = format!("http://{address}");
    let mut text = format!("segue reference app: {url}\n\n");
    for (id, name, password, scopes) in DEMO {
        let scopes = if scopes.is_empty() { "none" } else { scopes };
        writeln!(text, "  user {id}: {name} / {password}  (scopes: {scopes})")?;
    }
    writeln!(text, "\nstore: {}", without_password(&settings.store))?;
    if settings.old.secret_is_made_up {
        let user = UserId::from(1);
        let token = reference.old_app.token(&user, reference.auth.clock().now())?;
        writeln!(text, "JWT_SECRET was not set; for this run it is {}", settings.old.secret)?;
        writeln!(text, "\nA token of the old app, for alice:\n\nLEGACY={token}")?;
    }
    write!(text, "{}", LINES.replace("URL", &url))?;
    Ok(text)
}

const LINES: &str = r#"
Log in, use, refresh, list, sign out:

curl -s URL/login -H 'content-type: application/json' -d '{"username":"alice","password":"wonderland"}'
ACCESS=…  REFRESH=…  SESSION=…    # from the answer
curl -s URL/me -H "authorization: Bearer $ACCESS"
curl -s URL/auth/refresh -H 'content-type: application/json' -d "{\"refresh_token\":\"$REFRESH\"}"
curl -s URL/auth/sessions -H "authorization: Bearer $ACCESS"
curl -s -X DELETE URL/auth/sessions/$SESSION -H "authorization: Bearer $ACCESS"
curl -s URL/me -H "authorization: Bearer $ACCESS"      # 401 session_revoked

The old way, beside it, until logout or the cut-over; or traded for a session:

curl -s URL/legacy/login -H 'content-type: application/json' -d '{"username":"alice","password":"wonderland"}'      # LEGACY=… from the answer
curl -s URL/me -H "authorization: Bearer $LEGACY"
curl -s -X POST URL/auth/exchange -H "authorization: Bearer $LEGACY"
curl -s -X POST URL/auth/logout -H "authorization: Bearer $LEGACY"
curl -s URL/me -H "authorization: Bearer $LEGACY"      # 401 token_revoked
"#;

/// An address may hold a password.
fn without_password(store: &str) -> String {
    match (store.split_once("://"), store.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => store.to_owned(),
    }
}

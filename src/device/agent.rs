//! User agents turned into short names for people, and into what of them stays the same.

use woothee::parser::Parser;
use woothee::woothee::VALUE_UNKNOWN;

// Longer ones are cut: real ones have 100 to 200 bytes.
const USER_AGENT_BYTES_MAX: usize = 512;
const PRODUCT_BYTES_MAX: usize = 32;

const UNKNOWN_DEVICE: &str = "Unknown device";

/// A short name of the device for the user's list: "Firefox on Linux".
///
/// Clients that are no browsers are called by their product name alone ("curl"); what can't be
/// told is "Unknown device". The name never has more than 64 bytes and contains no control
/// characters, whatever the header says. Anybody can send any user agent: the name helps people to
/// recognise their own devices, and proves nothing.
///
/// ```
/// use segue::device_name;
///
/// let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// assert_eq!(device_name(firefox), "Firefox on Linux");
/// assert_eq!(device_name("curl/8.5.0"), "curl");
/// assert_eq!(device_name(""), "Unknown device");
/// ```
#[must_use]
pub fn device_name(user_agent: &str) -> String {
    let Agent { family, system } = Agent::of(user_agent);
    match (family.as_deref(), system.as_deref()) {
        (Some(family), Some(system)) if family != system => format!("{family} on {system}"),
        (Some(name), _) | (None, Some(name)) => name.to_owned(),
        (None, None) => UNKNOWN_DEVICE.to_owned(),
    }
}

/// What of a user agent outlives updates of browser and operating system.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Agent {
    pub(super) family: Option<String>,
    pub(super) system: Option<String>,
}

impl Agent {
    pub(super) fn of(user_agent: &str) -> Self {
        let user_agent = cut(user_agent);
        let parsed = Parser::new().parse(user_agent).unwrap_or_default();
        let known = |name: &&str| ![VALUE_UNKNOWN, "HTTP Library", ""].contains(name);
        let family = Some(parsed.name).filter(known).or_else(|| product(user_agent));
        let system = Some(parsed.os).filter(known).map(system_name);
        Self { family: family.map(str::to_owned), system: system.map(str::to_owned) }
    }
}

/// What people call it, without the version: upgrading a system does not make another device.
fn system_name(name: &str) -> &str {
    match name {
        "Mac OSX" => "macOS",
        name if name.starts_with("Windows") && name != "Windows Phone OS" => "Windows",
        name => name,
    }
}

/// The first product's name (RFC 9110, section 10.1.5), if it says anything: all browsers begin
/// with "Mozilla".
fn product(user_agent: &str) -> Option<&str> {
    let name = user_agent.split(['/', ' ']).next()?;
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let is_word = name.starts_with(|first: char| first.is_ascii_alphabetic());
    (is_plain && is_word && name.len() <= PRODUCT_BYTES_MAX && name != "Mozilla").then_some(name)
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(USER_AGENT_BYTES_MAX)]
}

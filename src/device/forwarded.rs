//! The two forwarded header fields, read strictly: `X-Forwarded-For` and `Forwarded` (RFC 7239).

use std::borrow::Cow;
use std::net::IpAddr;
use std::net::SocketAddr;

use http::HeaderName;
use http::HeaderValue;
use http::header::FORWARDED;

/// Which header field the trusted proxies write. The other one is never looked at, since a proxy
/// that does not write it passes on whatever the client sent.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `Forwarded: for=192.0.2.1` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For: 192.0.2.1`, which nearly all proxies write.
    #[default]
    XForwardedFor,
}

/// What one proxy said about the sender: an address, or something that is none.
pub(super) type Hop = Option<IpAddr>;

// Longer ones are no work of proxies.
const FIELD_BYTES_MAX: usize = 8 * 1024;

impl ForwardedHeader {
    /// Reads `x-forwarded-for` or `forwarded`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "forwarded" => Some(Self::Forwarded),
            "x-forwarded-for" => Some(Self::XForwardedFor),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> HeaderName {
        match self {
            Self::Forwarded => FORWARDED,
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
        }
    }

    /// What one field says, in the order in which it was written; unreadable as a whole, it is one
    /// hop without an address.
    pub(super) fn hops(self, field: &HeaderValue) -> Vec<Hop> {
        let field = field.to_str().ok().filter(|field| field.len() <= FIELD_BYTES_MAX);
        let hops = field.and_then(|field| match self {
            Self::Forwarded => forwarded_hops(field),
            Self::XForwardedFor => Some(x_forwarded_for_hops(field)),
        });
        hops.unwrap_or_else(|| vec![None])
    }
}

fn x_forwarded_for_hops(field: &str) -> Vec<Hop> {
    let elements = field.split(',').map(str::trim);
    elements.filter(|element| !element.is_empty()).map(address_of).collect()
}

/// An address with or without a port; IPv6 in brackets where there is one.
fn address_of(text: &str) -> Hop {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

/// The `for` parameter of every element, or `None` if the field breaks the grammar of RFC 7239,
/// section 4. A quotation mark without its partner could hide what trusted proxies appended, so
/// the whole field counts for nothing then.
fn forwarded_hops(field: &str) -> Option<Vec<Hop>> {
    let mut rest = Cursor(field);
    let mut hops = Vec::new();
    loop {
        if let Some(node) = rest.element()? {
            hops.push(node.and_then(|node| node_address(&node)));
        }
        if rest.0.is_empty() {
            return Some(hops);
        }
        rest.eat(',')?;
    }
}

/// The address of a node identifier (RFC 7239, section 6): an IPv6 address stands in brackets;
/// `unknown` and obfuscated identifiers have none.
fn node_address(node: &str) -> Hop {
    let is_bare_ipv6 = !node.starts_with('[') && node.matches(':').count() > 1;
    // An obfuscated port, as in 192.0.2.1:_web, leaves the address readable.
    let node = match node.rsplit_once(":_") {
        Some((address, _)) => address,
        None => node,
    };
    if is_bare_ipv6 { None } else { address_of(node) }
}

struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// One element: its `for` value if it has one. Outer `None`: broken; inner `None`: empty.
    #[expect(clippy::option_option, reason = "broken, empty, and without `for` are three things")]
    fn element(&mut self) -> Option<Option<Option<Cow<'a, str>>>> {
        let mut is_empty = true;
        let mut node = None;
        loop {
            self.skip_space();
            if !self.0.is_empty() && !self.0.starts_with([',', ';']) {
                is_empty = false;
                let (name, value) = self.pair()?;
                let is_node = name.eq_ignore_ascii_case("for");
                if is_node && node.replace(value).is_some() {
                    return None;
                }
            }
            self.skip_space();
            if self.eat(';').is_none() {
                return Some(if is_empty { None } else { Some(node) });
            }
        }
    }

    fn pair(&mut self) -> Option<(&'a str, Cow<'a, str>)> {
        let name = self.token()?;
        self.eat('=')?;
        let value = if self.0.starts_with('"') { self.quoted()? } else { self.token()?.into() };
        Some((name, value))
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.0.find(|character| !is_token(character)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let body = self.0.strip_prefix('"')?;
        let mut text = String::new();
        let mut characters = body.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = &body[at + 1..];
                    return Some(text.into());
                }
                '\\' => text.push(characters.next()?.1),
                other => text.push(other),
            }
        }
        None
    }

    fn eat(&mut self, character: char) -> Option<()> {
        self.0 = self.0.strip_prefix(character)?;
        Some(())
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }
}

/// The characters of a token (RFC 9110, section 5.6.2).
const fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(
            character,
            '!' | '#'
                | '$'
                | '%'
                | '&'
                | '\''
                | '*'
                | '+'
                | '-'
                | '.'
                | '^'
                | '_'
                | '`'
                | '|'
                | '~'
        )
}

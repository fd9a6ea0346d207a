//! Issued text: wiped on drop, never printed, handed out only by name.

use std::fmt;

use serde::Serializer;
use zeroize::Zeroize;

use super::codec;

macro_rules! issued_token {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone)]
        pub struct $name(String);

        impl $name {
            pub(super) fn encode(prefix: &str, bytes: &[u8]) -> Self {
                Self(codec::encode(prefix, bytes))
            }

            /// The token itself, to be sent to the client and nowhere else.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// Writes the token itself into a response:
            /// `#[serde(serialize_with = "…::serialize_exposed")]`.
            ///
            /// There is no plain `Serialize`, so that a token does not end in a log by way of a
            /// structure that holds it.
            ///
            /// # Errors
            ///
            /// Those of the serializer.
            pub fn serialize_exposed<S: Serializer>(
                token: &Self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(token.expose())
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

issued_token! {
    /// A freshly issued access token, `sga_…`: the short-lived credential that requests carry.
    ///
    /// 92 characters of the token68 alphabet (RFC 9110, section 11.2), fit for `Authorization:
    /// Bearer` and for a cookie. It authenticates itself: a forged or expired one is refused
    /// without any store access. It does not contain the refresh secret.
    ///
    /// `Debug` prints nothing of it; [`AccessToken::expose`] is the way to its text.
    AccessToken
}

issued_token! {
    /// A freshly issued refresh token, `sgr_…`: the long-lived credential that only buys a new pair.
    ///
    /// 84 characters of the token68 alphabet. Each is good for one rotation; presenting an old one
    /// later than the grace window ends the session, since then two parties hold it.
    ///
    /// `Debug` prints nothing of it; [`RefreshToken::expose`] is the way to its text.
    RefreshToken
}

//! Who made the request: credentials in, verified facts out.
//!
//! | part | what it holds |
//! |---|---|
//! | `legacy` | whatever the app used before: the trait, the guard rails, JSON Web Tokens |

pub(crate) mod legacy;

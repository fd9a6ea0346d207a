//! The routes of `auth.routes()`: what each answers, happy and not, judged at a clock moved by hand.

mod exchange;
pub(crate) mod harness;
mod input;
mod logout;
mod refresh;
mod sessions;

//! What the compiler says to mistakes: part of the interface, so kept word by word.

use std::process::Command;

/// The messages change with the compiler; these are this one's.
const RUSTC: &str = "1.95";

/// Each mistake in `tests/ui` gets the message beside it.
///
/// It builds the crate and all it depends on a second time, which takes minutes, so it runs where
/// `SEGUE_UI_TESTS` is set. To write the messages anew after a change:
/// `SEGUE_UI_TESTS=1 TRYBUILD=overwrite cargo test --all-features --test it ui::`.
#[test]
fn messages_say_what_to_do() {
    if std::env::var_os("SEGUE_UI_TESTS").is_none() {
        println!("skipped: SEGUE_UI_TESTS is not set");
        return;
    }
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    if !version.contains(&format!(" {RUSTC}.")) {
        println!("skipped: the messages are those of rustc {RUSTC}, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

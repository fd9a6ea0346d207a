//! A layer without arguments: what the environment says, or a start that ends with every fault.

use std::process::Command;
use std::process::Output;

use segue::AuthLayer;
use tower::service_fn;
use tower_layer::Layer;

use super::support::get;
use super::support::send;
use super::support::who;

const CHILD: &str = "SEGUE_TEST_OWN_PROCESS";

/// The environment belongs to a whole process, so a case runs itself again in one of its own.
fn run(case: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("layers::environment::{case}"), "--nocapture"]);
    command.env(CHILD, "1").env("RUST_BACKTRACE", "0").envs(variables.iter().copied());
    command.output().unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn shortest_program() {
    let unused = AuthLayer::dual().optional();
    let service = AuthLayer::dual().layer(service_fn(who));
    assert_eq!(send(&service, get(&[])).await.status, 401);
    assert_eq!(send(&unused.layer(service_fn(who)), get(&[])).await.text, "anonymous");
}

/// The shortest program works.
#[test]
fn the_environment_is_enough() {
    if std::env::var_os(CHILD).is_some() {
        return shortest_program();
    }
    let output = run("the_environment_is_enough", &[("SEGUE_STORE", "memory:")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Wrong configuration ends the start when the layer is applied, not the first request, and one
/// message names every fault.
#[test]
fn every_fault_in_one_message() {
    if std::env::var_os(CHILD).is_some() {
        return shortest_program();
    }
    let variables =
        [("SEGUE_STORE", "memory:"), ("LEGACY_JWT", "perhaps"), ("REFRESH_TOKEN_SYSTEM", "150%")];
    let output = run("every_fault_in_one_message", &variables);
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("AuthLayer can't be built from the environment: 2 faults"), "{text}");
    for part in ["LEGACY_JWT", "perhaps", "REFRESH_TOKEN_SYSTEM", "150%"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

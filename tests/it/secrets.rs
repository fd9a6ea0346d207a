//! No secret leaves by the back door: a whole run with everything that is logged, counted, printed
//! or stored captured, and searched for everything that was issued or configured.

mod capture;
mod run;
mod wrong_configuration;

use std::process::Command;

use self::capture::Capture;

const ROLE: &str = "SEGUE_TEST_SECRETS";

/// Logs at TRACE, metrics, `Debug` and `Display` of everything reachable, problem documents and the
/// bytes of the SQLite file hold none of the tokens, keys, secrets and passwords of the run.
///
/// In a process of its own, since log and metrics are captured for the whole of it.
#[test]
fn no_secret_leaks() {
    if std::env::var_os(ROLE).is_some() {
        return search();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "secrets::no_secret_leaks", "--nocapture"])
        .env(ROLE, "search")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let failed = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("searched for"), "{said}\n{failed}");
}

fn search() {
    let mut capture = Capture::install();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run::all(&mut capture));
    wrong_configuration::all(&mut capture);
    drop(runtime);
    capture.collect_logs_and_metrics();
    let leaks = capture.leaks();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    println!("searched for {} secrets", capture.secrets());
}

/// The search finds what it shall find, in each form that it knows.
#[test]
fn the_search_finds() {
    let secret: Vec<u8> = (90..122).collect();
    let forms = capture::forms("a key", &secret);
    for hidden in [
        format!("key={:?}", secret),
        format!("key={}", data_encoding::HEXLOWER.encode(&secret)),
        format!("key={}", data_encoding::HEXUPPER.encode(&secret)),
        format!("key={}", data_encoding::BASE64.encode(&secret)),
        format!("key={}", data_encoding::BASE64URL_NOPAD.encode(&secret)),
        format!("key={}", String::from_utf8_lossy(&secret)),
    ] {
        assert!(forms.iter().any(|form| form.is_in(&hidden)), "{hidden}");
    }
    let innocent = format!("{:?} {}", &secret[..6], data_encoding::HEXLOWER.encode(&secret[..6]));
    assert!(!forms.iter().any(|form| form.is_in(&innocent)), "{innocent}");
}

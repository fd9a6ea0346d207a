//! Prints the comparison: the middleware table, with `http` the table over loopback, or with
//! `only NAME` the times of some rows.

use std::collections::HashMap;
use std::env;
use std::process::Command;

use segue_compare::contention;
use segue_compare::http;
use segue_compare::measure;
use segue_compare::measure::Row;
use segue_compare::rows;

/// Enough for a profiler to see these rows and not their set-up.
const ROUNDS_ALONE: usize = 1_000;

fn main() {
    match env::args().nth(1).as_deref() {
        None => {
            middleware();
            contention::print();
        }
        Some("http") => http::compare(),
        Some("only") => only(&env::args().nth(2).expect("a part of the rows' names")),
        Some("serve") => http::serve(&env::args().nth(2).expect("the name of a server")),
        Some(other) => panic!("{other:?} is not a comparison; give nothing, http, or only NAME"),
    }
}

fn middleware() {
    let allocations = allocations();
    let runtime = measure::runtime();
    let mut rows = rows::all(&runtime);
    let costs = measure::times(&runtime, &mut rows, measure::ROUNDS);
    println!(
        "One request through the middleware, without a network; medians of {} interleaved rounds.\n",
        measure::ROUNDS
    );
    println!("| {:<48} | ns a request | over bare, ns | allocations | over bare |", "stack");
    println!("|{:-<50}|-------------:|--------------:|------------:|----------:|", "");
    for (cost, row) in costs.iter().zip(&rows) {
        let counted = allocations.get(cost.name).copied().unwrap_or_default();
        let over = counted - bare_allocations(&allocations, row);
        println!(
            "| {:<48} | {:>12.0} | {:>13.0} | {counted:>11} | {over:>9} |",
            cost.name, cost.total, cost.over_bare
        );
    }
}

/// Times the rows with this in their names beside the bare one; what a profiler is pointed at.
fn only(part: &str) {
    let runtime = measure::runtime();
    let mut rows = rows::all(&runtime);
    rows.retain(|row| row.name == rows::BARE || row.name.contains(part));
    rows.retain(|row| row.bare == rows::BARE);
    for cost in measure::times(&runtime, &mut rows, ROUNDS_ALONE) {
        println!("{:<48} {:>8.0} ns, over bare {:>8.0} ns", cost.name, cost.total, cost.over_bare);
    }
}

fn bare_allocations(allocations: &HashMap<String, i64>, row: &Row) -> i64 {
    allocations.get(row.bare).copied().unwrap_or_default()
}

/// Builds and runs the counting program. It is another one, because counting costs time.
fn allocations() -> HashMap<String, i64> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    // Left in, what `cargo run` tells us makes build scripts of dependencies run again.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    let output = command
        .args(["run", "--release", "--quiet", "--bin", "allocations", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("lines of text");
    lines
        .lines()
        .filter_map(|line| {
            let (name, count) = line.split_once('\t')?;
            Some((name.to_owned(), count.parse().ok()?))
        })
        .collect()
}

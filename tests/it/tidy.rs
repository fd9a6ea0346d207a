//! Style that can be checked: the direction of imports, small files, opening sentences, no
//! unfinished work, a reason for each dependency, a feature table that is complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Modules from the ground up: each may import what stands on the rows above it, within its list.
const LAYERS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("time", &[]),
    ("trace", &[]),
    ("id", &["error"]),
    ("secret", &["error"]),
    ("blacklist", &["id", "time"]),
    ("keys", &["error", "id", "secret", "time"]),
    ("token", &["error", "id", "keys", "secret", "time"]),
    ("device", &["error", "keys"]),
    ("session", &["blacklist", "device", "error", "id", "keys", "time"]),
    ("principal", &["id", "session", "time"]),
    ("store", &["blacklist", "device", "error", "id", "keys", "session", "time", "trace"]),
    ("flags", &["error", "id", "time", "trace"]),
    ("problem", &["error"]),
    ("cookies", &["error", "token"]),
    (
        "coherent",
        &["blacklist", "device", "error", "id", "principal", "session", "store", "time", "trace"],
    ),
    (
        "verify",
        &[
            "blacklist",
            "coherent",
            "cookies",
            "device",
            "error",
            "flags",
            "id",
            "keys",
            "principal",
            "secret",
            "session",
            "store",
            "time",
            "token",
            "trace",
        ],
    ),
    (
        "flow",
        &[
            "blacklist",
            "coherent",
            "cookies",
            "device",
            "error",
            "flags",
            "id",
            "keys",
            "principal",
            "problem",
            "secret",
            "session",
            "store",
            "time",
            "token",
            "trace",
            "verify",
        ],
    ),
    ("layer", &["error", "flow", "principal", "problem", "time", "verify"]),
    ("extract", &["error", "flow", "id", "principal", "problem", "session", "time", "verify"]),
    (
        "routes",
        &[
            "error",
            "extract",
            "flow",
            "id",
            "layer",
            "principal",
            "problem",
            "secret",
            "session",
            "store",
            "time",
            "trace",
            "verify",
        ],
    ),
];

/// Longer files want to be two.
const FILE_LINES_MAX: usize = 350;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !matches!(&*name, "target" | "corpus" | "artifacts") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The code of a file without its comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.enumerate().map(|(index, line)| (index + 1, line))
}

fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The part of a file that ends up in the library: unit tests may use whatever they need.
fn library_part(path: &Path, text: &str) -> String {
    let in_tests = path.components().any(|part| part.as_os_str() == "tests");
    let end = if in_tests { 0 } else { text.find("#[cfg(test)]").unwrap_or(text.len()) };
    text[..end].to_owned()
}

/// The modules that a line of code names through `crate::`.
fn named_modules(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        Some(&rest[..end])
    })
}

/// Imports go down only, along the edges that are written down here.
#[test]
fn imports_go_one_way() {
    let known: BTreeSet<_> = LAYERS.iter().map(|(module, _)| *module).collect();
    let mut faults = Vec::new();
    for path in rust_files(&root().join("src")) {
        let module = module_of(&path);
        if matches!(&*module, "lib" | "__fuzz") {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            faults.push(format!("{}: module {module} has no row", shown(&path)));
            continue;
        };
        let text = library_part(&path, &fs::read_to_string(&path).unwrap());
        for (number, line) in code_lines(&text) {
            for named in named_modules(line).filter(|named| known.contains(named)) {
                if named != module && !allowed.contains(&named) {
                    faults.push(format!(
                        "{}:{number}: {module} must not import {named}",
                        shown(&path)
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The rows above are in order: no module may import one of a later row, so there is no cycle.
#[test]
fn the_rows_are_in_order() {
    for (index, (module, allowed)) in LAYERS.iter().enumerate() {
        for other in *allowed {
            let at = LAYERS.iter().position(|(name, _)| name == other).unwrap();
            assert!(at < index, "{module} imports {other}, which stands on a later row");
        }
    }
}

/// The layers work without axum.
#[test]
fn layers_do_not_know_axum() {
    for path in rust_files(&root().join("src/layer")) {
        for (number, line) in code_lines(&fs::read_to_string(&path).unwrap()) {
            assert!(!line.contains("axum"), "{}:{number}: {line}", shown(&path));
        }
    }
}

/// Files are short, and say in their first line what they are for.
#[test]
fn files_are_small_rooms_with_a_sign() {
    let mut faults = Vec::new();
    for folder in ["src", "examples", "tests/it", "benches"] {
        for path in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            if !text.starts_with("//! ") {
                faults.push(format!("{}: does not open with a sentence", shown(&path)));
            }
            let lines = text.lines().count();
            if folder == "src" && lines > FILE_LINES_MAX {
                faults.push(format!("{}: {lines} lines", shown(&path)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Nothing is left for later, and no clock is read below the edge.
#[test]
fn nothing_is_unfinished() {
    let words = [
        concat!("to", "do!"),
        concat!("unimple", "mented!"),
        concat!("FIX", "ME"),
        concat!("HA", "CK"),
        concat!("#[ig", "nore"),
    ];
    let mut faults = Vec::new();
    for folder in ["src", "examples", "tests/it"] {
        for path in rust_files(&root().join(folder)) {
            if path.ends_with("tidy.rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for (index, line) in text.lines().enumerate() {
                if words.iter().any(|word| line.contains(word)) {
                    faults.push(format!("{}:{}: {line}", shown(&path), index + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The wall clock is read in one place; everything else is handed the instant.
#[test]
fn one_place_reads_the_wall_clock() {
    let mut readers = BTreeSet::new();
    for path in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        if code_lines(&text).any(|(_, line)| line.contains("SystemTime::now")) {
            readers.insert(shown(&path));
        }
    }
    assert_eq!(readers, BTreeSet::from(["src/time.rs".to_owned()]));
}

/// The environment is read where a program starts, not below.
#[test]
fn few_places_read_the_environment() {
    let allowed = ["src/flags/live.rs", "src/flow/environment.rs", "src/keys/source.rs"];
    for path in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let reads = code_lines(&text).any(|(_, line)| line.contains("env::var"));
        assert!(!reads || allowed.contains(&&*shown(&path)), "{}", shown(&path));
    }
}

/// Every dependency has its reason on the line above it.
#[test]
fn dependencies_have_reasons() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let start = manifest.find("\n[dependencies]\n").unwrap();
    let end = manifest.find("\n[dev-dependencies]\n").unwrap();
    let lines: Vec<&str> = manifest[start..end].lines().skip(2).collect();
    for (index, line) in lines.iter().enumerate() {
        if line.contains(" = ") && !line.starts_with('#') {
            let above = lines.get(index.wrapping_sub(1)).copied().unwrap_or_default();
            let grouped = above.contains(" = ") && line.starts_with("tower-");
            assert!(above.starts_with('#') || grouped, "no reason for: {line}");
        }
    }
}

/// The README's feature table names exactly the public features.
#[test]
fn the_feature_table_is_complete() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let start = manifest.find("\n[features]\n").unwrap() + "\n[features]\n".len();
    let section = manifest[start..].split("\n[").next().unwrap();
    let features: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with('_') && !name.starts_with('#') && *name != "default")
        .collect();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split("## Features").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next())
        .collect();
    assert_eq!(named, features);
}

/// Every refusal's code is explained to clients.
#[test]
fn every_code_is_documented() {
    let guide = fs::read_to_string(root().join("src/docs/errors.md")).unwrap();
    for kind in segue::AuthErrorKind::ALL {
        let cell = format!("`{}`", kind.code());
        assert!(guide.contains(&cell), "src/docs/errors.md does not explain {cell}");
    }
}

/// Every metric is explained to operators.
#[test]
fn every_metric_is_documented() {
    let guide = fs::read_to_string(root().join("src/docs/telemetry.md")).unwrap();
    for path in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let macros = ["count!(", "gauge!(", "observe!("];
        for after in macros.iter().flat_map(|name| text.split(name).skip(1)) {
            let Some(rest) = after.trim_start().strip_prefix('"') else { continue };
            let name = rest.split('"').next().unwrap();
            let cell = format!("`{name}`");
            let known = !name.starts_with("segue_") || guide.contains(&cell);
            assert!(known, "{}: {name} is not in src/docs/telemetry.md", shown(&path));
        }
    }
}

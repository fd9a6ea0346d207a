//! Flags: what values mean, how sources go over one another, and what a live change does.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::prelude::prop_assert;
use proptest::prelude::prop_assert_eq;
use proptest::prelude::proptest;
use segue::ConfigError;
use segue::Fingerprinting;
use segue::FlagOverrides;
use segue::FlagSet;
use segue::Flags;
use segue::FlagsStatus;
use segue::FlagsSubscription;
use segue::Percent;
use segue::RolloutMode;
use segue::Timestamp;
use segue::UserId;
use segue::rollout_bucket;

fn lookup<'a>(values: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
}

fn set(values: &[(&str, &str)]) -> Result<FlagSet, ConfigError> {
    FlagSet::from_lookup(&lookup(values))
}

fn overrides(text: &str) -> FlagOverrides {
    text.parse().unwrap()
}

fn share(text: &str) -> RolloutMode {
    RolloutMode::Percent(text.parse().unwrap())
}

fn with_file(path: &Path, values: &[(&str, &str)]) -> Result<Flags, ConfigError> {
    let path = path.display().to_string();
    let mut values = values.to_vec();
    values.push(("SEGUE_FLAGS_FILE", &path));
    Flags::from_lookup(&lookup(&values))
}

async fn until(
    changes: &mut FlagsSubscription,
    reached: impl Fn(&FlagsStatus) -> bool,
) -> FlagsStatus {
    loop {
        let status = changes.changed().await.expect("the flags are alive");
        if reached(&status) {
            return status;
        }
    }
}

/// Unset variables, and empty ones, mean the documented defaults.
#[test]
fn unset_and_empty_mean_the_defaults() {
    let defaults = set(&[]).unwrap();
    assert_eq!(defaults, FlagSet::default());
    assert_eq!(defaults.refresh_tokens, RolloutMode::On);
    assert!(defaults.session_tracking);
    assert_eq!(defaults.device_fingerprinting, Fingerprinting::Off);
    assert!(defaults.legacy_jwt);
    assert_eq!(defaults.legacy_until, None);
    assert_eq!(defaults.legacy_max_age, Duration::from_secs(30 * 24 * 3600));
    assert_eq!(defaults.legacy_stale_ok, Duration::from_secs(300));
    assert!(!defaults.shadow_compare);
    assert_eq!(defaults.rollout_salt(), "segue");
    let empty = FlagSet::from_lookup(&|name| (name != "SEGUE_FLAGS_FILE").then(|| " ".to_owned()));
    assert_eq!(empty, Ok(defaults));
}

/// Every allowed value is taken for what the table says.
#[test]
fn good_values() {
    type Check = fn(&FlagSet) -> bool;
    let cases: &[(&str, &str, Check)] = &[
        ("REFRESH_TOKEN_SYSTEM", "false", |f| f.refresh_tokens == RolloutMode::Off),
        ("REFRESH_TOKEN_SYSTEM", "drain", |f| f.refresh_tokens == RolloutMode::Drain),
        ("REFRESH_TOKEN_SYSTEM", "0%", |f| f.refresh_tokens == share("0%")),
        ("REFRESH_TOKEN_SYSTEM", " 10% ", |f| f.refresh_tokens == share("10%")),
        ("REFRESH_TOKEN_SYSTEM", "0.25%", |f| f.refresh_tokens == share("0.25%")),
        ("REFRESH_TOKEN_SYSTEM", "true", |f| f.refresh_tokens == RolloutMode::On),
        ("SESSION_TRACKING", "false", |f| !f.session_tracking),
        ("SESSION_TRACKING", "true", |f| f.session_tracking),
        ("DEVICE_FINGERPRINTING", "false", |f| f.device_fingerprinting == Fingerprinting::Off),
        ("DEVICE_FINGERPRINTING", "true", |f| f.device_fingerprinting == Fingerprinting::Observe),
        ("DEVICE_FINGERPRINTING", "observe", |f| {
            f.device_fingerprinting == Fingerprinting::Observe
        }),
        ("DEVICE_FINGERPRINTING", "enforce", |f| {
            f.device_fingerprinting == Fingerprinting::Enforce
        }),
        ("LEGACY_JWT", "true", |f| f.legacy_jwt),
        ("LEGACY_JWT", "false", |f| !f.legacy_jwt),
        ("LEGACY_JWT_UNTIL", "2027-01-15T09:00:00+01:00", |f| {
            f.legacy_until == Some(Timestamp::from_unix_seconds(1_800_000_000))
        }),
        ("LEGACY_JWT_MAX_AGE", "1s", |f| f.legacy_max_age == Duration::from_secs(1)),
        ("LEGACY_JWT_MAX_AGE", "1h 30m", |f| f.legacy_max_age == Duration::from_secs(5400)),
        ("LEGACY_STALE_OK", "0s", |f| f.legacy_stale_ok == Duration::ZERO),
        ("LEGACY_STALE_OK", "1d", |f| f.legacy_stale_ok == Duration::from_secs(86_400)),
        ("SHADOW_COMPARE", "true", |f| f.shadow_compare),
        ("SEGUE_ROLLOUT_SALT", "spring", |f| f.rollout_salt() == "spring"),
    ];
    for (name, value, check) in cases {
        let flags = set(&[(name, value)]).unwrap();
        assert!(check(&flags), "{name}={value} gave {flags:?}");
    }
}

/// Every wrong value is a fault that names the variable, the value and what is allowed.
#[test]
fn wrong_values_are_named() {
    let long = "x".repeat(5000);
    let cases: &[(&str, &[&str], &str)] = &[
        (
            "REFRESH_TOKEN_SYSTEM",
            &["10", "True", "on", "101%", "-1%", "1.234%", "%", "off", "drain%", &long],
            "false, drain, true, or a share from 0% to 100%",
        ),
        ("SESSION_TRACKING", &["1", "yes", "TRUE", "observe"], "true or false"),
        ("DEVICE_FINGERPRINTING", &["strict", "1"], "false, observe (or true) or enforce"),
        ("LEGACY_JWT", &["0", "no", "50%"], "true or false"),
        (
            "LEGACY_JWT_UNTIL",
            &[
                "2027-01-15",
                "2027-01-15T08:00:00",
                "tomorrow",
                "1800000000",
                "2027-13-01T00:00:00Z",
            ],
            "an RFC 3339 instant",
        ),
        ("LEGACY_JWT_MAX_AGE", &["30", "0s", "-1d", "101y", "a month"], "from 1s to 100y"),
        ("LEGACY_STALE_OK", &["5", "25h", "soon"], "from 0s to 1d"),
        ("SHADOW_COMPARE", &["2"], "true or false"),
        ("SEGUE_ROLLOUT_SALT", &[&long], "at most 255 bytes"),
    ];
    for (name, values, allowed) in cases {
        for value in *values {
            let error = set(&[(name, value)]).unwrap_err();
            assert_eq!(error.faults().len(), 1, "{error}");
            assert_eq!(error.faults()[0].setting(), *name);
            let message = error.to_string();
            assert!(message.contains(allowed), "{name}={value}: {message}");
            assert!(message.contains(value.get(..20).unwrap_or(value)), "{message}");
            assert!(message.len() < 400, "a message is bounded: {message}");
        }
    }
}

/// All faults of the environment and of the file come in one message.
#[test]
fn all_faults_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flags");
    fs::write(&path, "# note\nLEGACY_JWT=maybe\n\nLEGACY_JTW=false\n").unwrap();
    let values = [("REFRESH_TOKEN_SYSTEM", "10"), ("SESSION_TRACKING", "x")];
    let message = with_file(&path, &values).unwrap_err().to_string();
    assert!(message.starts_with("4 faults"), "{message}");
    for part in ["REFRESH_TOKEN_SYSTEM: \"10\"", "SESSION_TRACKING: \"x\""] {
        assert!(message.contains(part), "{message}");
    }
    let file = path.display();
    assert!(message.contains(&format!("LEGACY_JWT ({file} line 2): \"maybe\"")), "{message}");
    assert!(message.contains(&format!("LEGACY_JTW ({file} line 4): not a flag")), "{message}");
}

/// A set that accepts nothing is refused, in whatever sources its halves stand.
#[test]
fn a_set_that_accepts_nothing_is_a_fault() {
    let nothing = [("REFRESH_TOKEN_SYSTEM", "false"), ("LEGACY_JWT", "false")];
    let message = set(&nothing).unwrap_err().to_string();
    assert!(message.contains("REFRESH_TOKEN_SYSTEM, LEGACY_JWT"), "{message}");
    assert!(Flags::from_lookup(&lookup(&nothing)).is_err());

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flags");
    fs::write(&path, "LEGACY_JWT=false").unwrap();
    assert!(with_file(&path, &nothing[..1]).is_err());
    fs::write(&path, "LEGACY_JWT=true").unwrap();
    assert!(with_file(&path, &nothing).is_ok(), "the file makes the environment good");

    let flags = Flags::from_lookup(&lookup(&nothing[1..])).unwrap();
    assert!(flags.pin(overrides("REFRESH_TOKEN_SYSTEM=false")).is_err());
    assert!(flags.set_shared(Some(overrides("REFRESH_TOKEN_SYSTEM=false"))).is_err());
    assert!(flags.snapshot().accepts_sessions());
}

/// What is issued and accepted under each mode, and that `0%` is `drain` and `100%` is `true`.
#[test]
fn modes_answer_as_documented() {
    let user = UserId::from(7_u32);
    for (mode, accepts, issues) in [
        ("false", false, false),
        ("drain", true, false),
        ("0%", true, false),
        ("100%", true, true),
        ("true", true, true),
    ] {
        let flags = set(&[("REFRESH_TOKEN_SYSTEM", mode)]).unwrap();
        assert_eq!(flags.accepts_sessions(), accepts, "{mode}");
        assert_eq!(flags.issues_session_to(&user), issues, "{mode}");
    }
}

/// The file takes comments, blank lines, white space, CRLF and a byte order mark.
#[test]
fn the_file_format() {
    let text = "\u{feff}# rollout\r\n\r\n  REFRESH_TOKEN_SYSTEM = 5%   # since noon\r\n#LEGACY_JWT=false\r\n\
                LEGACY_STALE_OK=\r\nLEGACY_JWT_MAX_AGE=12h\t#half a day";
    let flags = overrides(text);
    assert_eq!(flags.refresh_tokens, Some(share("5%")));
    assert_eq!(flags.legacy_max_age, Some(Duration::from_secs(12 * 3600)));
    assert_eq!(flags.to_string(), "REFRESH_TOKEN_SYSTEM=5%\nLEGACY_JWT_MAX_AGE=12h\n");
    assert!(overrides("").is_empty() && overrides("# nothing\n\n").is_empty());
}

/// What is wrong in a file is a fault, and what may be a secret in the wrong file is not repeated.
#[test]
fn file_faults() {
    for (text, expected) in [
        ("LEGACY_JWT=true\nLEGACY_JWT=false", "LEGACY_JWT (line 2): set twice"),
        ("SEGUE_ROLLOUT_SALT=x", "SEGUE_ROLLOUT_SALT (line 1): not a flag"),
        ("LEGACY_JWT true", "line 1: write NAME=value"),
        ("JWT_SECRET=hunter2hunter2", "JWT_SECRET (line 1): not a flag"),
        ("1:aHVudGVyMg==", "line 1: not a flag"),
        ("hunter2", "line 1: write NAME=value"),
    ] {
        let message = text.parse::<FlagOverrides>().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("hunter2") && !message.contains("aHVudGVyMg"), "{message}");
    }
    let endless = "\n".repeat(100_000);
    assert_eq!(endless.parse::<FlagOverrides>().unwrap_err().faults().len(), 1);
}

/// Later sources go over earlier ones, flag by flag.
#[test]
fn later_sources_win() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flags");
    fs::write(&path, "REFRESH_TOKEN_SYSTEM=20%\nSHADOW_COMPARE=true\n").unwrap();
    let flags = with_file(&path, &[("REFRESH_TOKEN_SYSTEM", "10%"), ("SESSION_TRACKING", "false")])
        .unwrap();
    let mode = || flags.snapshot().refresh_tokens;
    assert_eq!(mode(), share("20%"));
    assert!(!flags.snapshot().session_tracking && flags.snapshot().shadow_compare);

    flags.set_shared(Some(overrides("REFRESH_TOKEN_SYSTEM=30%"))).unwrap();
    assert_eq!(mode(), share("30%"));
    flags.pin(overrides("REFRESH_TOKEN_SYSTEM=40%")).unwrap();
    assert_eq!(mode(), share("40%"));
    fs::write(&path, "REFRESH_TOKEN_SYSTEM=21%").unwrap();
    assert_eq!(flags.reload_file(), Ok(true), "shadow comparison ended");
    assert_eq!(mode(), share("40%"));
    flags.unpin().unwrap();
    assert_eq!(mode(), share("30%"));
    flags.set_shared(None).unwrap();
    assert_eq!(mode(), share("21%"));
    fs::write(&path, "").unwrap();
    assert_eq!(flags.reload_file(), Ok(true));
    assert_eq!(mode(), share("10%"));
    assert!(!flags.snapshot().session_tracking);
}

/// The salt comes from the environment, else from the code, else it is the default.
#[test]
fn the_salt_has_its_sources() {
    let flags = Flags::from_lookup(&|_| None).unwrap().with_rollout_salt("code");
    assert_eq!(flags.snapshot().rollout_salt(), "code");
    let flags = Flags::from_lookup(&lookup(&[("SEGUE_ROLLOUT_SALT", "env")])).unwrap();
    assert_eq!(flags.with_rollout_salt("code").snapshot().rollout_salt(), "env");
}

/// The epoch counts changes of the effective flags, and nothing else.
#[test]
fn the_epoch_counts_changes() {
    let flags = Flags::fixed(FlagSet::default());
    let epoch = flags.epoch();
    flags.pin(overrides("LEGACY_JWT=true")).unwrap();
    assert_eq!(flags.epoch(), epoch, "nothing is other than before");
    flags.pin(overrides("LEGACY_JWT=false")).unwrap();
    assert_eq!(flags.epoch(), epoch + 1);
    assert!(flags.pin(overrides("REFRESH_TOKEN_SYSTEM=false\nLEGACY_JWT=false")).is_err());
    assert_eq!(flags.epoch(), epoch + 1);
    assert_eq!(flags.clone().epoch(), epoch + 1, "clones are the same flags");
}

/// Shared flags that are expected and not read yet show in every snapshot until they are.
#[test]
fn shared_flags_are_pending_until_read() {
    let flags = Flags::default();
    assert!(!flags.snapshot().shared_pending());
    flags.expect_shared();
    assert!(flags.snapshot().shared_pending());
    flags.pin(overrides("SHADOW_COMPARE=true")).unwrap();
    assert!(flags.snapshot().shared_pending(), "a pin does not end the waiting");
    let nothing = overrides("REFRESH_TOKEN_SYSTEM=false\nLEGACY_JWT=false");
    assert!(flags.set_shared(Some(nothing)).is_err());
    assert!(flags.snapshot().shared_pending(), "refused flags were not read");
    flags.set_shared(None).unwrap();
    assert!(!flags.snapshot().shared_pending());
}

/// A file that is missing, not a file, too long or not text stops the start.
#[test]
fn a_file_that_cannot_be_read_is_a_fault_at_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flags");
    let refused = |why: &str| {
        let message = with_file(&path, &[]).unwrap_err().to_string();
        assert!(message.contains("SEGUE_FLAGS_FILE") && message.contains(why), "{message}");
    };
    refused("No such file");
    fs::create_dir(&path).unwrap();
    refused("not a regular file");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, " ".repeat(65 * 1024)).unwrap();
    refused("longer than 65536 bytes");
    fs::write(&path, [0xff, 0xfe]).unwrap();
    refused("not UTF-8");
    fs::write(&path, "LEGACY_JWT_UNTIL=2027-01-15T08:00:00Z").unwrap();
    assert!(with_file(&path, &[]).unwrap().snapshot().legacy_until.is_some());
}

/// A reload that fails keeps the last good flags and says why; the next good one clears that.
#[test]
fn a_bad_reload_keeps_the_last_good_flags() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flags");
    fs::write(&path, "REFRESH_TOKEN_SYSTEM=25%").unwrap();
    let flags = with_file(&path, &[]).unwrap();
    for bad in ["REFRESH_TOKEN_SYSTEM=lots", "REFRESH_TOKEN_SYSTEM=false\nLEGACY_JWT=false"] {
        fs::write(&path, bad).unwrap();
        let error = flags.reload_file().unwrap_err();
        assert_eq!(flags.status().file_error.as_deref(), Some(&error));
        assert_eq!(flags.snapshot().refresh_tokens, share("25%"));
    }
    fs::remove_file(&path).unwrap();
    assert!(flags.reload_file().unwrap_err().to_string().contains("SEGUE_FLAGS_FILE"));
    assert_eq!(flags.snapshot().refresh_tokens, share("25%"));
    assert_eq!((flags.status().refused, flags.epoch()), (3, 0));

    fs::write(&path, "REFRESH_TOKEN_SYSTEM=25%").unwrap();
    assert_eq!(flags.reload_file(), Ok(false));
    assert!(flags.status().file_error.is_none());
    assert_eq!(Flags::default().reload_file(), Ok(false), "without a file there is nothing to do");
}

/// The watcher takes over an edit, a rename and a swapped symlink, outlives a vanished file and a
/// bad one, and ends when it is dropped.
#[tokio::test(start_paused = true)]
async fn the_watcher_follows_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flags");
    fs::write(&path, "REFRESH_TOKEN_SYSTEM=1%").unwrap();
    let flags = with_file(&path, &[]).unwrap();
    let mut changes = flags.subscribe();
    let watcher = flags.watch(Duration::ZERO).unwrap();
    until(&mut changes, |status| status.watchers == 1).await;

    fs::write(&path, "REFRESH_TOKEN_SYSTEM=2%").unwrap();
    until(&mut changes, |status| status.epoch == 1).await;
    assert_eq!(flags.snapshot().refresh_tokens, share("2%"));

    let fresh = directory.path().join("fresh");
    fs::write(&fresh, "REFRESH_TOKEN_SYSTEM=3%").unwrap();
    fs::rename(&fresh, &path).unwrap();
    until(&mut changes, |status| status.epoch == 2).await;
    assert_eq!(flags.snapshot().refresh_tokens, share("3%"));

    fs::remove_file(&path).unwrap();
    until(&mut changes, |status| status.refused == 1).await;
    assert_eq!(flags.snapshot().refresh_tokens, share("3%"));

    fs::write(&path, "REFRESH_TOKEN_SYSTEM=three").unwrap();
    let status = until(&mut changes, |status| status.refused == 2).await;
    assert!(status.file_error.unwrap().to_string().contains("\"three\""));

    fs::write(&path, "REFRESH_TOKEN_SYSTEM=4%").unwrap();
    until(&mut changes, |status| status.epoch == 3 && status.file_error.is_none()).await;

    drop(watcher);
    until(&mut changes, |status| status.watchers == 0).await;
    assert_eq!(flags.status().refused, 2, "each fault was reported once");
}

/// A Kubernetes volume swaps a symlinked directory; the file is followed.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn the_watcher_follows_a_symlink_swap() {
    use std::os::unix::fs::symlink;

    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for (version, value) in [("v1", "1%"), ("v2", "2%")] {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("flags"), format!("REFRESH_TOKEN_SYSTEM={value}")).unwrap();
    }
    symlink("v1", at("..data")).unwrap();
    symlink("..data/flags", at("flags")).unwrap();
    let flags = with_file(&at("flags"), &[]).unwrap();
    let mut changes = flags.subscribe();
    let _watcher = flags.watch(Flags::WATCH_INTERVAL_DEFAULT).unwrap();
    symlink("v2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    until(&mut changes, |status| status.epoch == 1).await;
    assert_eq!(flags.snapshot().refresh_tokens, share("2%"));
}

/// Watching needs a runtime and says so; without a file it needs nothing.
#[test]
fn watching_outside_a_runtime_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flags");
    fs::write(&path, "").unwrap();
    let flags = with_file(&path, &[]).unwrap();
    assert!(flags.watch(Duration::from_secs(1)).unwrap_err().to_string().contains("runtime"));
    assert!(Flags::default().watch(Duration::from_secs(1)).is_ok());
}

/// The start-up log shows every flag, and warns of legacy tokens without an end and of flags under
/// which nobody can log in.
#[test]
fn the_effective_flags_are_logged() {
    for (values, warning) in [
        (&[][..], Some("LEGACY_JWT_UNTIL")),
        (&[("LEGACY_JWT_UNTIL", "2027-01-15T08:00:00Z")][..], None),
        (&[("LEGACY_JWT", "false")][..], None),
        (&[("LEGACY_JWT", "false"), ("REFRESH_TOKEN_SYSTEM", "0%")][..], Some("nobody can log in")),
        (
            &[("LEGACY_JWT", "false"), ("REFRESH_TOKEN_SYSTEM", "drain")][..],
            Some("nobody can log in"),
        ),
    ] {
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let flags = Flags::from_lookup(&lookup(values)).unwrap();
        tracing::subscriber::with_default(subscriber, || flags.log_effective());
        let text = log.text();
        assert!(text.contains("LEGACY_JWT_MAX_AGE=30days LEGACY_STALE_OK=5m"), "{text}");
        assert_eq!(text.contains("WARN"), warning.is_some(), "{values:?}: {text}");
        assert!(text.contains(warning.unwrap_or_default()), "{text}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A user's requests may alternate between a node that still drains, one at a share and one at
/// `true`: each accepts the session that another issued, and both still take legacy tokens.
#[test]
fn scenario_50_nodes_with_different_flags_accept_the_same_credentials() {
    let modes = ["drain", "0%", "10%", "100%", "true"];
    for mode in modes {
        let node = set(&[("REFRESH_TOKEN_SYSTEM", mode)]).unwrap();
        assert!(node.accepts_sessions() && node.accepts_legacy(Timestamp::EPOCH), "{mode}");
    }
    let off = set(&[("REFRESH_TOKEN_SYSTEM", "false")]).unwrap();
    assert!(off.accepts_legacy(Timestamp::EPOCH), "the node that is off takes the legacy token");
}

/// Rolled back to `0%` or `drain`, users who have a session keep it and nobody new gets one.
#[test]
fn scenario_51_a_rollback_keeps_existing_sessions() {
    let flags = Flags::default();
    for back in ["0%", "drain"] {
        flags.pin(overrides(&format!("REFRESH_TOKEN_SYSTEM={back}"))).unwrap();
        let now = flags.snapshot();
        assert!(now.accepts_sessions());
        assert!((0..1000_u32).all(|id| !now.issues_session_to(&UserId::from(id))));
    }
}

/// The published buckets, computed by an independent program.
#[test]
fn scenario_52_buckets_match_the_published_vectors() {
    let text = include_str!("../vectors/rollout.json");
    let vectors: Vec<BTreeMap<String, serde_json::Value>> = serde_json::from_str(text).unwrap();
    assert!(vectors.len() > 50);
    for vector in vectors {
        let user = UserId::new(vector["user"].as_str().unwrap()).unwrap();
        let bucket = rollout_bucket(vector["salt"].as_str().unwrap(), &user);
        assert_eq!(vector["bucket"].as_u64(), Some(u64::from(bucket)), "{vector:?}");
    }
}

/// A share takes in about as many users as it says.
#[test]
fn scenario_52_shares_are_about_right() {
    for (mode, low, high) in [("1%", 70, 130), ("10%", 920, 1080), ("50%", 4850, 5150)] {
        let flags = set(&[("REFRESH_TOKEN_SYSTEM", mode)]).unwrap();
        let users = (0..10_000_u32).filter(|id| flags.issues_session_to(&UserId::from(*id)));
        let count = users.count();
        assert!((low..=high).contains(&count), "{mode} took in {count} of 10,000");
    }
}

/// A flag that flips in the middle of a request does not reach the snapshot it holds.
#[test]
fn scenario_53_one_decision_for_a_request() {
    let flags = Flags::default();
    let user = UserId::from(1_u32);
    let request = flags.snapshot();
    let long_request = flags.snapshot().detach();
    flags.pin(overrides("REFRESH_TOKEN_SYSTEM=false")).unwrap();
    for held in [request, long_request] {
        assert!(held.accepts_sessions() && held.issues_session_to(&user));
        assert_eq!(held.epoch(), 0);
    }
    assert!(!flags.snapshot().accepts_sessions());
}

/// Legacy tokens are refused from the very instant of the cut-over, and by `LEGACY_JWT=false`.
#[test]
fn scenario_54_the_cut_over_ends_legacy() {
    let flags = set(&[("LEGACY_JWT_UNTIL", "2027-01-15T08:00:00Z")]).unwrap();
    let cut_over = Timestamp::from_unix_seconds(1_800_000_000);
    assert!(flags.accepts_legacy(cut_over.saturating_sub(Duration::from_micros(1))));
    assert!(!flags.accepts_legacy(cut_over));
    assert!(!flags.accepts_legacy(Timestamp::MAX));
    let off = set(&[("LEGACY_JWT", "false")]).unwrap();
    assert!(!off.accepts_legacy(Timestamp::EPOCH));
}

proptest! {
    /// Raising the share only adds users, whoever they are and whatever the salt.
    #[test]
    fn scenario_52_raising_the_share_only_adds_users(
        salt in ".{0,20}",
        id in "[a-zA-Z0-9|@.-]{1,40}",
        low in 0_u16..=10_000,
        high in 0_u16..=10_000,
    ) {
        let (low, high) = (low.min(high), low.max(high));
        let user = UserId::new(id).unwrap();
        let at = |points| {
            let mut flags = FlagSet::default().with_rollout_salt(&salt);
            flags.refresh_tokens = RolloutMode::Percent(Percent::from_basis_points(points).unwrap());
            flags.issues_session_to(&user)
        };
        prop_assert!(!at(low) || at(high));
        prop_assert!(at(10_000) && !at(0));
        let bucket = rollout_bucket(&salt, &user);
        prop_assert!(at(bucket + 1) && !at(bucket));
    }

    /// What is printed is read back as the same flags.
    #[test]
    fn flags_survive_a_round_trip(
        points in prop::option::of(0_u16..=10_000),
        switches in any::<[Option<bool>; 3]>(),
        until in prop::option::of(0_i64..=4_000_000_000_000_000),
        age_seconds in prop::option::of(1_u64..=3_155_760_000),
        stale_millis in prop::option::of(0_u64..=86_400_000),
    ) {
        let mut flags = FlagOverrides::default();
        flags.refresh_tokens =
            points.map(|points| RolloutMode::Percent(Percent::from_basis_points(points).unwrap()));
        [flags.session_tracking, flags.legacy_jwt, flags.shadow_compare] = switches;
        flags.legacy_until = until.map(Timestamp::from_unix_micros);
        flags.legacy_max_age = age_seconds.map(Duration::from_secs);
        flags.legacy_stale_ok = stale_millis.map(Duration::from_millis);
        prop_assert_eq!(flags.to_string().parse(), Ok(flags));
    }

    /// No text makes the parser panic, and its message stays bounded by the text.
    #[test]
    fn any_text_is_parsed_or_refused(text in "(?s).{0,200}", name in "[A-Z_]{0,8}", value in "(?s).{0,40}") {
        for text in [text.clone(), format!("LEGACY_JWT_UNTIL={text}"), format!("{name}={value}\n{text}")] {
            if let Err(error) = text.parse::<FlagOverrides>() {
                prop_assert!(!error.faults().is_empty());
            }
        }
    }
}

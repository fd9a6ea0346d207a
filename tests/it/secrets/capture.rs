//! Everything that could be read by somebody else, and everything they must not find in it.

use std::fmt::Debug;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;

use data_encoding::BASE64;
use data_encoding::BASE64URL_NOPAD;
use data_encoding::HEXLOWER;
use data_encoding::HEXUPPER;
use metrics_util::debugging::DebuggingRecorder;
use metrics_util::debugging::Snapshotter;
use segue::TokenPair;

/// What is searched for, and where it was found.
#[derive(Debug)]
pub struct Form {
    name: String,
    bytes: Vec<u8>,
}

impl Form {
    pub fn is_in(&self, heap: &str) -> bool {
        heap.contains(&text_of(&self.bytes))
    }
}

/// A character for every byte, since texts are searched quickly.
pub fn text_of(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The ways in which bytes are usually written.
pub fn forms(name: &str, bytes: &[u8]) -> Vec<Form> {
    let list = format!("{:?}", &bytes[..bytes.len().min(12)]);
    let form = |how: &str, bytes: Vec<u8>| Form { name: format!("{name}, {how}"), bytes };
    vec![
        form("raw", bytes.to_vec()),
        form("as hex", HEXLOWER.encode(bytes).into_bytes()),
        form("as upper-case hex", HEXUPPER.encode(bytes).into_bytes()),
        form("as base64url", BASE64URL_NOPAD.encode(bytes).into_bytes()),
        form("as base64", BASE64.encode(bytes).trim_end_matches('=').as_bytes().to_vec()),
        form("as a list", list.trim_matches(['[', ']']).as_bytes().to_vec()),
    ]
}

#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct Capture {
    log: Log,
    metrics: Snapshotter,
    heaps: Vec<(String, String)>,
    forms: Vec<Form>,
    secrets: usize,
}

impl Capture {
    /// Begins to listen, to the whole process.
    pub fn install() -> Self {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_writer(move || writer.clone())
            .init();
        let recorder = DebuggingRecorder::new();
        let metrics = recorder.snapshotter();
        recorder.install().unwrap();
        Self { log, metrics, heaps: Vec::new(), forms: Vec::new(), secrets: 0 }
    }

    /// This text is nobody else's business, and neither is either half of it.
    pub fn secret(&mut self, name: &str, text: &str) {
        self.secrets += 1;
        let halves = text.split_at(text.len() / 2);
        for (part, text) in [("all", text), ("first half", halves.0), ("second half", halves.1)] {
            // The beginnings of all tokens are alike.
            let text = text.trim_start_matches("sga_").trim_start_matches("sgr_");
            let text = text.trim_start_matches("AAAAAQ");
            let bytes = text.as_bytes().to_vec();
            assert!(bytes.len() >= 8, "{name} is too short to be searched for");
            self.forms.push(Form { name: format!("{name}, {part}"), bytes });
        }
    }

    /// These bytes are not, in whatever form.
    pub fn secret_bytes(&mut self, name: &str, bytes: &[u8]) {
        self.secrets += 1;
        self.forms.extend(forms(name, bytes));
    }

    /// Both tokens of a pair, and the secrets inside them.
    pub fn pair(&mut self, name: &str, pair: &TokenPair) {
        for (kind, text) in [("access", pair.access.expose()), ("refresh", pair.refresh.expose())] {
            self.secret(&format!("{kind} token of {name}"), text);
            let bytes = BASE64URL_NOPAD.decode(&text.as_bytes()[4..]).unwrap();
            self.secret_bytes(&format!("secret in the {kind} token of {name}"), &bytes[4..20]);
        }
        if let Some(token) = pair.legacy_token() {
            self.jwt(&format!("legacy token beside {name}"), token);
        }
        self.debug(name, pair);
    }

    /// A legacy token: the whole, and its signature. What it says is no secret.
    pub fn jwt(&mut self, name: &str, token: &str) {
        self.secrets += 1;
        self.forms.push(Form { name: name.to_owned(), bytes: token.as_bytes().to_vec() });
        let (_, signature) = token.rsplit_once('.').unwrap();
        self.secret(&format!("signature of {name}"), signature);
    }

    /// Somebody printed this.
    pub fn debug(&mut self, name: &str, value: &impl Debug) {
        let text = format!("{value:?}\n{value:#?}");
        self.heap(&format!("Debug of {name}"), text);
    }

    /// Somebody was shown this.
    pub fn display(&mut self, name: &str, value: &impl Display) {
        self.heap(&format!("Display of {name}"), value.to_string());
    }

    /// An error, with all its causes.
    pub fn error(&mut self, name: &str, error: &dyn std::error::Error) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.display(name, &error);
            self.debug(name, &error);
            next = error.source();
        }
    }

    pub fn heap(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.heaps.push((name.to_owned(), text_of(bytes.as_ref())));
    }

    pub fn collect_logs_and_metrics(&mut self) {
        let log = self.log.0.lock().unwrap().clone();
        assert!(log.len() > 10_000, "the log was captured");
        self.heap("the log", log);
        let keys: Vec<_> =
            self.metrics.snapshot().into_vec().into_iter().map(|row| row.0).collect();
        assert!(keys.len() > 10, "metrics were captured: {keys:?}");
        self.heap("metrics", format!("{keys:?}"));
    }

    pub const fn secrets(&self) -> usize {
        self.secrets
    }

    pub fn leaks(&self) -> Vec<String> {
        let mut leaks = Vec::new();
        for (place, heap) in &self.heaps {
            let found = self.forms.iter().filter(|form| form.is_in(heap));
            leaks.extend(found.map(|form| format!("{} in {place}", form.name)));
        }
        leaks
    }
}

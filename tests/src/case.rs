//! The contract's cases: one a line in `data/cases/*.jsonl`, each with a name, the clauses that it proves, and what is expected.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::clauses::rule_of;
use crate::tokens::TokenChanges;

/// One request and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name, unique within its rule.
    pub name: String,
    /// The clauses that it proves, the first of which names its rule.
    pub clause: Clauses,
    /// The configuration that it runs under.
    #[serde(default = "default_profile")]
    pub profile: String,
    /// Which route it goes to.
    #[serde(default)]
    pub route: Route,
    /// Its method.
    #[serde(default = "post")]
    pub method: String,
    /// Another target than the route's.
    pub target: Option<String>,
    /// `admin` for the admin listener.
    pub listener: Option<String>,
    /// Another credential than the route's good one.
    pub credential: Option<Credential>,
    /// Header fields beside the usual ones.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Fills the head up to this number of fields.
    pub fields: Option<usize>,
    /// The body: a text as it is (with placeholders), anything else as JSON.
    pub body: Option<Value>,
    /// Another media type than JSON; `none` leaves the header out.
    pub content_type: Option<String>,
    /// What the provider does to its next requests. Such a case has a provider of its own.
    pub faults: Option<Vec<String>>,
    /// What must come of it.
    pub expect: Expect,
}

/// One clause or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Clauses {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// Which route a case goes to.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// The access token's.
    #[default]
    Token,
    /// The API key's.
    Key,
    /// One after the other.
    Both,
}

/// What stands in `Authorization`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Credential {
    /// `"none"`: no such header.
    None(NoHeader),
    /// These header values.
    Raw {
        /// With placeholders `{token}`, `{key}`, `{credential}`.
        authorization: Vec<String>,
    },
    /// A bent access token.
    Token {
        /// How it is bent.
        token: Box<TokenChanges>,
    },
    /// A key that is special or bent, by the names of [`crate::shared_fixture::SharedFixture::special_key`].
    Key {
        /// The name.
        key: String,
    },
}

/// The word `none`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoHeader {
    /// No header.
    None,
}

/// What must come of a request. What is not said here is checked by [`crate::invariants`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The status, or several that are all right.
    pub status: Statuses,
    /// The problem's code.
    pub code: Option<String>,
    /// Placeholders that stand in the problem's detail.
    #[serde(default)]
    pub detail: Vec<String>,
    /// The problem's type.
    pub problem_type: Option<String>,
    /// Header fields and their values; `null` for one that is absent.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Header fields that are there.
    #[serde(default)]
    pub has_headers: Vec<String>,
    /// Placeholders that stand in header fields.
    #[serde(default)]
    pub header_contains: BTreeMap<String, Vec<String>>,
    /// Whether the request id is a fresh UUIDv7.
    #[serde(default)]
    pub fresh_request_id: bool,
    /// Placeholders that stand in the body.
    #[serde(default)]
    pub body: Vec<String>,
    /// Placeholders that stand neither in the body nor in the log.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Placeholders that stand in the log.
    #[serde(default)]
    pub log: Vec<String>,
    /// How many requests reach the provider. By default one for a session, none for a failure.
    pub calls: Option<usize>,
    /// At most this many requests reach the provider.
    pub max_calls: Option<usize>,
    /// Form fields of the last request at the provider.
    #[serde(default)]
    pub form: BTreeMap<String, String>,
    /// Form fields that the last request at the provider does without.
    #[serde(default)]
    pub no_form: Vec<String>,
    /// Header fields of every request at the provider.
    #[serde(default)]
    pub upstream_headers: BTreeMap<String, String>,
    /// Placeholders that stand in header fields of every request at the provider.
    #[serde(default)]
    pub upstream_header_contains: BTreeMap<String, Vec<String>>,
    /// Which requests at the provider share an idempotency key: the same number, the same key.
    pub idempotency: Option<Vec<usize>>,
    /// How long the answer may take: for cases about time limits, with room for a busy machine.
    pub within_ms: Option<u64>,
}

/// One status or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Statuses {
    /// This one.
    One(u16),
    /// One of these.
    AnyOf(Vec<u16>),
}

/// Bytes on a connection, and what must come of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireCase {
    /// Its name, unique within its rule.
    pub name: String,
    /// The clauses that it proves.
    pub clause: Clauses,
    /// What is sent at once, piece by piece, with placeholders.
    #[serde(default)]
    pub send: Vec<String>,
    /// What is sent after that, byte by byte, as long as the server listens.
    pub send_slowly: Option<String>,
    /// What must come of it.
    pub expect: WireExpect,
}

/// What must come of bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireExpect {
    /// The statuses that are all right.
    pub status: Vec<u16>,
    /// The problem's code.
    pub code: Option<String>,
    /// Whether a closed connection is all right too.
    #[serde(default)]
    pub or_closed: bool,
    /// Whether the connection closes after the answer, without another one.
    #[serde(default)]
    pub then_closed: bool,
}

fn default_profile() -> String {
    "default".to_owned()
}

fn post() -> String {
    "POST".to_owned()
}

impl Clauses {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<&str> {
        match self {
            Self::One(one) => vec![one],
            Self::Several(several) => several.iter().map(String::as_str).collect(),
        }
    }

    /// The first one's rule.
    ///
    /// # Panics
    /// When a case names no clause.
    #[must_use]
    pub fn rule(&self) -> &str {
        rule_of(self.all().first().expect("a case names a clause"))
    }
}

impl Statuses {
    /// Whether this status is all right.
    #[must_use]
    pub fn allow(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::AnyOf(several) => several.contains(&status),
        }
    }
}

/// Reads a file of cases.
///
/// # Panics
/// When a line is malformed; the message names it.
#[must_use]
pub fn read<T: for<'de> Deserialize<'de>>(file: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cases").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{file}, line {}: {e}", at + 1))
        })
        .collect()
}

/// The files of [`Case`]s.
pub const FILES: &[&str] = &[
    "routes.jsonl",
    "body.jsonl",
    "authorization.jsonl",
    "tokens.jsonl",
    "keys.jsonl",
    "api_keys.jsonl",
    "return_urls.jsonl",
    "pages.jsonl",
    "provider.jsonl",
];

/// The file of [`WireCase`]s.
pub const WIRE_FILE: &str = "wire.jsonl";

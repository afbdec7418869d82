//! The contract's cases: one per line in `data/cases/*.jsonl`, each with a name, the clauses that
//! it proves, and the expected response.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::clauses::rule_of;
use crate::tokens::TokenChanges;

/// A request and the expected response.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The case's name, unique within its rule.
    pub name: String,
    /// The clauses that it proves. The first one names its rule.
    pub clause: Clauses,
    /// The name of its configuration in `data/profiles.toml`.
    #[serde(default = "default_profile")]
    pub profile: String,
    /// The route of the request.
    #[serde(default)]
    pub route: Route,
    /// The request's method.
    #[serde(default = "post")]
    pub method: String,
    /// A target instead of the route's.
    pub target: Option<String>,
    /// `admin` for the admin listener.
    pub listener: Option<String>,
    /// A credential instead of the route's good one.
    pub credential: Option<Credential>,
    /// Additional header fields.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Pads the head to this number of fields.
    pub fields: Option<usize>,
    /// The body: a string is sent unchanged (with placeholders filled in), other values as JSON.
    pub body: Option<Value>,
    /// A media type instead of JSON; `none` omits the header.
    pub content_type: Option<String>,
    /// Faults of the provider's next responses. Such a case has its own provider.
    pub faults: Option<Vec<String>>,
    /// The expected response.
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

/// The route of a case.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// The access token's route.
    #[default]
    Token,
    /// The API key's route.
    Key,
    /// Both routes, one after the other.
    Both,
}

/// The `Authorization` header of a case.
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
    /// A modified access token.
    Token {
        /// The modifications.
        token: Box<TokenChanges>,
    },
    /// A special or malformed key, by a name of
    /// [`SharedFixture::special_key`](crate::shared_fixture::SharedFixture::special_key).
    Key {
        /// The key's name.
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

/// The expected response. [`crate::invariants`] checks rules that apply to every response.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The allowed statuses.
    pub status: Statuses,
    /// The problem's code.
    pub code: Option<String>,
    /// Texts that the problem's detail contains.
    #[serde(default)]
    pub detail: Vec<String>,
    /// The problem's type.
    pub problem_type: Option<String>,
    /// Header fields and their values; `null` for an absent field.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Header fields that are present.
    #[serde(default)]
    pub has_headers: Vec<String>,
    /// Texts that header fields contain.
    #[serde(default)]
    pub header_contains: BTreeMap<String, Vec<String>>,
    /// Whether the request id is a fresh UUIDv7.
    #[serde(default)]
    pub fresh_request_id: bool,
    /// Texts that the body contains.
    #[serde(default)]
    pub body: Vec<String>,
    /// Texts that neither the body nor the log contains.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Texts that the log contains.
    #[serde(default)]
    pub log: Vec<String>,
    /// Number of requests to the provider. Default: one for a session, none for a failure.
    pub calls: Option<usize>,
    /// Maximum number of requests to the provider.
    pub max_calls: Option<usize>,
    /// Form fields of the last request at the provider.
    #[serde(default)]
    pub form: BTreeMap<String, String>,
    /// Form fields that the last request at the provider does not have.
    #[serde(default)]
    pub no_form: Vec<String>,
    /// Header fields of every request at the provider.
    #[serde(default)]
    pub upstream_headers: BTreeMap<String, String>,
    /// Texts that header fields of every request at the provider contain.
    #[serde(default)]
    pub upstream_header_contains: BTreeMap<String, Vec<String>>,
    /// The idempotency keys of the requests at the provider: equal numbers mean equal keys.
    pub idempotency: Option<Vec<usize>>,
    /// Maximum duration of the request. It includes a margin for a busy machine.
    pub within_ms: Option<u64>,
}

/// One status or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Statuses {
    /// Exactly this status.
    One(u16),
    /// One of these statuses.
    AnyOf(Vec<u16>),
}

/// Bytes on a connection, and the expected response.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireCase {
    /// The case's name, unique within its rule.
    pub name: String,
    /// The clauses that it proves.
    pub clause: Clauses,
    /// The pieces that are sent first, with placeholders.
    #[serde(default)]
    pub send: Vec<String>,
    /// Text that is sent afterwards, byte by byte, until the server responds or closes.
    pub send_slowly: Option<String>,
    /// The expected response.
    pub expect: WireExpect,
}

/// The expected response to bytes on a connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireExpect {
    /// The allowed statuses.
    pub status: Vec<u16>,
    /// The problem's code.
    pub code: Option<String>,
    /// Whether a closed connection is allowed too.
    #[serde(default)]
    pub or_closed: bool,
    /// Whether the connection closes after the response.
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
    /// Returns all clauses.
    #[must_use]
    pub fn all(&self) -> Vec<&str> {
        match self {
            Self::One(one) => vec![one],
            Self::Several(several) => several.iter().map(String::as_str).collect(),
        }
    }

    /// Returns the rule of the first clause.
    ///
    /// # Panics
    /// When a case names no clause.
    #[must_use]
    pub fn rule(&self) -> &str {
        rule_of(self.all().first().expect("a case names a clause"))
    }
}

impl Statuses {
    /// Returns whether this status is allowed.
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
/// When a line is malformed. The message names the line.
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

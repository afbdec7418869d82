//! Access tokens, good and bad: every part of one can be bent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::placeholders::Placeholders;

/// The secret that new tokens are signed with.
pub const SECRET: &str = "current-hs256-secret-of-the-tests-0123456789";
/// The second secret of the rotation.
pub const OLD_SECRET: &str = "previous-hs256-secret-of-the-tests-012345678";
/// A secret that the service does not know.
pub const FOREIGN_SECRET: &str = "foreign-hs256-secret-of-the-tests-0123456789";

/// How the tokens of a profile are made when a case does not say otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// `HS256`, `RS256`, `ES256` or `EdDSA`.
    pub algorithm: String,
    /// Claims beside `sub` and `exp`; texts may hold placeholders.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Standard claims that its tokens do without.
    #[serde(default)]
    pub without: Vec<String>,
}

/// How one token differs from its profile's usual ones.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenChanges {
    /// Signs with this algorithm (and names it in the header).
    pub algorithm: Option<String>,
    /// Signs with this key: `own` (default), `old`, `other`, `empty`, or `public_pem` (an HMAC under the public key's text).
    pub key: Option<String>,
    /// Header fields to set.
    pub header: Map<String, Value>,
    /// Header fields to leave out.
    pub without_header: Vec<String>,
    /// Claims to set; a text `@+60` or `@-60` is a number of seconds from now.
    pub claims: Map<String, Value>,
    /// Claims to leave out.
    pub without: Vec<String>,
    /// The header as text instead, with placeholders.
    pub raw_header: Option<String>,
    /// The claims as text instead, with placeholders.
    pub raw_claims: Option<String>,
    /// The whole token as text instead, with placeholders.
    pub raw: Option<String>,
    /// What is done to the finished token.
    pub final_edit: Option<FinalEdit>,
    /// Fills the claims up until the token has exactly this many bytes.
    pub bytes: Option<usize>,
}

/// What is done to a finished token.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalEdit {
    /// Another signature of the same length.
    ForgeSignature,
    /// No signature, the dots stay.
    CutSignature,
    /// Another claim under the old signature.
    SwapClaims,
    /// The last character's unused bits are set (RFC 4648, section 3.5).
    LooseBits,
    /// `=` after the signature.
    Pad,
    /// `=` after the header.
    PadHeader,
    /// The standard alphabet (`+`, `/`) instead of the URL's.
    StandardAlphabet,
    /// One more dot and part.
    FourParts,
}

/// Makes a token for `words`' user.
///
/// # Panics
/// When a case asks for an algorithm or key that does not exist.
#[must_use]
pub fn mint(issuer: &Issuer, changes: &TokenChanges, placeholders: &Placeholders) -> String {
    if let Some(raw) = &changes.raw {
        return placeholders.fill(raw);
    }
    let Some(wanted) = changes.bytes else { return sign(issuer, changes, placeholders, 0, 0) };
    for header_fill in 0..4 {
        let empty = sign(issuer, changes, placeholders, 1, header_fill).len();
        let near = (wanted.saturating_sub(empty)) * 3 / 4;
        for fill in near.saturating_sub(4)..near + 8 {
            let token = sign(issuer, changes, placeholders, fill.max(1), header_fill);
            if token.len() == wanted {
                return token;
            }
        }
    }
    panic!("no token of exactly {wanted} bytes can be made");
}

fn sign(
    issuer: &Issuer,
    changes: &TokenChanges,
    placeholders: &Placeholders,
    fill: usize,
    header_fill: usize,
) -> String {
    let algorithm = changes.algorithm.as_deref().unwrap_or(&issuer.algorithm);
    let mut header =
        Map::from_iter([("alg".to_owned(), json!(algorithm)), ("typ".to_owned(), json!("JWT"))]);
    merge(&mut header, &changes.header, &changes.without_header, placeholders);
    let mut claims = Map::from_iter([
        ("sub".to_owned(), json!(placeholders.fill("{user}"))),
        ("exp".to_owned(), seconds("@+300", placeholders).expect("a time")),
    ]);
    merge(&mut claims, &issuer.claims, &issuer.without, placeholders);
    merge(&mut claims, &changes.claims, &changes.without, placeholders);
    if fill > 0 {
        claims.insert("fill".to_owned(), json!("f".repeat(fill)));
        header.insert("fill".to_owned(), json!("f".repeat(header_fill)));
    }
    let header = changes
        .raw_header
        .as_ref()
        .map_or_else(|| Value::from(header).to_string(), |raw| placeholders.fill(raw));
    let claims = changes
        .raw_claims
        .as_ref()
        .map_or_else(|| Value::from(claims).to_string(), |raw| placeholders.fill(raw));
    let message =
        format!("{}.{}", encode(latin1_or_utf8(&header)), encode(latin1_or_utf8(&claims)));
    let signature =
        signature(&message, algorithm, changes.key.as_deref().unwrap_or("own"), &issuer.algorithm);
    finish(&message, &signature, changes.final_edit)
}

fn finish(message: &str, signature: &str, edit: Option<FinalEdit>) -> String {
    let whole = format!("{message}.{signature}");
    let (header, claims) = message.split_once('.').expect("two parts");
    match edit {
        None => whole,
        Some(FinalEdit::ForgeSignature) => {
            let forged = if signature.starts_with('A') { "B" } else { "A" };
            format!("{message}.{forged}{}", &signature[1..])
        }
        Some(FinalEdit::CutSignature) => format!("{message}."),
        Some(FinalEdit::SwapClaims) => {
            let mut claims: Map<String, Value> =
                serde_json::from_slice(&decode(claims)).expect("claims are an object");
            claims.insert("swapped".to_owned(), json!(true));
            format!("{header}.{}.{signature}", encode(Value::from(claims).to_string()))
        }
        Some(FinalEdit::LooseBits) => {
            let last = signature.chars().last().expect("a signature is not empty");
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let at = alphabet.find(last).expect("base64url");
            assert_ne!(signature.len() % 4, 0, "a signature of full groups has no loose bits");
            let bent = alphabet.as_bytes()[at | 1] as char;
            assert_ne!(bent, last, "the canonical form has zero bits there");
            format!("{message}.{}{bent}", &signature[..signature.len() - 1])
        }
        Some(FinalEdit::Pad) => format!("{whole}="),
        Some(FinalEdit::PadHeader) => format!("{header}=.{claims}.{signature}"),
        Some(FinalEdit::StandardAlphabet) => {
            let bent = whole.replace('-', "+").replace('_', "/");
            assert_ne!(bent, whole, "the token has no character in which the alphabets differ");
            bent
        }
        Some(FinalEdit::FourParts) => format!("{whole}.{claims}"),
    }
}

fn merge(
    into: &mut Map<String, Value>,
    set: &Map<String, Value>,
    without: &[String],
    placeholders: &Placeholders,
) {
    for (name, value) in set {
        let value = match value {
            Value::String(text) => {
                seconds(text, placeholders).unwrap_or_else(|| json!(placeholders.fill(text)))
            }
            other => other.clone(),
        };
        into.insert(name.clone(), value);
    }
    for name in without {
        into.remove(name);
    }
}

/// `@+60` and `@-60` as a number.
fn seconds(text: &str, placeholders: &Placeholders) -> Option<Value> {
    let offset = text.strip_prefix('@')?;
    placeholders.fill(&format!("{{now{offset}}}")).parse::<i64>().ok().map(Value::from)
}

fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).expect("our own encoding")
}

/// `\u00ff` in a raw part stands for that one byte, so that a case can hold text that is not UTF-8.
fn latin1_or_utf8(text: &str) -> Vec<u8> {
    match text.strip_prefix("latin1:") {
        Some(bytes) => {
            bytes.chars().map(|c| u8::try_from(u32::from(c)).expect("latin-1")).collect()
        }
        None => text.as_bytes().to_vec(),
    }
}

fn signature(message: &str, algorithm: &str, key: &str, own_algorithm: &str) -> String {
    let hmac = |secret: &[u8]| EncodingKey::from_secret(secret);
    let (algorithm, key) = match (algorithm, key) {
        (_, "public_pem") => (Algorithm::HS256, hmac(pem(own_algorithm, "own.public").as_bytes())),
        ("HS384", _) => (Algorithm::HS384, hmac(SECRET.as_bytes())),
        ("HS512", _) => (Algorithm::HS512, hmac(SECRET.as_bytes())),
        ("RS256", owner) => (Algorithm::RS256, rsa(owner)),
        ("RS512", owner) => (Algorithm::RS512, rsa(owner)),
        ("PS256", owner) => (Algorithm::PS256, rsa(owner)),
        ("ES256", owner) => (
            Algorithm::ES256,
            EncodingKey::from_ec_pem(private("ES256", owner).as_bytes()).expect("a key"),
        ),
        ("EdDSA", owner) => (
            Algorithm::EdDSA,
            EncodingKey::from_ed_pem(private("EdDSA", owner).as_bytes()).expect("a key"),
        ),
        // `HS256` and whatever else a case puts there to see it refused.
        (_, "own") => (Algorithm::HS256, hmac(SECRET.as_bytes())),
        (_, "old") => (Algorithm::HS256, hmac(OLD_SECRET.as_bytes())),
        (_, "other") => (Algorithm::HS256, hmac(FOREIGN_SECRET.as_bytes())),
        (_, "empty") => (Algorithm::HS256, hmac(b"")),
        (_, unknown) => panic!("no key is called {unknown}"),
    };
    jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).expect("the message is signed")
}

fn rsa(owner: &str) -> EncodingKey {
    EncodingKey::from_rsa_pem(private("RS256", owner).as_bytes()).expect("a key")
}

fn private(algorithm: &str, owner: &str) -> String {
    pem(algorithm, &format!("{owner}.private"))
}

/// A test key's PEM: `pem("RS256", "own.public")`.
///
/// # Panics
/// When there is no such file.
#[must_use]
pub fn pem(algorithm: &str, which: &str) -> String {
    let path = key_file(&format!("{}.{which}.pem", algorithm.to_ascii_lowercase()));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Where a test key stands.
#[must_use]
pub fn key_file(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/keys").join(name)
}

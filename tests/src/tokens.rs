//! Creates access tokens. Every part of a token can be changed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::placeholders::Placeholders;

/// The secret that signs new tokens.
pub const SECRET: &str = "current-hs256-secret-of-the-tests-0123456789";
/// The second secret of the rotation.
pub const OLD_SECRET: &str = "previous-hs256-secret-of-the-tests-012345678";
/// A secret that is not configured in the service.
pub const FOREIGN_SECRET: &str = "foreign-hs256-secret-of-the-tests-0123456789";

/// The default form of a profile's tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// `HS256`, `RS256`, `ES256` or `EdDSA`.
    pub algorithm: String,
    /// Claims in addition to `sub` and `exp`. Texts may contain placeholders.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Standard claims that its tokens do not have.
    #[serde(default)]
    pub without: Vec<String>,
}

/// The changes of a token from its profile's default form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenChanges {
    /// Algorithm of the signature and the header.
    pub algorithm: Option<String>,
    /// Key of the signature: `own` (default), `old`, `other`, `empty`, or `public_pem` (HMAC with
    /// the public key's text).
    pub key: Option<String>,
    /// Header fields to set.
    pub header: Map<String, Value>,
    /// Header fields to leave out.
    pub without_header: Vec<String>,
    /// Claims to set. A text `@+60` or `@-60` is a time relative to now in seconds.
    pub claims: Map<String, Value>,
    /// Claims to leave out.
    pub without: Vec<String>,
    /// The header as text instead, with placeholders.
    pub raw_header: Option<String>,
    /// The claims as text instead, with placeholders.
    pub raw_claims: Option<String>,
    /// The whole token as text instead, with placeholders.
    pub raw: Option<String>,
    /// A change of the finished token.
    pub final_edit: Option<FinalEdit>,
    /// Pads the claims until the token has exactly this number of bytes.
    pub bytes: Option<usize>,
}

/// A change of a finished token.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalEdit {
    /// Replaces the signature by another one of the same length.
    ForgeSignature,
    /// Removes the signature and keeps the dots.
    CutSignature,
    /// Changes a claim and keeps the old signature.
    SwapClaims,
    /// Sets the last character's unused bits (RFC 4648, section 3.5).
    LooseBits,
    /// Adds `=` after the signature.
    Pad,
    /// Adds `=` after the header.
    PadHeader,
    /// Uses the standard alphabet (`+`, `/`) instead of the URL alphabet.
    StandardAlphabet,
    /// Adds a fourth part.
    FourParts,
}

/// Creates a token for the user of the placeholders.
///
/// # Panics
/// When a case names an unknown algorithm or key.
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
    panic!("cannot create a token of exactly {wanted} bytes");
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
            assert_ne!(signature.len() % 4, 0, "a signature of full groups has no unused bits");
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

/// Returns the time of `@+60` or `@-60` as a number.
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

/// Encodes a raw part. Characters up to `\u00ff` become one byte, for text that is not UTF-8.
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
        // `HS256`, and unknown algorithms that must be rejected.
        (_, "own") => (Algorithm::HS256, hmac(SECRET.as_bytes())),
        (_, "old") => (Algorithm::HS256, hmac(OLD_SECRET.as_bytes())),
        (_, "other") => (Algorithm::HS256, hmac(FOREIGN_SECRET.as_bytes())),
        (_, "empty") => (Algorithm::HS256, hmac(b"")),
        (_, unknown) => panic!("unknown key {unknown}"),
    };
    jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).expect("the message is signed")
}

fn rsa(owner: &str) -> EncodingKey {
    EncodingKey::from_rsa_pem(private("RS256", owner).as_bytes()).expect("a key")
}

fn private(algorithm: &str, owner: &str) -> String {
    pem(algorithm, &format!("{owner}.private"))
}

/// Returns a test key's PEM: `pem("RS256", "own.public")`.
///
/// # Panics
/// When the file does not exist.
#[must_use]
pub fn pem(algorithm: &str, which: &str) -> String {
    let path = key_file(&format!("{}.{which}.pem", algorithm.to_ascii_lowercase()));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Returns the path of a test key.
#[must_use]
pub fn key_file(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/keys").join(name)
}

//! Parses one published key strictly (RFC 7517, 4): its id and its verifying key.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use strict_json::{Object, Value};

use crate::keys::{SigningAlgorithm, VerifyingKey};
use crate::public_key::check_modulus;

/// The parameters of private and symmetric keys (RFC 7518, 6.2.2, 6.3.2 and 6.4.1; RFC 8037, 2).
const SECRET_PARAMETERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Length of a P-256 coordinate (RFC 7518, 6.2.1.2) and of an Ed25519 key (RFC 8032, 5.1.5).
const POINT_BYTES: usize = 32;

/// A published key that verifies tokens.
#[derive(Clone, Debug)]
pub(crate) struct Jwk {
    pub(crate) id: Option<String>,
    pub(crate) key: VerifyingKey,
}

/// Parses one element of a set.
///
/// # Errors
/// Why the key is skipped. The text contains parameter names, but no values.
pub(crate) fn read(element: &Value) -> Result<Jwk, String> {
    let Value::Object(members) = element else { return Err("it is not a JSON object".to_owned()) };
    if let Some(name) = SECRET_PARAMETERS.iter().find(|name| members.contains_key(**name)) {
        return Err(format!(
            "it contains a secret (`{name}`), which the issuer should not have published"
        ));
    }
    let id = text(members, "kid")?.map(str::to_owned);
    let key = match required(members, "kty")? {
        "RSA" => rsa(members),
        "EC" => p256(members),
        "OKP" => ed25519(members),
        _ => Err("its type (`kty`) is not RSA, EC or OKP".to_owned()),
    }?;
    check_purpose(members, key.algorithm())?;
    Ok(Jwk { id, key })
}

/// Checks that the key's stated purpose is to verify signatures of its algorithm (RFC 7517, 4.2 to
/// 4.4).
fn check_purpose(members: &Object, algorithm: SigningAlgorithm) -> Result<(), String> {
    if text(members, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err("it is not for signatures (`use`)".to_owned());
    }
    let verifies = match members.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.contains(&Value::String("verify".to_owned())),
        Some(_) => false,
    };
    if !verifies {
        return Err("it is not for verifying (`key_ops`)".to_owned());
    }
    match text(members, "alg")? {
        Some(name) if name != algorithm.name() => {
            Err(format!("it is not for {} (`alg`)", algorithm.name()))
        }
        _ => Ok(()),
    }
}

fn rsa(members: &Object) -> Result<VerifyingKey, String> {
    let modulus = bytes(members, "n")?;
    let exponent = bytes(members, "e")?;
    // Some issuers add a leading zero to the modulus, against RFC 7518, 6.3.1.1. The value is
    // equal.
    let n = without_leading_zeros(&modulus);
    let e = without_leading_zeros(&exponent);

    check_modulus(n)?;
    let der = RsaPublicKeyComponents { n, e }.as_der().map_err(|_| DAMAGED)?;
    checked(SigningAlgorithm::Rs256, DecodingKey::from_rsa_raw_components(n, e), der.as_ref())
}

fn p256(members: &Object) -> Result<VerifyingKey, String> {
    check_curve(members, "P-256")?;
    let uncompressed = [vec![0x04], coordinate(members, "x")?, coordinate(members, "y")?].concat();
    checked(SigningAlgorithm::Es256, DecodingKey::from_ec_der(&uncompressed), &uncompressed)
}

fn ed25519(members: &Object) -> Result<VerifyingKey, String> {
    check_curve(members, "Ed25519")?;
    let key = coordinate(members, "x")?;
    checked(SigningAlgorithm::EdDsa, DecodingKey::from_ed_der(&key), &key)
}

const DAMAGED: &str = "it is damaged";

fn checked(
    algorithm: SigningAlgorithm,
    key: DecodingKey,
    encoded: &[u8],
) -> Result<VerifyingKey, String> {
    VerifyingKey::of_public_key(algorithm, key, encoded).ok_or_else(|| DAMAGED.to_owned())
}

fn check_curve(members: &Object, curve: &str) -> Result<(), String> {
    match required(members, "crv")? {
        name if name == curve => Ok(()),
        _ => Err(format!("its curve (`crv`) is not {curve}")),
    }
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|digit| **digit == 0).count();
    &number[zeros..]
}

/// Returns a coordinate or key of fixed length.
fn coordinate(members: &Object, name: &str) -> Result<Vec<u8>, String> {
    let bytes = bytes(members, name)?;
    if bytes.len() == POINT_BYTES {
        Ok(bytes)
    } else {
        Err(format!("`{name}` is not {POINT_BYTES} bytes long"))
    }
}

fn bytes(members: &Object, name: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD
        .decode(required(members, name)?)
        .map_err(|_| format!("`{name}` is not base64url"))
}

fn required<'a>(members: &'a Object, name: &str) -> Result<&'a str, String> {
    text(members, name)?.ok_or_else(|| format!("`{name}` is missing"))
}

/// Returns an optional parameter that must be a string.
pub(super) fn text<'a>(members: &'a Object, name: &str) -> Result<Option<&'a str>, String> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` is not a string")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::json::parse_object;

    const CASES: &str = include_str!("../../tests/data/jwks.txt");

    #[test]
    fn every_case_of_the_corpus_is_used_or_skipped_as_expected() {
        let mut names = BTreeSet::new();
        let mut wrong = Vec::new();
        for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let columns: Vec<&str> = line.splitn(3, " | ").collect();
            let [name, expected, json] = columns[..] else { panic!("not three columns: {line}") };
            assert!(names.insert(name), "{name} is listed twice");
            let set = parse_object("set", format!(r#"{{"key":{json}}}"#).as_bytes()).unwrap();
            let as_expected = match read(&set["key"]) {
                Ok(jwk) => jwk.key.algorithm().name() == expected,
                Err(reason) => {
                    expected.strip_prefix("skipped: ").is_some_and(|part| reason.contains(part))
                }
            };
            if !as_expected {
                wrong.push(format!("{name}: {:?}", read(&set["key"])));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(names.len() >= 50, "only {} cases: is the file truncated?", names.len());
    }

    #[test]
    fn a_key_id_is_any_string() {
        let key = |member: &str| {
            let json =
                format!(r#"{{"key":{{"kty":"OKP","crv":"Ed25519","x":"{}"{member}}}}}"#, ED25519_X);
            read(&parse_object("set", json.as_bytes()).unwrap()["key"]).unwrap().id
        };
        assert_eq!(key(""), None);
        assert_eq!(key(r#","kid":"""#), Some(String::new()));
        assert_eq!(key(r#","kid":"a b/é""#), Some("a b/é".to_owned()));
    }

    /// The public half of `tests/data/keys/ed25519.private.pem`.
    const ED25519_X: &str = "TOR4SeCLfm4MrBAi25a2Dyl56KN4KEy-SvPMmYQWRPA";
}

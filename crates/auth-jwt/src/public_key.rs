//! Parses a PEM public key strictly: one SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) of a supported
//! type.
//!
//! The library's parser also accepts certificates and private keys, and uses the first bit string.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;

use crate::keys::{KeySet, SigningAlgorithm, VerifyingKey};

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// DER of the algorithm identifiers, without the sequence around them: RFC 3279, 2.3.1 (the
/// parameter is NULL); RFC 5480, 2.1.1 (secp256r1); RFC 8410, 3 (no parameter).
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
const P256: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07,
];
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
/// Prefix of the identifier of elliptic-curve keys of all curves.
const ANY_CURVE: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// DER tags (X.690, 8).
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

const ACCEPTED: &str = "give an RSA (2048 bits or more), P-256 or Ed25519 public key";

/// Parses a PEM public key.
///
/// # Errors
/// One sentence that states the fault and the fix.
pub(crate) fn parse(pem: &str) -> Result<KeySet, String> {
    let der = STANDARD.decode(armored(pem)?).map_err(|_| {
        "the text between the PEM lines is not base64: give the file unchanged, with real line \
        breaks"
            .to_owned()
    })?;
    let (identifier, key) = split(&der).ok_or_else(|| {
        format!("the PEM block does not contain a public key (SubjectPublicKeyInfo): {ACCEPTED}")
    })?;
    let (algorithm, library_key) = match identifier {
        RSA => {
            check_modulus(modulus(key))?;
            (SigningAlgorithm::Rs256, DecodingKey::from_rsa_der(key))
        }
        P256 => {
            if key.first() != Some(&0x04) {
                return Err(
                    "the P-256 key is a compressed point: convert it with `openssl ec -pubin \
                    -conv_form uncompressed`"
                        .to_owned(),
                );
            }
            (SigningAlgorithm::Es256, DecodingKey::from_ec_der(key))
        }
        ED25519 => (SigningAlgorithm::EdDsa, DecodingKey::from_ed_der(key)),
        other if other.starts_with(ANY_CURVE) => {
            return Err(format!("the key is on another curve than P-256: {ACCEPTED}"));
        }
        _ => return Err(format!("the key has another type: {ACCEPTED}")),
    };
    let key = VerifyingKey::of_public_key(algorithm, library_key, key);
    key.map(KeySet::of_public_key).ok_or_else(|| format!("the key is damaged: {ACCEPTED}"))
}

/// Returns the text between the PEM lines (RFC 7468), without white space.
fn armored(pem: &str) -> Result<String, String> {
    let text = pem.trim();
    let other_kinds = [
        (
            "PRIVATE KEY-----",
            "this is a private key, which must not be here: give its public half (`openssl pkey \
            -pubout`)",
        ),
        (
            "BEGIN CERTIFICATE",
            "this is a certificate: give the key in it (`openssl x509 -pubkey -noout`)",
        ),
        (
            "BEGIN RSA PUBLIC KEY",
            "this is a PKCS#1 key: convert it (`openssl rsa -RSAPublicKey_in -pubout`)",
        ),
    ];
    if let Some((_, fault)) = other_kinds.iter().find(|(mark, _)| text.contains(mark)) {
        return Err((*fault).to_owned());
    }
    match text.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)) {
        Some(body) if !body.contains("-----") => Ok(body.split_ascii_whitespace().collect()),
        Some(_) => Err(format!("there is more than one PEM block: {ACCEPTED}, and only one")),
        None => Err(format!("this is not one PEM block from `{BEGIN}` to `{END}`: {ACCEPTED}")),
    }
}

/// Splits a SubjectPublicKeyInfo into algorithm identifier and key.
fn split(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let info = only(SEQUENCE, der)?;
    let (identifier, rest) = element(SEQUENCE, info)?;
    match only(BIT_STRING, rest)?.split_first()? {
        (0, key) => Some((identifier, key)),
        _ => None,
    }
}

/// Returns the bytes of an RSA key's modulus; empty if the key is damaged.
fn modulus(key: &[u8]) -> &[u8] {
    let modulus = only(SEQUENCE, key)
        .and_then(|numbers| element(INTEGER, numbers))
        .map(|(modulus, _)| modulus);
    modulus.map_or(&[], |modulus| modulus.strip_prefix(&[0]).unwrap_or(modulus))
}

/// Checks that an RSA modulus without leading zeros has 2048 to 8192 bits: the minimum of RFC 7518,
/// 3.3, and the backend's maximum.
pub(crate) fn check_modulus(digits: &[u8]) -> Result<(), String> {
    let bits = digits.first().map_or(0, |first| digits.len() * 8 - first.leading_zeros() as usize);
    match bits {
        2048..=8192 => Ok(()),
        _ => Err(format!("the RSA key has {bits} bits: use a key with 2048 to 8192 bits")),
    }
}

/// Splits off a DER element with this tag: its content and the rest. Lengths are definite and
/// minimal (X.690, 10.1).
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&actual, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => rest
            .split_first()
            .map(|(&length, rest)| (usize::from(length), rest))
            .filter(|(length, _)| *length >= 0x80)?,
        0x82 => rest
            .split_first_chunk::<2>()
            .map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))
            .filter(|(length, _)| *length >= 0x100)?,
        _ => return None,
    };
    (actual == tag).then(|| rest.split_at_checked(length)).flatten()
}

/// Returns the content of a DER element with this tag and without trailing bytes.
fn only(tag: u8, der: &[u8]) -> Option<&[u8]> {
    element(tag, der).and_then(|(content, rest)| rest.is_empty().then_some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! key {
        ($name:literal) => {
            include_str!(concat!("../tests/data/keys/", $name, ".pem"))
        };
    }

    fn fault(pem: &str) -> String {
        parse(pem).map(|keys| keys.algorithm()).expect_err(pem)
    }

    fn der(pem: &str) -> Vec<u8> {
        STANDARD.decode(armored(pem).unwrap()).unwrap()
    }

    fn pem(der: &[u8]) -> String {
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der))
    }

    #[test]
    fn the_key_determines_the_algorithm() {
        let algorithm = |pem: &str| parse(pem).unwrap().algorithm();
        assert_eq!(algorithm(key!("rsa2048.public")), SigningAlgorithm::Rs256);
        assert_eq!(algorithm(key!("p256.public")), SigningAlgorithm::Es256);
        assert_eq!(algorithm(key!("ed25519.public")), SigningAlgorithm::EdDsa);
    }

    #[test]
    fn any_line_breaks_are_accepted() {
        let text = key!("p256.public");
        assert!(parse(&text.replace('\n', "\r\n")).is_ok());
        assert!(parse(&text.replace('\n', " ")).is_ok());
        assert!(parse(&format!("\n{text}\n\n")).is_ok());
    }

    #[test]
    fn other_types_of_keys_are_refused_with_a_hint() {
        for (pem, hint) in [
            (key!("rsa1024.public"), "1024 bits"),
            (key!("p384.public"), "another curve"),
            (key!("ed448.public"), "another type"),
            (key!("rsapss.public"), "another type"),
            (key!("rsa2048.private"), "private key"),
            (key!("p256.private"), "private key"),
            (key!("ed25519.private"), "private key"),
            (key!("p256.certificate"), "openssl x509"),
            (key!("rsa2048.pkcs1"), "PKCS#1"),
            (key!("p256.compressed"), "compressed"),
            ("", "not one PEM block"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI", "not one PEM block"),
            (r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS"}"#, "not one PEM block"),
            (
                "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
                "does not contain a public key",
            ),
            ("-----BEGIN PUBLIC KEY-----\\nMCow\\n-----END PUBLIC KEY-----", "real line breaks"),
        ] {
            assert!(fault(pem).contains(hint), "{hint}: {}", fault(pem));
        }
        let two = format!("{}{}", key!("p256.public"), key!("ed25519.public"));
        assert!(fault(&two).contains("more than one"));
    }

    #[test]
    fn fault_contains_no_text_of_the_key() {
        for secret in [key!("p256.private"), key!("ed25519.private"), key!("rsa2048.private")] {
            let line = secret.lines().nth(1).unwrap();
            assert!(!fault(secret).contains(&line[..16]));
        }
    }

    #[test]
    fn damaged_keys_are_refused_at_start() {
        let p256 = der(key!("p256.public"));
        let mut off_the_curve = p256.clone();
        *off_the_curve.last_mut().unwrap() ^= 1;
        assert!(fault(&pem(&off_the_curve)).contains("damaged"));

        let ed25519 = der(key!("ed25519.public"));
        let mut unused_bits = ed25519.clone();
        unused_bits[11] = 1;
        assert!(fault(&pem(&unused_bits)).contains("does not contain"));

        for whole in [p256, ed25519, der(key!("rsa2048.public"))] {
            let trailing: Vec<u8> = whole.iter().copied().chain([0]).collect();
            assert!(parse(&pem(&trailing)).is_err());
            for length in 0..whole.len() {
                assert!(parse(&pem(&whole[..length])).is_err(), "cut to {length}");
            }
        }
    }

    #[test]
    fn an_rsa_exponent_of_one_is_refused() {
        let mut rsa = der(key!("rsa2048.public"));
        let exponent = rsa.len() - 3;
        assert_eq!(&rsa[exponent..], [1, 0, 1]);
        // First an even exponent, which is invalid; then an exponent of one byte with the value 1.
        *rsa.last_mut().unwrap() = 0;
        assert!(fault(&pem(&rsa)).contains("damaged"));
        let mut one = der(key!("rsa2048.public"));
        one.truncate(exponent - 1);
        one.extend([1, 1]);
        for length_at in [3, 22, 27] {
            one[length_at] -= 2;
        }
        assert!(fault(&pem(&one)).contains("damaged"), "{}", fault(&pem(&one)));
    }
}

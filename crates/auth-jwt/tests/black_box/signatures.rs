//! Tests of valid and forged signatures of each algorithm.

use auth_jwt::JwtAuthenticator;
use jsonwebtoken::{Algorithm, EncodingKey};

use crate::support::{
    GOOD_CLAIMS, ISSUED, ISSUED_CLAIMS, SECRET, answer, authenticator, hs256, judge, signature,
    unsigned, with_signature,
};

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../data/keys/", $name, ".pem"))
    };
}

struct Case {
    name: &'static str,
    algorithm: Algorithm,
    public_key: &'static str,
    private_key: EncodingKey,
}

fn cases() -> [Case; 3] {
    let rsa = EncodingKey::from_rsa_pem(key!("rsa2048.private").as_bytes()).unwrap();
    let ec = EncodingKey::from_ec_pem(key!("p256.private").as_bytes()).unwrap();
    let ed = EncodingKey::from_ed_pem(key!("ed25519.private").as_bytes()).unwrap();
    [
        Case {
            name: "RS256",
            algorithm: Algorithm::RS256,
            public_key: key!("rsa2048.public"),
            private_key: rsa,
        },
        Case {
            name: "ES256",
            algorithm: Algorithm::ES256,
            public_key: key!("p256.public"),
            private_key: ec,
        },
        Case {
            name: "EdDSA",
            algorithm: Algorithm::EdDSA,
            public_key: key!("ed25519.public"),
            private_key: ed,
        },
    ]
}

impl Case {
    fn authenticator(&self) -> JwtAuthenticator {
        authenticator(&[("JWT_PUBLIC_KEY", self.public_key), ISSUED[0], ISSUED[1]])
    }

    fn message(&self) -> String {
        unsigned(&format!(r#"{{"alg":"{}"}}"#, self.name), ISSUED_CLAIMS)
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        signature(message, self.algorithm, &self.private_key)
    }
}

fn refused(authenticator: &JwtAuthenticator, token: &str) -> bool {
    answer(&judge(authenticator, token)) == "401 invalid_token"
}

#[test]
fn each_type_of_public_key_verifies_only_its_algorithm() {
    for verifier in cases() {
        for signer in cases() {
            let token = with_signature(&signer.message(), &signer.sign(&signer.message()));
            let expected = if verifier.name == signer.name { "200" } else { "401 invalid_token" };
            assert_eq!(
                answer(&judge(&verifier.authenticator(), &token)),
                expected,
                "{} {}",
                verifier.name,
                signer.name
            );
        }
    }
}

#[test]
fn tokens_of_another_implementation_are_accepted() {
    let hs256 = authenticator(&[("JWT_HS256_SECRET", SECRET), ISSUED[0], ISSUED[1]]);
    let public_keys = cases();
    let lines =
        include_str!("../data/pyjwt_tokens.txt").lines().filter(|line| !line.starts_with('#'));
    let mut algorithms = Vec::new();
    for (algorithm, token) in lines.filter_map(|line| line.split_once(' ')) {
        let case = public_keys.iter().find(|case| case.name == algorithm);
        let judged =
            case.map_or_else(|| judge(&hs256, token), |case| judge(&case.authenticator(), token));
        assert_eq!(answer(&judged), "200", "{algorithm}: {judged:?}");
        algorithms.push(algorithm);
    }
    assert_eq!(algorithms, ["HS256", "RS256", "ES256", "EdDSA"]);
}

#[test]
fn a_signature_of_another_key_type_is_refused_even_with_a_matching_alg() {
    for verifier in cases() {
        for signer in cases().iter().filter(|signer| signer.name != verifier.name) {
            let token = with_signature(&verifier.message(), &signer.sign(&verifier.message()));
            assert!(
                refused(&verifier.authenticator(), &token),
                "{} {}",
                verifier.name,
                signer.name
            );
        }
    }
}

#[test]
fn a_public_key_used_as_hmac_secret_is_refused() {
    for case in cases() {
        for header in [r#"{"alg":"HS256"}"#.to_owned(), format!(r#"{{"alg":"{}"}}"#, case.name)] {
            let message = unsigned(&header, ISSUED_CLAIMS);
            for secret in [case.public_key, case.public_key.trim()] {
                let mac = signature(
                    &message,
                    Algorithm::HS256,
                    &EncodingKey::from_secret(secret.as_bytes()),
                );
                assert!(
                    refused(&case.authenticator(), &with_signature(&message, &mac)),
                    "{}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn an_unsigned_token_is_refused_by_every_key() {
    let mut authenticators: Vec<_> = cases().iter().map(Case::authenticator).collect();
    authenticators.push(authenticator(&[("JWT_HS256_SECRET", SECRET)]));
    for authenticator in authenticators {
        for alg in ["none", "None", "NONE", "nOnE", "HS256", "RS256", "ES256", "EdDSA"] {
            let message = unsigned(&format!(r#"{{"alg":"{alg}"}}"#), ISSUED_CLAIMS);
            for token in [
                message.clone(),
                format!("{message}."),
                format!("{message}.AA"),
                with_signature(&message, &[0; 32]),
            ] {
                assert!(refused(&authenticator, &token), "{alg}");
            }
        }
    }
}

#[test]
fn a_signature_of_another_length_is_refused() {
    for case in cases() {
        let whole = case.sign(&case.message());
        let longer: Vec<u8> = whole.iter().copied().chain([0]).collect();
        let shifted: Vec<u8> = [0].into_iter().chain(whole.iter().copied()).collect();
        let doubled = whole.repeat(2);
        for bad in [
            &whole[..whole.len() - 1],
            &whole[1..],
            &whole[..whole.len() / 2],
            &longer,
            &shifted,
            &doubled,
        ] {
            assert!(
                refused(&case.authenticator(), &with_signature(&case.message(), bad)),
                "{} {}",
                case.name,
                bad.len()
            );
        }
    }
    let message = unsigned(r#"{"alg":"HS256"}"#, GOOD_CLAIMS);
    let mac = signature(&message, Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()));
    let longer: Vec<u8> = mac.iter().copied().chain([0]).collect();
    for bad in [&mac[..31], &mac[..16], &mac[..1], &longer] {
        assert!(
            refused(
                &authenticator(&[("JWT_HS256_SECRET", SECRET)]),
                &with_signature(&message, bad)
            ),
            "{}",
            bad.len()
        );
    }
}

#[test]
fn es256_refuses_zeros_der_and_values_from_the_order_on() {
    /// The order of P-256 (FIPS 186-5 with SP 800-186, 3.2.1.3).
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    let [_, case, _] = cases();
    let good = case.sign(&case.message());
    let (r, s) = good.split_at(32);
    let zero = [0; 32];
    for (name, bad) in [
        ("both zero (CVE-2022-21449)", [zero, zero].concat()),
        ("r zero", [&zero, s].concat()),
        ("s zero", [r, &zero].concat()),
        ("r the order", [&ORDER, s].concat()),
        ("s the order", [r, &ORDER].concat()),
        ("swapped", [s, r].concat()),
        ("DER", der(r, s)),
    ] {
        assert!(refused(&case.authenticator(), &with_signature(&case.message(), &bad)), "{name}");
    }
}

/// Returns the ASN.1 form of an ECDSA signature (RFC 3279, 2.2.3). JWS does not use it (RFC 7518,
/// 3.4).
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |digits: &[u8]| {
        let mut content: Vec<u8> = digits.iter().copied().skip_while(|digit| *digit == 0).collect();
        if content[0] >= 0x80 {
            content.insert(0, 0);
        }
        [vec![0x02, content.len() as u8], content].concat()
    };
    let content = [integer(r), integer(s)].concat();
    [vec![0x30, content.len() as u8], content].concat()
}

#[test]
fn eddsa_refuses_a_malleable_signature() {
    /// The order of the base point, little-endian (RFC 8032, 5.1).
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let [_, _, case] = cases();
    let good = case.sign(&case.message());
    let mut larger = good.clone();
    let mut carry = 0;
    for (digit, order) in larger[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*digit) + u16::from(order) + carry;
        *digit = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    assert!(
        refused(&case.authenticator(), &with_signature(&case.message(), &larger)),
        "S plus the order (RFC 8032, 8.4)"
    );
    assert!(refused(&case.authenticator(), &with_signature(&case.message(), &[0; 64])), "zeros");
}

#[test]
fn both_secrets_verify_during_a_rotation() {
    let rotating = format!("{},{SECRET}", "n".repeat(32));
    let token = hs256(r#"{"alg":"HS256"}"#, GOOD_CLAIMS);
    assert_eq!(answer(&judge(&authenticator(&[("JWT_HS256_SECRET", &rotating)]), &token)), "200");
    assert!(refused(&authenticator(&[("JWT_HS256_SECRET", &"n".repeat(32))]), &token));
    // The concatenation of both is not a valid secret.
    assert!(refused(
        &authenticator(&[("JWT_HS256_SECRET", &format!("{SECRET}{}", "n".repeat(32)))]),
        &token
    ));
}

#[test]
fn expiry_is_reported_only_after_a_valid_signature() {
    let authenticator = authenticator(&[("JWT_HS256_SECRET", SECRET)]);
    let expired = hs256(r#"{"alg":"HS256"}"#, r#"{"sub":"user_1","exp":1}"#);
    assert_eq!(answer(&judge(&authenticator, &expired)), "401 expired_token");
    let (message, _) = expired.rsplit_once('.').unwrap();
    assert!(refused(&authenticator, &with_signature(message, &[7; 32])));
}

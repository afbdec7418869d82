//! Argon2id hashes as PHC strings. Hashing uses our parameters, verifying those of the string.

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash, Version};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::pool::Memory;

/// Length of a salt, as RFC 9106 recommends (section 3.1).
pub(crate) const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

/// The minimum of OWASP's Password Storage Cheat Sheet: m=19456 KiB, t=2, p=1.
const PARAMS: Params = match Params::new(19_456, 2, 1, Some(OUTPUT_BYTES)) {
    Ok(params) => params,
    // Unreachable: the parameters are in range. A test below checks the numbers.
    Err(_) => Params::DEFAULT,
};

/// Upper limit for a stored hash's parameters, so that a row that was tampered with cannot exhaust
/// memory. RFC 9106's parameters for machines with little memory (m=64 MiB, t=3, p=4, section 4)
/// are within it.
const MAX_MEMORY_KIB: u32 = 128 * 1024;
const MAX_PASSES: u32 = 10;

/// Maximum length of a PHC string. Hashes within the limits are shorter.
const MAX_TEXT_BYTES: usize = 512;

/// A parsed and usable stored hash.
pub(crate) struct SecretHash {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// Why a stored hash is unusable. The text contains no part of the hash.
pub(crate) type Unusable = &'static str;

impl SecretHash {
    /// Parses a PHC string. Its parameters may differ from the current ones.
    pub(crate) fn parse(text: &str) -> Result<Self, Unusable> {
        if text.len() > MAX_TEXT_BYTES {
            return Err("it is too long for a PHC string");
        }
        let phc = PasswordHash::new(text).map_err(|_| "it is not a PHC string")?;
        if phc.algorithm != ARGON2ID_IDENT || phc.version != Some(Version::V0x13.into()) {
            return Err("it is not argon2id of version 19");
        }
        let params = Params::try_from(&phc).map_err(|_| "its parameters are not argon2's")?;
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES {
            return Err("its parameters exceed the limits for memory or time");
        }
        let (Some(salt), Some(output)) = (phc.salt, phc.hash) else {
            return Err("it has no salt or no hash");
        };
        Ok(Self { params, salt: salt.to_vec(), output: output.as_bytes().to_vec() })
    }

    /// Returns whether this is the secret's hash. The comparison is in constant time.
    pub(crate) fn verify(
        &self,
        secret: &SecretString,
        memory: &mut Memory,
    ) -> Result<bool, argon2::Error> {
        let mut output = vec![0; self.output.len()];
        derive(&self.params, secret, &self.salt, &mut output, memory)?;
        Ok(output.ct_eq(&self.output).into())
    }
}

/// Returns whether a hash has the current parameters. An unusable hash counts as current, because
/// renewing it would hide the fault.
pub(crate) fn is_current(text: &str) -> bool {
    SecretHash::parse(text).map_or(true, |stored| {
        let params = &stored.params;
        (params.m_cost(), params.t_cost(), params.p_cost())
            == (PARAMS.m_cost(), PARAMS.t_cost(), PARAMS.p_cost())
            && (stored.salt.len(), stored.output.len()) == (SALT_BYTES, OUTPUT_BYTES)
    })
}

/// Hashes a new secret and returns the PHC string.
pub(crate) fn hash(
    secret: &SecretString,
    salt: &[u8],
    memory: &mut Memory,
) -> Result<SecretString, HashFailure> {
    let mut output = [0; OUTPUT_BYTES];
    derive(&PARAMS, secret, salt, &mut output, memory)?;
    let phc = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&PARAMS)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(&output)?),
    };
    Ok(SecretString::from(phc.to_string()))
}

/// Why a secret could not be hashed. It is always a bug, because no input comes from a client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashFailure {
    #[error(transparent)]
    Argon2(#[from] argon2::Error),
    #[error(transparent)]
    Params(#[from] argon2::password_hash::Error),
    #[error(transparent)]
    Phc(#[from] argon2::password_hash::phc::Error),
}

fn derive(
    params: &Params,
    secret: &SecretString,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Memory,
) -> Result<(), argon2::Error> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let blocks = memory.blocks(params.block_count());
    argon2.hash_password_into_with_memory(secret.expose_secret().as_bytes(), salt, output, blocks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Output of pyca/cryptography (OpenSSL's argon2id) for the secret below and the salt
    /// `0123456789abcdef`.
    const KNOWN_ANSWER: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Nixqs1dhU8z4M+jHlUsGJwpTRtxKnLDpIfVdVfv2I9o";
    /// Output for the same input with other parameters and a length of 24 bytes.
    const OTHER_PARAMETERS: &str =
        "$argon2id$v=19$m=1024,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$2YQq4epaofF5+w26qt4LTFS8vVl+F9fE";

    fn secret() -> SecretString {
        SecretString::from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg")
    }

    fn verifies(text: &str) -> bool {
        SecretHash::parse(text).unwrap().verify(&secret(), &mut Memory::default()).unwrap()
    }

    fn refused(text: &str) -> bool {
        SecretHash::parse(text).is_err()
    }

    #[test]
    fn c7_the_stored_hash_is_argon2id_with_owasp_s_parameters_as_a_phc_string() {
        let text = hash(&secret(), b"0123456789abcdef", &mut Memory::default()).unwrap();
        assert_eq!(text.expose_secret(), KNOWN_ANSWER);
        assert!(verifies(KNOWN_ANSWER));
    }

    #[test]
    fn c7_hashes_with_other_argon2id_parameters_still_verify() {
        assert!(verifies(OTHER_PARAMETERS));
    }

    #[test]
    fn c7_a_hash_with_other_parameters_is_not_current() {
        assert!(is_current(KNOWN_ANSWER));
        assert!(!is_current(OTHER_PARAMETERS));
        for (from, to) in [("m=19456", "m=19457"), ("t=2", "t=3"), ("p=1", "p=2"), ("MDEyMz", "")] {
            assert!(!is_current(&KNOWN_ANSWER.replacen(from, to, 1)), "{from} -> {to}");
        }
        assert!(is_current("no hash at all"), "a renewal would hide the fault");
    }

    #[test]
    fn c7_hash_of_another_secret_does_not_verify() {
        let other = SecretString::from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefh");
        let read = SecretHash::parse(OTHER_PARAMETERS).unwrap();
        assert!(!read.verify(&other, &mut Memory::default()).unwrap());
    }

    #[test]
    fn reused_memory_does_not_change_the_hash() {
        let mut memory = Memory::default();
        let first = hash(&secret(), b"0123456789abcdef", &mut memory).unwrap();
        SecretHash::parse(OTHER_PARAMETERS).unwrap().verify(&secret(), &mut memory).unwrap();
        let second = hash(&secret(), b"0123456789abcdef", &mut memory).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
    }

    #[test]
    fn parse_refuses_unsupported_and_malformed_hashes() {
        for (from, to) in [
            ("argon2id", "argon2i"),
            ("argon2id", "argon2d"),
            ("argon2id", "scrypt"),
            ("v=19", "v=16"),
            ("$v=19", ""),
            ("m=19456", "m=7"),
            ("m=19456", "m=131073"),
            ("m=19456", "m=4294967295"),
            ("m=19456", "m=99999999999"),
            ("t=2", "t=0"),
            ("t=2", "t=11"),
            ("p=1", "p=0"),
            ("p=1", "p=16777215"),
            ("p=1", "x=1"),
        ] {
            let text = KNOWN_ANSWER.replacen(from, to, 1);
            assert_ne!(text, KNOWN_ANSWER);
            assert!(refused(&text), "{from} -> {to}");
        }
        let without_hash = KNOWN_ANSWER.rsplit_once('$').unwrap().0;
        for bad in [
            "",
            "$",
            "argon2id",
            without_hash,
            without_hash.rsplit_once('$').unwrap().0,
            &"$a".repeat(400),
        ] {
            assert!(refused(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parse_accepts_only_parameters_within_the_limits(
            m in prop_oneof![0..=2 * MAX_MEMORY_KIB, any::<u32>()],
            t in prop_oneof![0..=2 * MAX_PASSES, any::<u32>()],
            p in prop_oneof![0..=4_u32, 0..=MAX_MEMORY_KIB / 4],
        ) {
            let part = "MDEyMzQ1Njc4OWFiY2RlZg";
            let text = format!("$argon2id$v=19$m={m},t={t},p={p}${part}${part}");
            // RFC 9106, 3.1: at least 8 KiB of memory for each lane.
            let is_memory_allowed = p >= 1 && m >= 8 * p && m <= MAX_MEMORY_KIB;
            let usable = is_memory_allowed && (1..=MAX_PASSES).contains(&t);
            prop_assert_eq!(SecretHash::parse(&text).is_ok(), usable, "{}", text);
        }

        #[test]
        fn parse_refuses_any_other_text(text in any::<String>()) {
            prop_assert!(refused(&text));
            let with_algorithm = format!("$argon2id$v=19${text}");
            prop_assert!(refused(&with_algorithm));
        }
    }
}

//! Argon2id hashes of secrets as PHC strings: made with our parameters, read with those that they name.

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash, Version};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::pool::Memory;

/// What a salt has: the length that RFC 9106 recommends (section 3.1).
pub(crate) const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

/// The least that OWASP's Password Storage Cheat Sheet asks of argon2id: m=19456 KiB, t=2, p=1.
const PARAMS: Params = match Params::new(19_456, 2, 1, Some(OUTPUT_BYTES)) {
    Ok(params) => params,
    // Unreachable: these are in range. The test below holds the numbers.
    Err(_) => Params::DEFAULT,
};

/// The most that a stored hash may ask for. RFC 9106's parameters for machines with little memory (m=64 MiB, t=3, p=4,
/// section 4) fit with room to spare; a row that somebody tampered with must not take the service down.
const MAX_MEMORY_KIB: u32 = 128 * 1024;
const MAX_PASSES: u32 = 10;

/// Longer than any hash within these limits.
const MAX_TEXT_BYTES: usize = 512;

/// A stored hash, read and found usable.
pub(crate) struct SecretHash {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// What is wrong with a stored hash, without any of it.
pub(crate) type Unusable = &'static str;

impl SecretHash {
    /// Reads a PHC string. Other parameters than today's are fine: they are those of their day.
    pub(crate) fn parse(text: &str) -> Result<Self, Unusable> {
        if text.len() > MAX_TEXT_BYTES {
            return Err("it is too long for a PHC string");
        }
        let phc = PasswordHash::new(text).map_err(|_| "it is no PHC string")?;
        if phc.algorithm != ARGON2ID_IDENT || phc.version != Some(Version::V0x13.into()) {
            return Err("it is not argon2id of version 19");
        }
        let params = Params::try_from(&phc).map_err(|_| "its parameters are not argon2's")?;
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES {
            return Err("its parameters ask for more memory or time than is allowed");
        }
        let (Some(salt), Some(output)) = (phc.salt, phc.hash) else {
            return Err("it has no salt or no hash");
        };
        Ok(Self { params, salt: salt.to_vec(), output: output.as_bytes().to_vec() })
    }

    /// Whether this is the secret's hash. Compared in constant time.
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

/// Whether a hash was made with today's parameters. One that cannot be used is not old, it is broken.
pub(crate) fn is_current(text: &str) -> bool {
    SecretHash::parse(text).map_or(true, |stored| {
        let (own, today) = (&stored.params, &PARAMS);
        (own.m_cost(), own.t_cost(), own.p_cost())
            == (today.m_cost(), today.t_cost(), today.p_cost())
            && (stored.salt.len(), stored.output.len()) == (SALT_BYTES, OUTPUT_BYTES)
    })
}

/// Hashes a new secret; gives the PHC string.
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

/// Why a secret could not be hashed: a bug, for nothing about it comes from outside.
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

    /// What pyca/cryptography (OpenSSL's argon2id) makes of the secret below and the salt `0123456789abcdef`.
    const KNOWN_ANSWER: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Nixqs1dhU8z4M+jHlUsGJwpTRtxKnLDpIfVdVfv2I9o";
    /// The same with other parameters, and an output of 24 bytes.
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
    fn c7_a_hash_with_other_parameters_is_not_of_today() {
        assert!(is_current(KNOWN_ANSWER));
        assert!(!is_current(OTHER_PARAMETERS));
        for (from, to) in [("m=19456", "m=19457"), ("t=2", "t=3"), ("p=1", "p=2"), ("MDEyMz", "")] {
            assert!(!is_current(&KNOWN_ANSWER.replacen(from, to, 1)), "{from} -> {to}");
        }
        assert!(is_current("no hash at all"), "a new one would hide that it is broken");
    }

    #[test]
    fn c7_another_secret_s_hash_does_not_verify() {
        let other = SecretString::from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefh");
        let read = SecretHash::parse(OTHER_PARAMETERS).unwrap();
        assert!(!read.verify(&other, &mut Memory::default()).unwrap());
    }

    #[test]
    fn memory_of_the_run_before_changes_nothing() {
        let mut memory = Memory::default();
        let first = hash(&secret(), b"0123456789abcdef", &mut memory).unwrap();
        SecretHash::parse(OTHER_PARAMETERS).unwrap().verify(&secret(), &mut memory).unwrap();
        let second = hash(&secret(), b"0123456789abcdef", &mut memory).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
    }

    #[test]
    fn what_is_no_hash_of_ours_is_refused() {
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
        fn hash_is_read_only_if_its_parameters_are_within_the_limits(
            m in prop_oneof![0..=2 * MAX_MEMORY_KIB, any::<u32>()],
            t in prop_oneof![0..=2 * MAX_PASSES, any::<u32>()],
            p in prop_oneof![0..=4_u32, 0..=MAX_MEMORY_KIB / 4],
        ) {
            let text = format!("$argon2id$v=19$m={m},t={t},p={p}$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg");
            // RFC 9106, 3.1: at least 8 KiB of memory for each lane.
            let usable = p >= 1 && m >= 8 * p && m <= MAX_MEMORY_KIB && (1..=MAX_PASSES).contains(&t);
            prop_assert_eq!(SecretHash::parse(&text).is_ok(), usable, "{}", text);
        }

        #[test]
        fn any_other_text_is_no_hash(text in any::<String>()) {
            prop_assert!(refused(&text));
            let with_algorithm = format!("$argon2id$v=19${text}");
            prop_assert!(refused(&with_algorithm));
        }
    }
}

//! Keys, each bound to one algorithm, to sign and verify tokens.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};

/// A supported signature algorithm (RFC 7518, 3.1; RFC 8037, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SigningAlgorithm {
    Hs256,
    Rs256,
    Es256,
    /// Ed25519 only.
    EdDsa,
}

/// A key that verifies signatures of one algorithm. Drop wipes its bytes, and `Debug` omits them.
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey {
    algorithm: SigningAlgorithm,
    key: DecodingKey,
}

/// The keys from the settings, all of one algorithm. Any of them may have signed a token.
#[derive(Clone, Debug)]
pub(crate) struct KeySet {
    algorithm: SigningAlgorithm,
    verifying: Vec<VerifyingKey>,
    signing: Option<EncodingKey>,
}

impl SigningAlgorithm {
    const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa];

    /// Returns the name used in `alg`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Returns the algorithm with exactly this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    const fn in_library(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }

    /// Returns whether the algorithm has public keys.
    pub(crate) const fn has_public_keys(self) -> bool {
        self.public_key_reader().is_some()
    }

    /// Returns the parser of public keys; `None` for shared secrets.
    const fn public_key_reader(self) -> Option<&'static dyn VerificationAlgorithm> {
        match self {
            Self::Hs256 => None,
            Self::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
            Self::Es256 => Some(&ECDSA_P256_SHA256_FIXED),
            Self::EdDsa => Some(&ED25519),
        }
    }
}

impl VerifyingKey {
    fn of_secret(secret: &SecretString) -> Self {
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
        Self { algorithm: SigningAlgorithm::Hs256, key }
    }

    /// Creates a public key. Returns `None` if `encoded` (the same key, DER or raw) is not valid
    /// for the algorithm.
    ///
    /// The backend detects damaged keys. Detecting them here avoids a 401 for every request later.
    pub(crate) fn of_public_key(
        algorithm: SigningAlgorithm,
        key: DecodingKey,
        encoded: &[u8],
    ) -> Option<Self> {
        ParsedPublicKey::new(algorithm.public_key_reader()?, encoded).ok()?;
        Some(Self { algorithm, key })
    }

    pub(crate) const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Returns whether the key signed `message`. The library compares HMACs in constant time.
    ///
    /// This names the backend, because the library's process-wide default panics if another crate
    /// enables a second backend.
    pub(crate) fn verify(&self, message: &str, signature: &Vec<u8>) -> bool {
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm.in_library(), &self.key);
        verifier.is_ok_and(|verifier| verifier.verify(message.as_bytes(), signature).is_ok())
    }
}

impl KeySet {
    /// Creates a set of shared secrets. Each verifies; the first one signs.
    pub(crate) fn of_secrets(secrets: &[SecretString]) -> Self {
        Self {
            algorithm: SigningAlgorithm::Hs256,
            verifying: secrets.iter().map(VerifyingKey::of_secret).collect(),
            signing: secrets
                .first()
                .map(|secret| EncodingKey::from_secret(secret.expose_secret().as_bytes())),
        }
    }

    /// Creates a set with one public key. It only verifies.
    pub(crate) fn of_public_key(key: VerifyingKey) -> Self {
        Self { algorithm: key.algorithm(), verifying: vec![key], signing: None }
    }

    pub(crate) const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Returns whether one of the keys signed `message`.
    pub(crate) fn verify(&self, message: &str, signature: &Vec<u8>) -> bool {
        self.verifying.iter().any(|key| key.verify(message, signature))
    }

    /// Signs `message`; returns `None` without a secret.
    pub(crate) fn sign(&self, message: &str) -> Option<Vec<u8>> {
        let signer =
            (DEFAULT_PROVIDER.signer_factory)(&self.algorithm.in_library(), self.signing.as_ref()?)
                .ok()?;
        signer.try_sign(message.as_bytes()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_secret_signs_and_both_secrets_verify() {
        let secret = |letter: &str| SecretString::from(letter.repeat(32));
        let (old, new, both) = (
            KeySet::of_secrets(&[secret("a")]),
            KeySet::of_secrets(&[secret("b")]),
            KeySet::of_secrets(&[secret("b"), secret("a")]),
        );
        let by_old = old.sign("m").unwrap();
        let by_new = new.sign("m").unwrap();
        assert!(both.verify("m", &by_old) && both.verify("m", &by_new));
        assert!(!both.verify("n", &by_old));
        assert_eq!(both.sign("m").unwrap(), by_new);
        assert!(!old.verify("m", &by_new) && !new.verify("m", &by_old));
    }

    #[test]
    fn debug_redacts_the_secrets() {
        let shown = format!("{:?}", KeySet::of_secrets(&[SecretString::from("s3cr3t".repeat(6))]));
        assert!(!shown.contains("s3cr3t"));
        let bytes = format!("{:?}", "s3cr3t".as_bytes());
        assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "the bytes are redacted too");
    }
}

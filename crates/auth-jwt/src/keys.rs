//! The keys of this deployment, each bound to its one algorithm, and the signatures made and verified with them.

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};

/// An algorithm that a token may be signed with (RFC 7518, 3.1; RFC 8037, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SigningAlgorithm {
    Hs256,
    Rs256,
    Es256,
    /// Ed25519 only.
    EdDsa,
}

/// Keys of one algorithm, any of which may have signed a token. Their bytes are wiped on drop and not in `Debug`.
#[derive(Clone, Debug)]
pub(crate) struct KeySet {
    algorithm: SigningAlgorithm,
    verifying: Vec<DecodingKey>,
    signing: Option<EncodingKey>,
}

impl SigningAlgorithm {
    /// The name that stands in `alg`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    const fn in_library(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

impl KeySet {
    /// Shared secrets: each verifies, the first one signs.
    pub(crate) fn of_secrets(secrets: &[SecretString]) -> Self {
        let bytes = |secret: &SecretString| secret.expose_secret().as_bytes().to_vec();
        Self {
            algorithm: SigningAlgorithm::Hs256,
            verifying: secrets.iter().map(|secret| DecodingKey::from_secret(&bytes(secret))).collect(),
            signing: secrets.first().map(|secret| EncodingKey::from_secret(&bytes(secret))),
        }
    }

    /// One public key: it verifies, and nobody signs here.
    pub(crate) fn of_public_key(algorithm: SigningAlgorithm, key: DecodingKey) -> Self {
        Self { algorithm, verifying: vec![key], signing: None }
    }

    pub(crate) const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Whether one of the keys signed `message`. HMACs are compared in constant time by the library.
    ///
    /// The backend is called by name and not through the library's process-wide default, which panics where some other
    /// crate turned a second backend on.
    pub(crate) fn verify(&self, message: &str, signature: &Vec<u8>) -> bool {
        let algorithm = self.algorithm.in_library();
        self.verifying.iter().any(|key| {
            let verifier = (DEFAULT_PROVIDER.verifier_factory)(&algorithm, key);
            verifier.is_ok_and(|verifier| verifier.verify(message.as_bytes(), signature).is_ok())
        })
    }

    /// Signs `message`, where a secret is held.
    pub(crate) fn sign(&self, message: &str) -> Option<Vec<u8>> {
        let signer = (DEFAULT_PROVIDER.signer_factory)(&self.algorithm.in_library(), self.signing.as_ref()?).ok()?;
        signer.try_sign(message.as_bytes()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_of_two_secrets_verifies_and_the_first_signs() {
        let secret = |letter: &str| SecretString::from(letter.repeat(32));
        let (old, new, both) = (
            KeySet::of_secrets(&[secret("a")]),
            KeySet::of_secrets(&[secret("b")]),
            KeySet::of_secrets(&[secret("b"), secret("a")]),
        );
        let (by_old, by_new) = (old.sign("m").unwrap(), new.sign("m").unwrap());
        assert!(both.verify("m", &by_old) && both.verify("m", &by_new));
        assert!(!both.verify("n", &by_old));
        assert_eq!(both.sign("m").unwrap(), by_new);
        assert!(!old.verify("m", &by_new) && !new.verify("m", &by_old));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", KeySet::of_secrets(&[SecretString::from("s3cr3t".repeat(6))]));
        assert!(!shown.contains("s3cr3t"));
        let bytes = format!("{:?}", "s3cr3t".as_bytes());
        assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "nor its bytes");
    }
}

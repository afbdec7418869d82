//! Keys, each bound to its one algorithm, and the signatures made and verified with them.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
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

/// A key that verifies signatures of one algorithm. Its bytes are wiped on drop and not in `Debug`.
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey {
    algorithm: SigningAlgorithm,
    key: DecodingKey,
}

/// The keys that stand in the settings, all of one algorithm: any of them may have signed a token.
#[derive(Clone, Debug)]
pub(crate) struct KeySet {
    algorithm: SigningAlgorithm,
    verifying: Vec<VerifyingKey>,
    signing: Option<EncodingKey>,
}

impl SigningAlgorithm {
    const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa];

    /// The name that stands in `alg`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm with exactly this name.
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

    /// Whether its keys come in pairs, so that one half can be published.
    pub(crate) const fn has_public_keys(self) -> bool {
        self.public_key_reader().is_some()
    }

    /// What reads a public key of this algorithm; a shared secret has none.
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

    /// A public key, where `encoded` (the key once more, in DER or raw) is one of this algorithm.
    ///
    /// The backend knows what is no number or point of this kind; better said when the key comes than with a 401 for
    /// everybody.
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

    /// Whether the key signed `message`. HMACs are compared in constant time by the library.
    ///
    /// The backend is called by name and not through the library's process-wide default, which panics where some other
    /// crate turned a second backend on.
    pub(crate) fn verify(&self, message: &str, signature: &Vec<u8>) -> bool {
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm.in_library(), &self.key);
        verifier.is_ok_and(|verifier| verifier.verify(message.as_bytes(), signature).is_ok())
    }
}

impl KeySet {
    /// Shared secrets: each verifies, the first one signs.
    pub(crate) fn of_secrets(secrets: &[SecretString]) -> Self {
        Self {
            algorithm: SigningAlgorithm::Hs256,
            verifying: secrets.iter().map(VerifyingKey::of_secret).collect(),
            signing: secrets
                .first()
                .map(|secret| EncodingKey::from_secret(secret.expose_secret().as_bytes())),
        }
    }

    /// One public key: it verifies, and nobody signs here.
    pub(crate) fn of_public_key(key: VerifyingKey) -> Self {
        Self { algorithm: key.algorithm(), verifying: vec![key], signing: None }
    }

    pub(crate) const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Whether one of the keys signed `message`.
    pub(crate) fn verify(&self, message: &str, signature: &Vec<u8>) -> bool {
        self.verifying.iter().any(|key| key.verify(message, signature))
    }

    /// Signs `message`, where a secret is held.
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

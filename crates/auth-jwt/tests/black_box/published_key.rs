//! [`PublishedKey`]: a signing key of an issuer with its published public half.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A new Ed25519 key.
pub(crate) struct PublishedKey {
    pub(crate) id: String,
    pair: Ed25519KeyPair,
}

impl PublishedKey {
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned(), pair: Ed25519KeyPair::generate().unwrap() }
    }

    pub(crate) fn sign(&self, message: &str) -> Vec<u8> {
        self.pair.sign(message.as_bytes()).as_ref().to_vec()
    }

    /// Returns the key as JSON for a key set.
    pub(crate) fn jwk(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref());
        format!(r#"{{"kty":"OKP","kid":"{}","crv":"Ed25519","x":"{x}"}}"#, self.id)
    }
}

/// Returns a key set with these keys.
pub(crate) fn set_of(keys: &[&PublishedKey]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| key.jwk()).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

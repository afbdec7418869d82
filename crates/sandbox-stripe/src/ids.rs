//! Generates object ids with Stripe's prefixes, and the secrets in links.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The kind of an id. It determines the prefix and Stripe's number of characters after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdKind {
    CheckoutItem,
    CheckoutSession,
    Customer,
    Event,
    Invoice,
    InvoiceLine,
    PaymentMethod,
    PortalConfiguration,
    PortalSession,
    Price,
    Product,
    Request,
    SigningSecret,
    Subscription,
    SubscriptionItem,
    WebhookEndpoint,
}

impl IdKind {
    const fn shape(self) -> (&'static str, usize) {
        match self {
            Self::CheckoutItem => ("li_", 24),
            Self::CheckoutSession => ("cs_test_", 58),
            Self::Customer => ("cus_", 14),
            Self::Event => ("evt_", 24),
            Self::Invoice => ("in_", 24),
            Self::InvoiceLine => ("il_", 24),
            Self::PaymentMethod => ("pm_", 24),
            Self::PortalConfiguration => ("bpc_", 24),
            Self::PortalSession => ("bps_", 24),
            Self::Price => ("price_", 24),
            Self::Product => ("prod_", 14),
            Self::Request => ("req_", 14),
            Self::SigningSecret => ("whsec_", 32),
            Self::Subscription => ("sub_", 24),
            Self::SubscriptionItem => ("si_", 14),
            Self::WebhookEndpoint => ("we_", 24),
        }
    }
}

/// Generates an id. Fails only if the operating system provides no randomness.
pub(crate) fn generate(kind: IdKind) -> io::Result<String> {
    let (prefix, length) = kind.shape();
    let mut id = String::with_capacity(prefix.len() + length);
    id.push_str(prefix);
    let mut bytes = [0_u8; 32];
    while id.len() < prefix.len() + length {
        fill(&mut bytes)?;
        // 248 is the largest multiple of 62 below 256. Dropping larger bytes keeps digits uniform.
        let digits = bytes
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| char::from(BASE62[usize::from(*byte % 62)]));
        id.extend(digits.take(prefix.len() + length - id.len()));
    }
    Ok(id)
}

/// The secret in a portal link: 256 random bits.
pub(crate) struct SessionToken(String);

impl SessionToken {
    /// Creates a random token.
    pub(crate) fn mint() -> io::Result<Self> {
        Ok(Self(format!("test_{}", secret()?)))
    }

    /// Returns the secret for use in the link only.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the digest to store instead of the secret.
    pub(crate) fn digest(&self) -> String {
        digest(&self.0)
    }
}

/// Returns 256 random bits from the operating system, for an unguessable URL.
pub(crate) fn secret() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns the digest under which the session with this token is stored.
pub(crate) fn digest(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| io::Error::other(format!("no randomness from the system: {error}")))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_have_stripes_prefix_and_length_and_differ() {
        let ids: HashSet<String> =
            (0..200).map(|_| generate(IdKind::Customer).expect("id")).collect();
        assert_eq!(ids.len(), 200);
        assert!(ids.iter().all(|id| id.starts_with("cus_") && id.len() == 18));
        assert!(ids.iter().all(|id| id[4..].bytes().all(|b| b.is_ascii_alphanumeric())));
    }

    #[test]
    fn a_token_has_256_bits_and_its_digest_does_not_contain_it() {
        let token = SessionToken::mint().expect("token");
        assert_eq!(token.reveal().len(), "test_".len() + 43);
        assert_eq!(token.digest(), digest(token.reveal()));
        assert!(!token.digest().contains(&token.reveal()[5..]));
    }
}

//! [`WebhookSecret`]: the signing secret of a webhook endpoint.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Maximum active secrets: two during a rotation, for a few endpoints.
pub(crate) const MAX_SECRETS: usize = 8;
const PREFIX: &str = "whsec_";
const MAX_BYTES: usize = 255;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A signing secret, `whsec_` and visible ASCII (<https://docs.stripe.com/webhooks/signature>). Its
/// `Debug` is redacted.
#[derive(Clone)]
pub(crate) struct WebhookSecret {
    mac: Hmac<Sha256>,
}

impl WebhookSecret {
    /// Signs the concatenated parts. Returns lower-case hex digits.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> [u8; 64] {
        let mut mac = self.mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(mac.finalize().into_bytes()) {
            pair.copy_from_slice(&[
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 0xf)],
            ]);
        }
        hex
    }
}

/// Parses a comma-separated list.
pub(crate) fn parse_list(text: &str) -> Result<Vec<WebhookSecret>, &'static str> {
    let secrets =
        text.split(',').map(|secret| secret.trim().parse()).collect::<Result<Vec<_>, _>>()?;
    if secrets.len() > MAX_SECRETS {
        return Err("at most 8 secrets are allowed; remove the old ones");
    }
    Ok(secrets)
}

impl FromStr for WebhookSecret {
    /// The reason, without the secret.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = "it must be one or more signing secrets (whsec_…), separated by commas; \
                         copy them again from the endpoint";
        let rest = text.strip_prefix(PREFIX).ok_or(malformed)?;
        if rest.is_empty() || text.len() > MAX_BYTES || !rest.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(malformed);
        }
        // The prefix is part of the key. HMAC accepts keys of any length (RFC 2104, section 3).
        let mac = Hmac::new_from_slice(text.as_bytes()).map_err(|_| malformed)?;
        Ok(Self { mac })
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_is_hmac_sha_256_with_the_whole_secret() {
        // Python: hmac.new(b"whsec_test_secret", b'1700000000.{"id":"evt_1"}',
        // "sha256").hexdigest()
        let secret: WebhookSecret = "whsec_test_secret".parse().unwrap();
        let signature = secret.sign(&[b"1700000000", b".", br#"{"id":"evt_1"}"#]);
        assert_eq!(
            std::str::from_utf8(&signature),
            Ok("248a374f50f943a28b0f6ab50faf9a7e7e29b710fa26df9fb1618b9bf8ea9c9a")
        );
    }

    #[test]
    fn parse_list_accepts_up_to_8_secrets() {
        assert_eq!(parse_list("whsec_a, whsec_b").unwrap().len(), 2);
        assert!(parse_list(&["whsec_a"; 8].join(",")).is_ok());
        assert!(parse_list(&["whsec_a"; 9].join(",")).is_err());
        let longest = format!("whsec_{}", "x".repeat(249));
        assert!(parse_list(&longest).is_ok());
        let too_long = format!("{longest}x");
        for bad in [
            "",
            "whsec_",
            "sk_test_hidden",
            "whsec_a,",
            "whsec_hid den",
            "whsec_hiddeñ",
            "WHSEC_hidden",
            &too_long,
        ] {
            let fault = parse_list(bad).unwrap_err();
            assert!(!fault.contains("hid"), "{bad}");
        }
    }

    #[test]
    fn debug_hides_the_secret() {
        assert!(
            !format!("{:?}", "whsec_hidden".parse::<WebhookSecret>().unwrap()).contains("hidden")
        );
    }
}

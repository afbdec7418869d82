//! [`WebhookSecret`]: what Stripe signs its deliveries with.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How many secrets may be in force at once: two while one is rolled, and a few endpoints.
pub(crate) const MOST: usize = 8;
const PREFIX: &str = "whsec_";
const MAX_BYTES: usize = 255;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// An endpoint's signing secret, `whsec_` and visible ASCII (<https://docs.stripe.com/webhooks/signature>). Its `Debug` shows nothing.
#[derive(Clone)]
pub(crate) struct WebhookSecret {
    mac: Hmac<Sha256>,
}

impl WebhookSecret {
    /// The signature of a message that comes in parts: lower-case hex digits.
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

/// Reads several, separated by commas.
pub(crate) fn read_all(text: &str) -> Result<Vec<WebhookSecret>, &'static str> {
    let secrets =
        text.split(',').map(|secret| secret.trim().parse()).collect::<Result<Vec<_>, _>>()?;
    if secrets.len() > MOST {
        return Err("there may be at most 8 secrets; leave out those that were rolled");
    }
    Ok(secrets)
}

impl FromStr for WebhookSecret {
    /// What is wrong, without the secret.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = "each must be a signing secret that starts with whsec_, several separated by commas; copy it again from the endpoint";
        let rest = text.strip_prefix(PREFIX).ok_or(malformed)?;
        if rest.is_empty() || text.len() > MAX_BYTES || !rest.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(malformed);
        }
        // The prefix belongs to the key. HMAC takes keys of any length (RFC 2104, section 3).
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
    fn a_signature_is_an_hmac_sha_256_under_the_whole_secret() {
        // Python: hmac.new(b"whsec_test_secret", b'1700000000.{"id":"evt_1"}', "sha256").hexdigest()
        let secret: WebhookSecret = "whsec_test_secret".parse().unwrap();
        let signature = secret.sign(&[b"1700000000", b".", br#"{"id":"evt_1"}"#]);
        assert_eq!(
            std::str::from_utf8(&signature),
            Ok("248a374f50f943a28b0f6ab50faf9a7e7e29b710fa26df9fb1618b9bf8ea9c9a")
        );
    }

    #[test]
    fn several_secrets_may_be_in_force() {
        assert_eq!(read_all("whsec_a, whsec_b").unwrap().len(), 2);
        assert!(read_all(&["whsec_a"; 8].join(",")).is_ok());
        assert!(read_all(&["whsec_a"; 9].join(",")).is_err());
        let longest = format!("whsec_{}", "x".repeat(249));
        assert!(read_all(&longest).is_ok());
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
            let fault = read_all(bad).unwrap_err();
            assert!(!fault.contains("hid"), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(
            !format!("{:?}", "whsec_hidden".parse::<WebhookSecret>().unwrap()).contains("hidden")
        );
    }
}

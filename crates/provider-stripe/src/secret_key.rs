//! [`SecretKey`]: Stripe's secret or restricted key and its mode.

use std::str::FromStr;

use billing_domain::Mode;
use secrecy::SecretString;

/// A key that starts with `sk_test_`, `rk_test_`, `sk_live_` or `rk_live_`
/// (<https://docs.stripe.com/keys>).
#[derive(Clone, Debug)]
pub struct SecretKey {
    key: SecretString,
    mode: Mode,
}

impl SecretKey {
    /// Returns the mode. Only the key determines it.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the key.
    pub(crate) const fn secret(&self) -> &SecretString {
        &self.key
    }
}

impl FromStr for SecretKey {
    /// The reason, without the key.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("pk_") {
            return Err(
                "it is a publishable key; use the secret key or a restricted key (sk_… or rk_…)",
            );
        }
        let after = |prefix: &str| {
            text.strip_prefix("sk_").or_else(|| text.strip_prefix("rk_"))?.strip_prefix(prefix)
        };
        let (mode, rest) = match (after("test_"), after("live_")) {
            (Some(rest), _) => (Mode::Test, rest),
            (_, Some(rest)) => (Mode::Live, rest),
            _ => return Err("it must start with sk_test_, rk_test_, sk_live_ or rk_live_"),
        };
        if rest.is_empty()
            || text.len() > 255
            || !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            return Err(
                "it may contain only letters, digits and _ after the prefix; copy it again from \
                 the Dashboard",
            );
        }
        Ok(Self { key: SecretString::from(text), mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_the_mode_comes_from_the_key() {
        for (text, mode) in [
            ("sk_test_a1", Mode::Test),
            ("rk_test_a1", Mode::Test),
            ("sk_live_a1", Mode::Live),
            ("rk_live_a_1", Mode::Live),
        ] {
            assert_eq!(text.parse::<SecretKey>().unwrap().mode(), mode, "{text}");
        }
    }

    #[test]
    fn invalid_keys_are_rejected_without_quoting_them() {
        for bad in [
            "",
            "sk_test_",
            "sk_prod_a1",
            "pk_test_a1",
            "whsec_a1",
            " sk_test_a1",
            "sk_test_a1\n",
            "sk_test_a-1",
            "SK_TEST_a1",
        ] {
            let fault = bad.parse::<SecretKey>().unwrap_err();
            assert!(!fault.contains("a1") && !fault.contains("a-1"), "{bad}");
        }
    }

    #[test]
    fn debug_hides_the_key() {
        assert!(
            !format!("{:?}", "sk_test_hidden1".parse::<SecretKey>().unwrap()).contains("hidden1")
        );
    }
}

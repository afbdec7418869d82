//! [`StripeWebhooks`]: verifies and parses webhook deliveries.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use billing_domain::ports::{VerifiedEvent, WebhookError, WebhookVerifier};
use billing_domain::{ProviderAccount, Timestamp};

use crate::webhook_secret::WebhookSecret;
use crate::{ReloadError, StripeSettings, event, signature};

/// Webhooks of Stripe or the sandbox, for one account and mode.
pub struct StripeWebhooks {
    account: ProviderAccount,
    secrets: RwLock<Arc<[WebhookSecret]>>,
}

impl StripeWebhooks {
    /// Creates a verifier with the secrets of the settings.
    #[must_use]
    pub fn new(settings: &StripeSettings) -> Self {
        Self {
            account: settings.account().clone(),
            secrets: RwLock::new(settings.webhook_secrets().into()),
        }
    }

    /// Replaces the secrets with those of the new settings.
    ///
    /// # Errors
    /// [`ReloadError::OtherAccount`].
    pub fn reload(&self, settings: &StripeSettings) -> Result<(), ReloadError> {
        if *settings.account() != self.account {
            return Err(ReloadError::OtherAccount(settings.account().clone()));
        }
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) =
            settings.webhook_secrets().into();
        Ok(())
    }

    fn secrets(&self) -> Arc<[WebhookSecret]> {
        Arc::clone(&self.secrets.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl WebhookVerifier for StripeWebhooks {
    fn verify(
        &self,
        signature: &[u8],
        body: &[u8],
        now: Timestamp,
    ) -> Result<VerifiedEvent, WebhookError> {
        let secrets = self.secrets();
        if secrets.is_empty() {
            return Err(WebhookError::Signature("no secret is configured"));
        }
        signature::verify(signature, body, &secrets, now)?;
        event::parse(body, self.account.mode()).map_err(WebhookError::Body)
    }
}

impl fmt::Debug for StripeWebhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets = self.secrets().len();
        f.debug_struct("StripeWebhooks")
            .field("account", &self.account)
            .field("secrets", &secrets)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
    const BODY: &[u8] =
        br#"{"id":"evt_1","object":"event","created":1,"livemode":false,"type":"ping","data":{}}"#;

    fn settings(secrets: &str) -> StripeSettings {
        let settings = StripeSettings::sandbox("http://127.0.0.1:1", "sk_test_1").unwrap();
        if secrets.is_empty() { settings } else { settings.with_webhook_secrets(secrets).unwrap() }
    }

    fn header(secret: &str, body: &[u8]) -> Vec<u8> {
        let secret: WebhookSecret = secret.parse().unwrap();
        [b"t=1700000000,v1=".as_slice(), &secret.sign(&[b"1700000000.", body])].concat()
    }

    #[test]
    fn verify_fails_without_a_secret() {
        let error = StripeWebhooks::new(&settings(""))
            .verify(&header("whsec_a", BODY), BODY, NOW)
            .unwrap_err();
        assert_eq!(error, WebhookError::Signature("no secret is configured"));
    }

    #[test]
    fn reload_replaces_the_secrets() {
        let webhooks = StripeWebhooks::new(&settings("whsec_a"));
        let is_valid = |secret: &str| webhooks.verify(&header(secret, BODY), BODY, NOW).is_ok();
        assert!(is_valid("whsec_a") && !is_valid("whsec_b"));
        webhooks.reload(&settings("whsec_a,whsec_b")).unwrap();
        assert!(is_valid("whsec_a") && is_valid("whsec_b"));
        webhooks.reload(&settings("whsec_b")).unwrap();
        assert!(!is_valid("whsec_a") && is_valid("whsec_b"));
        let live = StripeSettings::read(&mut |name| {
            (name == "STRIPE_SECRET_KEY").then(|| "sk_live_1".to_owned())
        });
        assert!(matches!(webhooks.reload(&live.unwrap()), Err(ReloadError::OtherAccount(_))));
        assert!(is_valid("whsec_b"));
    }

    #[test]
    fn body_is_parsed_only_after_signature_verification() {
        let webhooks = StripeWebhooks::new(&settings("whsec_a"));
        let verify = |body: &[u8], secret: &str| webhooks.verify(&header(secret, body), body, NOW);
        assert!(matches!(verify(BODY, "whsec_a"), Ok(VerifiedEvent::ThisMode(_))));
        assert!(matches!(verify(b"nonsense", "whsec_a"), Err(WebhookError::Body(_))));
        assert!(matches!(verify(b"nonsense", "whsec_b"), Err(WebhookError::Signature(_))));
        assert!(matches!(webhooks.verify(b"", BODY, NOW), Err(WebhookError::Signature(_))));
        let live = String::from_utf8(BODY.to_vec()).unwrap().replace("false", "true");
        assert_eq!(verify(live.as_bytes(), "whsec_a"), Ok(VerifiedEvent::OtherMode));
    }

    #[test]
    fn debug_hides_the_secrets() {
        assert!(
            !format!("{:?}", StripeWebhooks::new(&settings("whsec_hidden"))).contains("hidden")
        );
    }
}

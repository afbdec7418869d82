//! [`StripeSettings`]: the settings of the Stripe adapter.

use std::fmt::Display;

use billing_domain::{Mode, ProviderAccount, ProviderName};

use crate::webhook_secret::{self, WebhookSecret};
use crate::{ApiBase, SecretKey, UserMetadataKey};

const SECRET_KEY: &str = "STRIPE_SECRET_KEY";
const API_BASE: &str = "STRIPE_API_BASE";
const PORTAL_CONFIGURATION: &str = "STRIPE_PORTAL_CONFIGURATION";
const WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET";
const USER_METADATA_KEY: &str = "STRIPE_USER_METADATA_KEY";

/// The settings of this adapter, without the `BILLING_` prefix.
pub const SETTINGS: &[&str] =
    &[SECRET_KEY, API_BASE, PORTAL_CONFIGURATION, WEBHOOK_SECRET, USER_METADATA_KEY];

/// The secret settings among [`SETTINGS`].
pub const SECRETS: &[&str] = &[SECRET_KEY, WEBHOOK_SECRET];

/// Validated settings. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct StripeSettings {
    account: ProviderAccount,
    key: SecretKey,
    base: ApiBase,
    portal_configuration: Option<String>,
    webhook_secrets: Vec<WebhookSecret>,
    user_metadata_key: UserMetadataKey,
    loopback_urls: bool,
}

type Faults = Vec<(&'static str, String)>;

impl StripeSettings {
    /// Reads the settings of provider `stripe`.
    ///
    /// # Errors
    /// All invalid settings as (name, required format).
    pub fn read(get: &mut dyn FnMut(&str) -> Option<String>) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let mut keep =
            |name: &'static str, fault: &dyn Display| faults.push((name, fault.to_string()));
        let key = match get(SECRET_KEY).map(|text| text.parse::<SecretKey>()) {
            Some(Ok(key)) => Some(key),
            Some(Err(fault)) => {
                keep(SECRET_KEY, &fault);
                None
            }
            None => {
                keep(
                    SECRET_KEY,
                    &"it is required; set the secret key or a restricted key of your Stripe account",
                );
                None
            }
        };
        let base = match get(API_BASE).as_deref().unwrap_or(ApiBase::STRIPE).parse::<ApiBase>() {
            Ok(base) => Some(base),
            Err(fault) => {
                keep(API_BASE, &fault);
                None
            }
        };
        let portal_configuration = get(PORTAL_CONFIGURATION);
        if portal_configuration.as_deref().is_some_and(|id| !is_configuration_id(id)) {
            keep(PORTAL_CONFIGURATION, &"it must be the id of a portal configuration (bpc_…)");
        }
        let webhook_secrets =
            match get(WEBHOOK_SECRET).map(|text| webhook_secret::parse_list(&text)) {
                Some(Ok(secrets)) => secrets,
                Some(Err(fault)) => {
                    keep(WEBHOOK_SECRET, &fault);
                    Vec::new()
                }
                None => Vec::new(),
            };
        let user_metadata_key =
            match get(USER_METADATA_KEY).map(|text| text.parse::<UserMetadataKey>()) {
                Some(Ok(key)) => key,
                Some(Err(fault)) => {
                    keep(USER_METADATA_KEY, &fault);
                    UserMetadataKey::default()
                }
                None => UserMetadataKey::default(),
            };
        match (key, base, provider_account("stripe", Mode::Test)) {
            (Some(key), Some(base), Ok(test)) if faults.is_empty() => Ok(Self {
                account: ProviderAccount::new(test.provider().clone(), key.mode()),
                key,
                base,
                portal_configuration,
                webhook_secrets,
                user_metadata_key,
                loopback_urls: false,
            }),
            _ => Err(faults),
        }
    }

    /// Creates the settings of provider `sandbox`, the local Stripe-compatible server. It allows
    /// http URLs on loopback and only test mode.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn sandbox(api_base: &str, secret_key: &str) -> Result<Self, Faults> {
        let fault = |name: &'static str| move |fault: &str| vec![(name, fault.to_owned())];
        let base = api_base.parse::<ApiBase>().map_err(fault(API_BASE))?;
        let key = secret_key.parse::<SecretKey>().map_err(fault(SECRET_KEY))?;
        if key.mode() == Mode::Live {
            return Err(fault(SECRET_KEY)("the sandbox accepts only test keys"));
        }
        let account =
            provider_account("sandbox", Mode::Test).map_err(|text| fault(API_BASE)(&text))?;
        Ok(Self {
            account,
            key,
            base,
            portal_configuration: None,
            webhook_secrets: Vec::new(),
            user_metadata_key: UserMetadataKey::default(),
            loopback_urls: true,
        })
    }

    /// Replaces the webhook signing secrets with a comma-separated list.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn with_webhook_secrets(self, secrets: &str) -> Result<Self, Faults> {
        let webhook_secrets = webhook_secret::parse_list(secrets)
            .map_err(|fault| vec![(WEBHOOK_SECRET, fault.to_owned())])?;
        Ok(Self { webhook_secrets, ..self })
    }

    /// Replaces the metadata key that names the owner.
    #[must_use]
    pub fn with_user_metadata_key(self, user_metadata_key: UserMetadataKey) -> Self {
        Self { user_metadata_key, ..self }
    }

    /// Returns the provider and its mode.
    #[must_use]
    pub const fn account(&self) -> &ProviderAccount {
        &self.account
    }

    /// Returns the base URL of the API.
    #[must_use]
    pub const fn api_base(&self) -> &ApiBase {
        &self.base
    }

    /// Returns the portal configuration. `None` uses the account's default.
    #[must_use]
    pub fn portal_configuration(&self) -> Option<&str> {
        self.portal_configuration.as_deref()
    }

    /// Returns the metadata key that names the owner of customers, sessions and subscriptions.
    #[must_use]
    pub const fn user_metadata_key(&self) -> &UserMetadataKey {
        &self.user_metadata_key
    }

    pub(crate) fn webhook_secrets(&self) -> &[WebhookSecret] {
        &self.webhook_secrets
    }

    pub(crate) const fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Returns whether http URLs on loopback are allowed.
    pub(crate) const fn allows_loopback_urls(&self) -> bool {
        self.loopback_urls
    }
}

fn provider_account(name: &str, mode: Mode) -> Result<ProviderAccount, String> {
    let name: ProviderName =
        name.parse().map_err(|error: billing_domain::ProviderAccountError| error.to_string())?;
    Ok(ProviderAccount::new(name, mode))
}

fn is_configuration_id(text: &str) -> bool {
    text.strip_prefix("bpc_").is_some_and(|id| {
        (1..=251).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<StripeSettings, Faults> {
        let find = |name: &str| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        StripeSettings::read(&mut |name| {
            assert!(SETTINGS.contains(&name), "{name} is not listed");
            find(name)
        })
    }

    fn faulty(pairs: &[(&str, &str)]) -> Vec<&'static str> {
        read(pairs).unwrap_err().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn read_needs_only_the_key() {
        let settings = read(&[(SECRET_KEY, "rk_live_1")]).unwrap();
        assert_eq!(settings.account().to_string(), "stripe (live mode)");
        assert_eq!(settings.api_base().to_string(), ApiBase::STRIPE);
        assert_eq!(settings.portal_configuration(), None);
        assert!(!settings.allows_loopback_urls());
    }

    #[test]
    fn read_reports_all_invalid_settings() {
        let pairs = [
            (API_BASE, "http://x"),
            (PORTAL_CONFIGURATION, "x"),
            (WEBHOOK_SECRET, "x"),
            (USER_METADATA_KEY, "[]"),
        ];
        let mut expected = SETTINGS.to_vec();
        expected.sort_unstable();
        let mut found = faulty(&pairs);
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn read_accepts_webhook_secrets_and_metadata_key() {
        let settings = read(&[(SECRET_KEY, "sk_test_1")]).unwrap();
        assert_eq!(
            (settings.webhook_secrets().len(), settings.user_metadata_key().to_string()),
            (0, "user_id".to_owned())
        );
        let pairs = [
            (SECRET_KEY, "sk_test_1"),
            (WEBHOOK_SECRET, "whsec_a, whsec_b"),
            (USER_METADATA_KEY, "owner"),
        ];
        let settings = read(&pairs).unwrap();
        assert_eq!(
            (settings.webhook_secrets().len(), settings.user_metadata_key().to_string()),
            (2, "owner".to_owned())
        );
        let sandbox = || StripeSettings::sandbox("http://127.0.0.1:12111", "sk_test_x").unwrap();
        assert_eq!(sandbox().with_webhook_secrets("whsec_a").unwrap().webhook_secrets().len(), 1);
        assert_eq!(sandbox().with_webhook_secrets("x").unwrap_err()[0].0, WEBHOOK_SECRET);
    }

    #[test]
    fn errors_and_debug_hide_secrets() {
        let faults = read(&[(SECRET_KEY, "sk_hidden"), (WEBHOOK_SECRET, "hidden")]).unwrap_err();
        assert!(!format!("{faults:?}").contains("hidden"));
        let pairs = [(SECRET_KEY, "sk_test_hidden"), (WEBHOOK_SECRET, "whsec_hidden")];
        assert!(!format!("{:?}", read(&pairs).unwrap()).contains("hidden"));
    }

    #[test]
    fn s2_sandbox_has_its_own_account_and_only_test_mode() {
        let settings =
            StripeSettings::sandbox("http://127.0.0.1:12111", "sk_test_sandbox").unwrap();
        assert_eq!(settings.account().to_string(), "sandbox (test mode)");
        assert!(settings.allows_loopback_urls());
        assert!(StripeSettings::sandbox("http://127.0.0.1:12111", "sk_live_x").is_err());
        assert!(StripeSettings::sandbox("http://sandbox.example", "sk_test_x").is_err());
    }
}

//! The settings of the payment provider: one variant per provider.

use billing_domain::{Mode, ProviderName};
use provider_stripe::{SecretKey, StripeSettings, UserMetadataKey};
use secrecy::SecretString;

use super::Settings;

/// The key that the service sends to the sandbox. The sandbox accepts every test key.
pub(crate) const SANDBOX_KEY: &str = "sk_test_sandbox";

/// A provider's settings, by name.
#[derive(Clone, Debug)]
pub(crate) enum ProviderSettings {
    /// The embedded default: Stripe's adapter on the sandbox, which `serve` runs in the same
    /// process.
    Sandbox(Box<SandboxOptions>),
    /// Stripe.
    Stripe(Box<StripeSettings>),
}

/// Stripe's settings that also apply to the sandbox.
#[derive(Clone, Debug)]
pub(crate) struct SandboxOptions {
    /// Signing secrets in addition to the secret of the sandbox's endpoint.
    pub(crate) webhook_secrets: Option<SecretString>,
    pub(crate) user_metadata_key: UserMetadataKey,
}

/// The names of all providers' settings. [`SECRETS`] lists the secret ones.
pub(crate) const SETTINGS: &[&[&str]] = &[provider_stripe::SETTINGS];
pub(crate) const SECRETS: &[&[&str]] = &[provider_stripe::SECRETS];

/// Real providers, each with the setting that identifies it.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[("stripe", STRIPE_KEY)];

const STRIPE_KEY: &str = "STRIPE_SECRET_KEY";
const WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET";

/// Reads the settings of the configured provider. Returns `None` if they are faulty.
pub(crate) fn read(settings: &mut Settings) -> Option<ProviderSettings> {
    match settings.provider().as_str() {
        "sandbox" => {
            // Stripe's other settings are checked, too. The key is the sandbox's.
            let key = |name: &str| (name == STRIPE_KEY).then(|| SANDBOX_KEY.to_owned());
            let read = settings
                .reader
                .adapter(|get| StripeSettings::read(&mut |name| key(name).or_else(|| get(name))));
            let webhook_secrets = settings.reader.text(WEBHOOK_SECRET).map(SecretString::from);
            read.map(|read| {
                let user_metadata_key = read.user_metadata_key().clone();
                ProviderSettings::Sandbox(Box::new(SandboxOptions {
                    webhook_secrets,
                    user_metadata_key,
                }))
            })
        }
        "stripe" => settings
            .reader
            .adapter(|get| StripeSettings::read(get))
            .map(|settings| ProviderSettings::Stripe(Box::new(settings))),
        _ => {
            unknown(settings);
            None
        }
    }
}

/// Returns the name of the configured provider.
pub(crate) fn name(settings: &mut Settings) -> Option<ProviderName> {
    let name = settings.provider();
    if name != "sandbox" && CREDENTIALS.iter().all(|(real, _)| *real != name) {
        unknown(settings);
    }
    name.parse().ok()
}

/// Returns whether a live key is configured.
pub(crate) fn is_live(settings: &mut Settings) -> bool {
    let key = if settings.reader.has(STRIPE_KEY) { settings.reader.text(STRIPE_KEY) } else { None };
    key.and_then(|key| key.parse::<SecretKey>().ok()).is_some_and(|key| key.mode() == Mode::Live)
}

fn unknown(settings: &mut Settings) {
    settings.reader.fault("PROVIDER", "unknown provider; set `stripe` or `sandbox`");
}

impl ProviderSettings {
    /// Returns the mode of the configured key.
    pub(crate) fn mode(&self) -> Mode {
        match self {
            Self::Sandbox(_) => Mode::Test,
            Self::Stripe(settings) => settings.account().mode(),
        }
    }

    /// Returns whether this is the embedded default.
    pub(crate) const fn is_embedded(&self) -> bool {
        match self {
            Self::Sandbox(_) => true,
            Self::Stripe(_) => false,
        }
    }
}

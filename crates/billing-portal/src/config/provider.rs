//! The settings of the payment provider: one arm per provider.

use billing_domain::{Mode, ProviderName};
use provider_stripe::{SecretKey, StripeSettings, UserMetadataKey};
use secrecy::SecretString;

use super::Settings;

/// The sandbox takes any test key; this one says what it is.
pub(crate) const SANDBOX_KEY: &str = "sk_test_sandbox";

/// A provider's settings, by name.
#[derive(Clone, Debug)]
pub(crate) enum ProviderSettings {
    /// The embedded default: Stripe's adapter on the sandbox, which `serve` starts beside itself.
    Sandbox(Box<SandboxAccess>),
    /// Stripe.
    Stripe(Box<StripeSettings>),
}

/// What the operator says about Stripe and the sandbox takes over.
#[derive(Clone, Debug)]
pub(crate) struct SandboxAccess {
    /// Signing secrets beside that of the sandbox's own endpoint.
    pub(crate) webhook_secrets: Option<SecretString>,
    pub(crate) user_metadata_key: UserMetadataKey,
}

/// The names of all providers' settings, and those that are secret.
pub(crate) const SETTINGS: &[&[&str]] = &[provider_stripe::SETTINGS];
pub(crate) const SECRETS: &[&[&str]] = &[provider_stripe::SECRETS];

/// Real providers, each with the setting whose presence says that it is meant.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[("stripe", STRIPE_KEY)];

const STRIPE_KEY: &str = "STRIPE_SECRET_KEY";
const WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET";

/// The configured provider's settings; `None` where they are wrong.
pub(crate) fn read(settings: &mut Settings) -> Option<ProviderSettings> {
    match settings.provider().as_str() {
        "sandbox" => {
            // Stripe's settings are checked here too, but for the key, which is not Stripe's.
            let key = |name: &str| (name == STRIPE_KEY).then(|| SANDBOX_KEY.to_owned());
            let read = settings
                .reader
                .adapter(|get| StripeSettings::read(&mut |name| key(name).or_else(|| get(name))));
            let webhook_secrets = settings.reader.text(WEBHOOK_SECRET).map(SecretString::from);
            read.map(|read| {
                let user_metadata_key = read.user_metadata_key().clone();
                ProviderSettings::Sandbox(Box::new(SandboxAccess {
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

/// The name under which the configured provider's customers are kept.
pub(crate) fn name(settings: &mut Settings) -> Option<ProviderName> {
    let name = settings.provider();
    if name != "sandbox" && CREDENTIALS.iter().all(|(real, _)| *real != name) {
        unknown(settings);
    }
    name.parse().ok()
}

/// Whether the configured credential moves real money, where there is one here at all.
pub(crate) fn is_live(settings: &mut Settings) -> bool {
    let key = if settings.reader.has(STRIPE_KEY) { settings.reader.text(STRIPE_KEY) } else { None };
    key.and_then(|key| key.parse::<SecretKey>().ok()).is_some_and(|key| key.mode() == Mode::Live)
}

fn unknown(settings: &mut Settings) {
    settings.reader.fault("PROVIDER", "there is no such provider; set `stripe` or `sandbox`");
}

impl ProviderSettings {
    /// Whether money is real.
    pub(crate) fn mode(&self) -> Mode {
        match self {
            Self::Sandbox(_) => Mode::Test,
            Self::Stripe(settings) => settings.account().mode(),
        }
    }

    /// Whether this is the embedded default.
    pub(crate) const fn is_embedded(&self) -> bool {
        match self {
            Self::Sandbox(_) => true,
            Self::Stripe(_) => false,
        }
    }
}

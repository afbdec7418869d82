//! Which payment provider: one arm each.

use std::sync::Arc;

use billing_domain::ports::BillingProvider;
use billing_domain::{Mode, ProviderName};
use provider_stripe::{SecretKey, StripeProvider, StripeSettings};

use crate::config::Settings;

/// The sandbox takes any test key; this one says what it is.
const SANDBOX_KEY: &str = "sk_test_sandbox";

/// A provider's settings, by name.
#[derive(Debug)]
pub(crate) enum ProviderSettings {
    /// The embedded default: Stripe's adapter on the sandbox, which `serve` starts beside itself.
    Sandbox,
    /// Stripe.
    Stripe(Box<StripeSettings>),
}

/// The names of all providers' settings, and those that are secret.
pub(crate) const SETTINGS: &[&[&str]] = &[provider_stripe::SETTINGS];
pub(crate) const SECRETS: &[&[&str]] = &[provider_stripe::SECRETS];

/// Real providers, each with the setting whose presence says that it is meant.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[("stripe", STRIPE_KEY)];

const STRIPE_KEY: &str = "STRIPE_SECRET_KEY";

/// The configured provider's settings; `None` where they are wrong.
pub(crate) fn read(settings: &mut Settings) -> Option<ProviderSettings> {
    match settings.provider().as_str() {
        "sandbox" => {
            // Stripe's settings are checked here too, but for the key, which is not Stripe's.
            let key = |name: &str| (name == STRIPE_KEY).then(|| SANDBOX_KEY.to_owned());
            let read = settings.reader.adapter(|get| StripeSettings::read(&mut |name| key(name).or_else(|| get(name))));
            read.map(|_| ProviderSettings::Sandbox)
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
            Self::Sandbox => Mode::Test,
            Self::Stripe(settings) => settings.account().mode(),
        }
    }

    /// Whether this is the embedded default.
    pub(crate) const fn is_embedded(&self) -> bool {
        match self {
            Self::Sandbox => true,
            Self::Stripe(_) => false,
        }
    }

    /// The provider. `sandbox` is the base URL of the sandbox that runs beside, in the embedded default.
    pub(crate) fn connect(self, sandbox: Option<&str>) -> Result<Provider, String> {
        let settings = match self {
            Self::Sandbox => {
                let base = sandbox.ok_or_else(|| "the sandbox does not run".to_owned())?;
                let faults =
                    |faults: Vec<(&str, String)>| faults.into_iter().map(|(_, remedy)| remedy).collect::<String>();
                StripeSettings::sandbox(base, SANDBOX_KEY).map_err(faults)?
            }
            Self::Stripe(settings) => *settings,
        };
        StripeProvider::new(settings)
            .map(|provider| Provider::Stripe(Arc::new(provider)))
            .map_err(|error| error.to_string())
    }
}

/// The connected provider, as itself: what serves it as a port, and takes new settings.
#[derive(Clone, Debug)]
pub(crate) enum Provider {
    /// Stripe, or its sandbox.
    Stripe(Arc<StripeProvider>),
}

impl Provider {
    /// The port.
    pub(crate) fn port(&self) -> Arc<dyn BillingProvider> {
        match self {
            Self::Stripe(provider) => provider.clone(),
        }
    }

    /// Whether new settings can take the place of the old ones without a restart: same provider, same mode.
    pub(crate) fn accepts(&self, settings: &ProviderSettings) -> bool {
        let same_kind = settings.is_embedded() == (self.port().account().provider().as_str() == "sandbox");
        same_kind && settings.mode() == self.port().account().mode()
    }

    /// Puts new settings into force, such as a rolled key. The sandbox has none that change.
    pub(crate) fn reload(&self, settings: ProviderSettings) -> Result<(), String> {
        match (self, settings) {
            (Self::Stripe(_), ProviderSettings::Sandbox) => Ok(()),
            (Self::Stripe(provider), ProviderSettings::Stripe(settings)) => {
                provider.reload(*settings).map_err(|error| error.to_string())
            }
        }
    }
}

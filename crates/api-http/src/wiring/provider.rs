//! Which payment provider: one arm each.

use std::sync::Arc;

use billing_domain::ports::BillingProvider;
use billing_domain::{Mode, ProviderName};
use provider_stripe::{StripeProvider, StripeSettings};

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

/// The configured provider's settings; `None` where they are wrong.
pub(crate) fn read(settings: &mut Settings) -> Option<ProviderSettings> {
    match settings.provider().as_str() {
        "sandbox" => Some(ProviderSettings::Sandbox),
        "stripe" => settings
            .reader
            .adapter(|get| StripeSettings::read(get))
            .map(|settings| ProviderSettings::Stripe(Box::new(settings))),
        _ => {
            settings.reader.fault("PROVIDER", "there is no such provider; set `stripe` or `sandbox`");
            None
        }
    }
}

/// The name under which the configured provider's customers are kept.
pub(crate) fn name(settings: &mut Settings) -> Option<ProviderName> {
    let known = matches!(settings.provider().as_str(), "sandbox" | "stripe");
    if !known {
        settings.reader.fault("PROVIDER", "there is no such provider; set `stripe` or `sandbox`");
    }
    settings.provider().parse().ok()
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
    pub(crate) fn connect(self, sandbox: Option<&str>) -> Result<Arc<dyn BillingProvider>, String> {
        let settings = match self {
            Self::Sandbox => {
                let base = sandbox.ok_or_else(|| "the sandbox does not run".to_owned())?;
                let faults =
                    |faults: Vec<(&str, String)>| faults.into_iter().map(|(_, remedy)| remedy).collect::<String>();
                StripeSettings::sandbox(base, SANDBOX_KEY).map_err(faults)?
            }
            Self::Stripe(settings) => *settings,
        };
        let provider = StripeProvider::new(settings).map_err(|error| error.to_string())?;
        Ok(Arc::new(provider))
    }
}

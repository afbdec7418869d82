//! The payment provider: one variant per provider.

use std::io;
use std::path::Path;
use std::sync::Arc;

use billing_domain::ProviderAccount;
use billing_domain::ports::{
    BillingProvider, CheckoutProvider, CustomerDirectory, SubscriptionReader, WebhookVerifier,
};
use provider_stripe::{StripeProvider, StripeSettings, StripeWebhooks};
use secrecy::{ExposeSecret, SecretString};

use crate::config::provider::{ProviderSettings, SANDBOX_KEY};
use crate::data_folder;
use crate::observed_provider::Observed;
use crate::readiness::Readiness;

/// File in the data folder that contains the sandbox's address.
const SANDBOX_FILE: &str = "sandbox.url";

/// The address and the signing secret of a running sandbox.
#[derive(Debug)]
pub(crate) struct RunningSandbox {
    /// Its base URL.
    pub(crate) base_url: String,
    /// The signing secret of the endpoint for the service, if it has one.
    pub(crate) signing_secret: Option<SecretString>,
}

/// Connects the configured provider. `sandbox` is the running sandbox of the embedded default.
pub(crate) fn connect(
    settings: ProviderSettings,
    sandbox: Option<&RunningSandbox>,
) -> Result<Provider, String> {
    let settings = match settings {
        ProviderSettings::Sandbox(access) => {
            let sandbox = sandbox.ok_or_else(|| "the sandbox is not running".to_owned())?;
            let own = sandbox.signing_secret.as_ref();
            let secrets = [own, access.webhook_secrets.as_ref()].into_iter().flatten();
            let secrets = secrets.map(ExposeSecret::expose_secret).collect::<Vec<_>>().join(",");
            let settings =
                StripeSettings::sandbox(&sandbox.base_url, SANDBOX_KEY).and_then(|settings| {
                    if secrets.is_empty() {
                        Ok(settings)
                    } else {
                        settings.with_webhook_secrets(&secrets)
                    }
                });
            let joined = |faults: Vec<(&str, String)>| {
                faults.into_iter().map(|(_, remedy)| remedy).collect::<String>()
            };
            settings.map_err(joined)?.with_user_metadata_key(access.user_metadata_key)
        }
        ProviderSettings::Stripe(settings) => *settings,
    };
    let webhooks = Arc::new(StripeWebhooks::new(&settings));
    let provider = StripeProvider::new(settings).map_err(|error| error.to_string())?;
    Ok(Provider::Stripe { provider: Arc::new(provider), webhooks })
}

/// The ports of the provider.
#[derive(Clone, Debug)]
pub(crate) struct ProviderPorts {
    pub(crate) billing: Arc<dyn BillingProvider>,
    pub(crate) checkout: Arc<dyn CheckoutProvider>,
    pub(crate) reader: Arc<dyn SubscriptionReader>,
    pub(crate) directory: Arc<dyn CustomerDirectory>,
}

impl ProviderPorts {
    /// Returns the same ports; they report the outcome of each call to the readiness probe.
    pub(crate) fn observed(self, readiness: &Arc<Readiness>) -> Self {
        Self {
            billing: Arc::new(Observed::new(self.billing, Arc::clone(readiness))),
            checkout: Arc::new(Observed::new(self.checkout, Arc::clone(readiness))),
            reader: Arc::new(Observed::new(self.reader, Arc::clone(readiness))),
            directory: Arc::new(Observed::new(self.directory, Arc::clone(readiness))),
        }
    }
}

/// Returns the sandbox of a running service. The address is in the data folder, or the default
/// address.
pub(crate) fn running_sandbox(data_folder: &Path) -> io::Result<RunningSandbox> {
    let recorded = data_folder::read(data_folder, SANDBOX_FILE)?;
    let base_url =
        recorded.unwrap_or_else(|| format!("http://127.0.0.1:{}", sandbox_stripe::DEFAULT_PORT));
    Ok(RunningSandbox { base_url, signing_secret: None })
}

/// Writes the sandbox's address to the data folder, for commands.
pub(crate) fn record_sandbox(data_folder: &Path, base_url: &str) -> io::Result<()> {
    data_folder::replace(data_folder, SANDBOX_FILE, base_url)
}

/// The connected provider. It provides the ports and accepts new settings.
#[derive(Clone, Debug)]
pub(crate) enum Provider {
    /// Stripe, or its sandbox.
    Stripe { provider: Arc<StripeProvider>, webhooks: Arc<StripeWebhooks> },
}

impl Provider {
    /// Returns its ports.
    pub(crate) fn ports(&self) -> ProviderPorts {
        match self {
            Self::Stripe { provider, .. } => ProviderPorts {
                billing: provider.clone(),
                checkout: provider.clone(),
                reader: provider.clone(),
                directory: provider.clone(),
            },
        }
    }

    fn account(&self) -> &ProviderAccount {
        match self {
            Self::Stripe { provider, .. } => BillingProvider::account(provider.as_ref()),
        }
    }

    /// Returns the verifier of its events.
    pub(crate) fn webhooks(&self) -> Arc<dyn WebhookVerifier> {
        match self {
            Self::Stripe { webhooks, .. } => webhooks.clone(),
        }
    }

    /// Returns whether the new settings need no restart: they have the same provider and mode.
    pub(crate) fn accepts(&self, settings: &ProviderSettings) -> bool {
        let same_kind = settings.is_embedded() == (self.account().provider().as_str() == "sandbox");
        same_kind && settings.mode() == self.account().mode()
    }

    /// Applies new settings, such as a rolled key. The sandbox's settings never change.
    pub(crate) fn reload(&self, settings: ProviderSettings) -> Result<(), String> {
        match (self, settings) {
            (Self::Stripe { .. }, ProviderSettings::Sandbox(_)) => Ok(()),
            (Self::Stripe { provider, webhooks }, ProviderSettings::Stripe(settings)) => {
                webhooks.reload(&settings).map_err(|error| error.to_string())?;
                provider.reload(*settings).map_err(|error| error.to_string())
            }
        }
    }
}

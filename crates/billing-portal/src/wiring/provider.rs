//! Which payment provider: one arm each.

use std::io;
use std::path::Path;
use std::sync::Arc;

use billing_domain::ports::{
    BillingProvider, CheckoutProvider, CustomerDirectory, SubscriptionReader, WebhookVerifier,
};
use billing_domain::{Mode, ProviderAccount, ProviderName};
use provider_stripe::{SecretKey, StripeProvider, StripeSettings, StripeWebhooks, UserMetadataKey};
use secrecy::{ExposeSecret, SecretString};

use super::data_folder;
use crate::config::Settings;
use crate::observed_provider::Observed;
use crate::readiness::Readiness;

/// The sandbox takes any test key; this one says what it is.
const SANDBOX_KEY: &str = "sk_test_sandbox";

/// A provider's settings, by name.
#[derive(Debug)]
pub(crate) enum ProviderSettings {
    /// The embedded default: Stripe's adapter on the sandbox, which `serve` starts beside itself.
    Sandbox(Box<SandboxAccess>),
    /// Stripe.
    Stripe(Box<StripeSettings>),
}

/// What the operator says about Stripe and the sandbox takes over.
#[derive(Debug)]
pub(crate) struct SandboxAccess {
    /// Signing secrets beside that of the sandbox's own endpoint.
    webhook_secrets: Option<SecretString>,
    user_metadata_key: UserMetadataKey,
}

/// Where the sandbox is, and with what it signs.
#[derive(Debug)]
pub(crate) struct RunningSandbox {
    /// Its base URL.
    pub(crate) base_url: String,
    /// The signing secret of its endpoint for us, where it has one.
    pub(crate) signing_secret: Option<SecretString>,
}

/// The names of all providers' settings, and those that are secret.
pub(crate) const SETTINGS: &[&[&str]] = &[provider_stripe::SETTINGS];
pub(crate) const SECRETS: &[&[&str]] = &[provider_stripe::SECRETS];

/// Real providers, each with the setting whose presence says that it is meant.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[("stripe", STRIPE_KEY)];

/// Where the sandbox's address stands, in the data folder.
const SANDBOX_FILE: &str = "sandbox.url";

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

    /// The provider. `sandbox` is the one that runs beside, in the embedded default.
    pub(crate) fn connect(self, sandbox: Option<&RunningSandbox>) -> Result<Provider, String> {
        let settings = match self {
            Self::Sandbox(access) => {
                let sandbox = sandbox.ok_or_else(|| "the sandbox does not run".to_owned())?;
                let own = sandbox.signing_secret.as_ref();
                let secrets = [own, access.webhook_secrets.as_ref()].into_iter().flatten();
                let secrets =
                    secrets.map(ExposeSecret::expose_secret).collect::<Vec<_>>().join(",");
                let settings =
                    StripeSettings::sandbox(&sandbox.base_url, SANDBOX_KEY).and_then(|settings| {
                        if secrets.is_empty() {
                            Ok(settings)
                        } else {
                            settings.with_webhook_secrets(&secrets)
                        }
                    });
                let told = |faults: Vec<(&str, String)>| {
                    faults.into_iter().map(|(_, remedy)| remedy).collect::<String>()
                };
                settings.map_err(told)?.with_user_metadata_key(access.user_metadata_key)
            }
            Self::Stripe(settings) => *settings,
        };
        let webhooks = Arc::new(StripeWebhooks::new(&settings));
        let provider = StripeProvider::new(settings).map_err(|error| error.to_string())?;
        Ok(Provider::Stripe { provider: Arc::new(provider), webhooks })
    }
}

/// The provider's ports.
#[derive(Clone, Debug)]
pub(crate) struct ProviderPorts {
    pub(crate) billing: Arc<dyn BillingProvider>,
    pub(crate) checkout: Arc<dyn CheckoutProvider>,
    pub(crate) reader: Arc<dyn SubscriptionReader>,
    pub(crate) directory: Arc<dyn CustomerDirectory>,
}

impl ProviderPorts {
    /// The same ports, watched by the readiness probe.
    pub(crate) fn observed(self, readiness: &Arc<Readiness>) -> Self {
        Self {
            billing: Arc::new(Observed::new(self.billing, Arc::clone(readiness))),
            checkout: Arc::new(Observed::new(self.checkout, Arc::clone(readiness))),
            reader: Arc::new(Observed::new(self.reader, Arc::clone(readiness))),
            directory: Arc::new(Observed::new(self.directory, Arc::clone(readiness))),
        }
    }
}

/// Where the sandbox of the service beside runs, as that noted it; the usual place, where nothing is noted.
pub(crate) fn running_sandbox(data_folder: &Path) -> io::Result<RunningSandbox> {
    let noted = data_folder::read(data_folder, SANDBOX_FILE)?;
    let base_url =
        noted.unwrap_or_else(|| format!("http://127.0.0.1:{}", sandbox_stripe::DEFAULT_PORT));
    Ok(RunningSandbox { base_url, signing_secret: None })
}

/// Notes where the sandbox runs, for commands.
pub(crate) fn note_sandbox(data_folder: &Path, base_url: &str) -> io::Result<()> {
    data_folder::replace(data_folder, SANDBOX_FILE, base_url)
}

/// The connected provider, as itself: what serves it as a port, and takes new settings.
#[derive(Clone, Debug)]
pub(crate) enum Provider {
    /// Stripe, or its sandbox.
    Stripe { provider: Arc<StripeProvider>, webhooks: Arc<StripeWebhooks> },
}

impl Provider {
    /// Its ports.
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

    /// What tells its events from other requests.
    pub(crate) fn webhooks(&self) -> Arc<dyn WebhookVerifier> {
        match self {
            Self::Stripe { webhooks, .. } => webhooks.clone(),
        }
    }

    /// Whether new settings can take the place of the old ones without a restart: same provider, same mode.
    pub(crate) fn accepts(&self, settings: &ProviderSettings) -> bool {
        let same_kind = settings.is_embedded() == (self.account().provider().as_str() == "sandbox");
        same_kind && settings.mode() == self.account().mode()
    }

    /// Puts new settings into force, such as a rolled key. The sandbox has none that change.
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

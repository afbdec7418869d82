//! [`Reload`]: applies new settings while the service runs.

use std::sync::Arc;

use auth_api_key::{ApiKeys, PepperFit};
use auth_jwt::JwtAuthenticator;
use billing_domain::{KeyPrefix, error_chain};
use tokio::signal::unix::Signal;

use crate::config::{ServeConfig, Settings, Source};
use crate::wiring::provider::Provider;
use crate::workers::pepper_check::PepperCheck;

/// The components that new settings are applied to.
pub(crate) struct Reload {
    pub(crate) source: Source,
    pub(crate) tokens: Arc<JwtAuthenticator>,
    pub(crate) keys: Arc<ApiKeys>,
    pub(crate) provider: Provider,
    pub(crate) prefix: KeyPrefix,
    pub(crate) pepper: Arc<PepperCheck>,
}

impl Reload {
    /// Reads the settings again at each SIGHUP, secret files included. Secrets change without a
    /// failed request. Wrong settings change nothing, and other settings take effect at a restart.
    pub(crate) async fn run(self, mut hangups: Signal) {
        while hangups.recv().await.is_some() {
            match self.read_and_apply().await {
                Ok(()) => tracing::info!("the secrets were read again"),
                Err(cause) => {
                    tracing::error!(cause, "the new settings cannot be used; the old ones stay")
                }
            }
        }
    }

    async fn read_and_apply(&self) -> Result<(), String> {
        let mut settings = Settings::gather(&self.source);
        let config = ServeConfig::read(&mut settings);
        let (config, _) = settings.finish(config).map_err(|failure| failure.to_string())?;
        self.apply(config).await
    }

    /// The steps that can fail come first, so that all of the settings take effect or none.
    async fn apply(&self, config: ServeConfig) -> Result<(), String> {
        let needs_restart =
            |what| Err(format!("the new settings have {what}, which requires a restart"));
        if !self.provider.accepts(&config.provider) {
            return needs_restart("another provider or mode");
        }
        if *config.keys.prefix() != self.prefix {
            return needs_restart("another BILLING_API_KEY_PREFIX");
        }
        match self.pepper.check_gate(config.keys.gate()).await {
            Ok(PepperFit::Fits | PepperFit::SomeDoNotFit(_)) => {}
            Ok(PepperFit::NoneFits) => {
                return Err("the new pepper fits none of the stored keys".to_owned());
            }
            Err(error) => {
                return Err(format!("the new pepper cannot be checked: {}", error_chain(&error)));
            }
        }
        self.tokens.reload(config.tokens).await.map_err(|error| error_chain(&error))?;
        self.provider.reload(config.provider)?;
        self.keys.reload(&config.keys);
        self.pepper.replace(config.keys.gate().clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use billing_domain::Credential;
    use billing_domain::ports::Authenticator as _;
    use http_edge::Drain;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::app::services::Services;
    use crate::wiring::clock::clock;

    const SECRET: &str = "an-old-secret-0123456789-0123456789-abcdef";
    const NEW_SECRET: &str = "a-new-secret-0123456789-0123456789-abcdef";

    /// Settings with a database in this folder, and these changes.
    fn source(folder: &Path, changes: &[(&'static str, &str)]) -> Source {
        let database = format!("sqlite://{}/portal.db", folder.display());
        let settings = [
            ("DATABASE_URL", database.as_str()),
            ("PROVIDER", "stripe"),
            ("STRIPE_SECRET_KEY", "sk_test_ReloadTest0000000001"),
            ("DASHBOARD_URL", "https://dash.example.com/"),
            ("JWT_HS256_SECRET", SECRET),
            ("API_KEY_PEPPER", "pepper-0123456789-0123456789-abcdef"),
        ];
        let changed = |name: &str| changes.iter().all(|(other, _)| *other != name);
        let kept = settings.iter().filter(|(name, _)| changed(name));
        let flags = kept.chain(changes).map(|(name, value)| (*name, Some((*value).to_owned())));
        Source { file: None, flags: flags.collect() }
    }

    fn config(source: &Source) -> ServeConfig {
        let mut settings = Settings::gather(source);
        let config = ServeConfig::read(&mut settings);
        settings.finish(config).unwrap().0
    }

    async fn reload(folder: &Path) -> Reload {
        crate::wiring::install_crypto_provider();
        let config = config(&source(folder, &[]));
        let (services, _) = Services::connect(&config, Drain::new(), None).unwrap();
        services.stores.database.migrate().await.unwrap();
        Reload {
            source: config.source,
            tokens: services.tokens,
            keys: services.keys,
            provider: services.provider,
            prefix: config.keys.prefix().clone(),
            pepper: services.pepper,
        }
    }

    async fn accepts_token_of(reload: &Reload, secret: &str) -> bool {
        let settings = config(&source(Path::new("unused"), &[("JWT_HS256_SECRET", secret)]));
        let token = auth_jwt::mint(
            &settings.tokens,
            &"u".parse().unwrap(),
            Duration::from_secs(60),
            clock().now(),
        );
        let token = Credential::new(token.unwrap().expose_secret());
        reload.tokens.authenticate(&token).await.is_ok()
    }

    #[tokio::test]
    async fn new_secrets_replace_the_old_ones() {
        let folder = tempfile::tempdir().unwrap();
        let mut reload = reload(folder.path()).await;
        assert!(accepts_token_of(&reload, SECRET).await);
        reload.source = source(folder.path(), &[("JWT_HS256_SECRET", NEW_SECRET)]);
        reload.read_and_apply().await.unwrap();
        assert!(accepts_token_of(&reload, NEW_SECRET).await);
        assert!(!accepts_token_of(&reload, SECRET).await);
    }

    #[tokio::test]
    async fn settings_that_cannot_be_used_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut reload = reload(folder.path()).await;
        for (name, value, word) in [
            ("JWT_LEEWAY_SECONDS", "many", "BILLING_JWT_LEEWAY_SECONDS"),
            ("API_KEY_PREFIX", "other", "BILLING_API_KEY_PREFIX, which requires a restart"),
            ("STRIPE_SECRET_KEY", "sk_live_ReloadTest0000000001", "mode, which requires a restart"),
        ] {
            let changes = [("JWT_HS256_SECRET", NEW_SECRET), (name, value)];
            reload.source = source(folder.path(), &changes);
            let cause = reload.read_and_apply().await.unwrap_err();
            assert!(cause.contains(word), "{name}: {cause}");
            assert!(accepts_token_of(&reload, SECRET).await, "{name}");
        }
    }
}

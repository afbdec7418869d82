//! All settings of the binary, and the settings that several commands share.

mod catalogue;
pub(crate) mod provider;
mod serve;
pub(crate) mod store;

pub(crate) use serve::ListenAddress;
pub use serve::ServeConfig;

use std::path::{Path, PathBuf};

use layered_settings::{Faults, Layers, Reader, SettingNames};

use crate::data_folder;
use crate::failure::Failure;
use crate::logging::LogSettings;

/// The settings of this crate, without the prefix.
const SETTINGS: &[&str] = &[
    "LISTEN",
    "ADMIN_LISTEN",
    "DATABASE_URL",
    "AUTO_MIGRATE",
    "PROVIDER",
    "DASHBOARD_URL",
    "PRICING_URL",
    "CATALOGUE",
    "RECONCILE_INTERVAL_SECONDS",
    "RETURN_URL_ORIGINS",
    "CORS_ORIGINS",
    "TRUSTED_PROXIES",
    "RATE_LIMIT_PER_MINUTE",
    "AUTH_FAILURES_PER_MINUTE",
    "AUDIT_RETENTION_DAYS",
    "PUBLIC_URL",
    "SANDBOX_RECORD",
    "REQUEST_TIMEOUT_SECONDS",
    "LOG",
    "LOG_FORMAT",
];

/// Returns all settings: those of this crate and of the adapters.
fn setting_names() -> SettingNames {
    let names = [
        &[SETTINGS, http_edge::SETTINGS, auth_jwt::SETTINGS, auth_api_key::SETTINGS],
        provider::SETTINGS,
    ]
    .concat();
    let secrets =
        [&[&["DATABASE_URL"], auth_jwt::SECRETS, auth_api_key::SECRETS], provider::SECRETS]
            .concat();
    SettingNames { prefix: "BILLING_", names: names.concat(), secrets: secrets.concat() }
}

/// The sources of settings in addition to the environment.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Flags, by the setting's name without the prefix. A flag overrides every other source.
    pub flags: Vec<(&'static str, Option<String>)>,
}

/// The settings of this process.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) reader: Reader,
    source: Source,
    provider: Option<String>,
}

impl Settings {
    /// Gathers flags, environment and file.
    pub(crate) fn gather(source: &Source) -> Self {
        let mut faults = Faults::default();
        // A value that is not Unicode is converted lossily. The check of its setting then reports
        // it.
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        let Source { file, flags } = source;
        let layers =
            Layers::gather(setting_names(), flags, environment, file.as_deref(), &mut faults);
        Self { reader: Reader::new(layers, faults), source: source.clone(), provider: None }
    }

    /// Finishes reading. Returns `value` and warnings about ignored variables, or all faults.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<String>), Failure> {
        let warnings = self.reader.finish().map_err(Failure::Configuration)?;
        let unreported = "a setting is wrong and was not reported: this is a bug";
        let value = value.ok_or_else(|| Failure::Failed(unreported.to_owned()))?;
        Ok((value, warnings))
    }

    /// Finishes reading like [`finish`](Self::finish), starts the log, and logs the warnings.
    pub(crate) fn start<T>(self, log: Option<LogSettings>, value: Option<T>) -> Result<T, Failure> {
        let (value, warnings) = self.finish(value)?;
        if let Some(log) = log {
            log.start();
        }
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        Ok(value)
    }

    /// Returns the configured or default URL of the database.
    pub(crate) fn database_url(&mut self) -> String {
        self.reader
            .text("DATABASE_URL")
            .unwrap_or_else(|| "sqlite://data/billing-portal.db".to_owned())
    }

    /// Returns the provider's name. S2: the sandbox is the default, but not with a Stripe key or a
    /// Postgres URL. A forgotten variable therefore never runs the sandbox in production.
    pub(crate) fn provider(&mut self) -> String {
        if let Some(known) = &self.provider {
            return known.clone();
        }
        let name = self.reader.text("PROVIDER").unwrap_or_else(|| {
            let real =
                provider::CREDENTIALS.iter().find(|(_, credential)| self.reader.has(credential));
            let postgres = self.database_url().starts_with("postgres").then_some("a Postgres URL");
            if let Some(other) = real.map(|(_, credential)| *credential).or(postgres) {
                let remedy = "set it to `stripe`, or to `sandbox` if this is not production";
                self.reader.fault("PROVIDER", format!("it is not set, but {other} is; {remedy}"));
            }
            real.map_or("sandbox", |(name, _)| *name).to_owned()
        });
        self.provider = Some(name.clone());
        name
    }

    /// Returns whether this is the embedded default: the service with a sandbox in the same
    /// process.
    pub(crate) fn is_embedded(&mut self) -> bool {
        self.provider() == "sandbox"
    }

    /// Returns the folder for the state of the embedded default: the folder of the SQLite file.
    pub(crate) fn data_folder(&mut self) -> PathBuf {
        let url = self.database_url();
        let path = url.strip_prefix("sqlite://").map(|rest| rest.split('?').next().unwrap_or(rest));
        match path.map(|path| Path::new(path).parent()) {
            None => PathBuf::from("data"),
            Some(Some(parent)) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) => PathBuf::from("."),
        }
    }

    /// Returns the folder in which the sandbox records its exchanges, for tests.
    pub(crate) fn sandbox_record(&mut self) -> Option<PathBuf> {
        self.reader.text("SANDBOX_RECORD").map(PathBuf::from)
    }

    /// Supplies a generated pepper in the embedded default, unless one is configured.
    pub(crate) fn supply_pepper(&mut self) {
        if !self.reader.has("API_KEY_PEPPER") {
            self.supply("API_KEY_PEPPER", "api-key-pepper.secret");
        }
    }

    /// Supplies a generated secret for access tokens in the embedded default, unless a key is
    /// configured.
    pub(crate) fn supply_token_secret(&mut self) {
        if !["JWT_HS256_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS_URL"]
            .iter()
            .any(|name| self.reader.has(name))
        {
            self.supply("JWT_HS256_SECRET", "jwt-hs256.secret");
        }
    }

    fn supply(&mut self, name: &'static str, file: &str) {
        if !self.is_embedded() {
            return;
        }
        match data_folder::secret(&self.data_folder(), file) {
            Ok(secret) => self.reader.supply(name, secret),
            Err(error) => {
                self.reader.fault(
                    name,
                    format!(
                        "it is not set, and no secret can be stored in the data folder: {error}"
                    ),
                );
            }
        }
    }
}

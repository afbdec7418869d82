//! Configuration: flag, environment, file, default; every fault found at once, each with the setting's name and the remedy.

mod kubernetes;
mod reader;
mod serve;
mod sources;

pub(crate) use reader::Reader;
pub(crate) use serve::ServeConfig;
pub(crate) use sources::Sources;

use std::fmt;

/// Settings of the composition root itself, without the prefix.
pub(crate) const SETTINGS: &[&str] = &[
    "LISTEN",
    "ADMIN_LISTEN",
    "DATABASE_URL",
    "AUTO_MIGRATE",
    "PROVIDER",
    "DASHBOARD_URL",
    "RETURN_URL_ORIGINS",
    "CORS_ORIGINS",
    "TRUSTED_PROXIES",
    "RATE_LIMIT_PER_MINUTE",
    "AUTH_FAILURES_PER_MINUTE",
    "PROVIDER_MAX_IN_FLIGHT",
    "PUBLIC_URL",
    "REQUEST_TIMEOUT_SECONDS",
    "LOG",
    "LOG_FORMAT",
];

/// What every setting's variable starts with.
pub(crate) const PREFIX: &str = "BILLING_";

/// Whether a setting (without the prefix) exists.
pub(crate) fn is_known(name: &str) -> bool {
    known().any(|known| known == name)
}

/// Whether a setting is secret: it may come from a file, and is never printed.
pub(crate) fn is_secret(name: &str) -> bool {
    let adapters = [auth_jwt::SECRETS, auth_api_key::SECRETS, provider_stripe::SECRETS];
    name == "DATABASE_URL" || adapters.iter().any(|secrets| secrets.contains(&name))
}

/// All settings, without the prefix: the composition root's and the adapters' own.
pub(crate) fn known() -> impl Iterator<Item = &'static str> {
    [SETTINGS, http_edge::SETTINGS, auth_jwt::SETTINGS, auth_api_key::SETTINGS, provider_stripe::SETTINGS]
        .into_iter()
        .flatten()
        .copied()
}

/// All that is wrong with the configuration.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(String, String)>);

impl Faults {
    /// Adds one: the setting (without the prefix), and one sentence on what is wrong and how to mend it.
    pub(crate) fn add(&mut self, setting: &str, remedy: impl Into<String>) {
        self.0.push((setting.to_owned(), remedy.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "setting is" } else { "settings are" };
        writeln!(f, "{} {plural} wrong:", self.0.len())?;
        self.0.iter().try_for_each(|(setting, remedy)| writeln!(f, "  {PREFIX}{setting}: {remedy}"))
    }
}

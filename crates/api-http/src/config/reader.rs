//! [`Reader`]: asks the sources for settings, collects what is wrong with them.

use std::path::{Path, PathBuf};

use super::{Faults, Sources};
use crate::wiring::data_folder;

/// Reads settings and remembers every fault, so that an operator sees all of them at once.
#[derive(Debug)]
pub(crate) struct Reader {
    sources: Sources,
    faults: Faults,
    provider: Option<String>,
}

impl Reader {
    /// A reader over these sources; `faults` are those that gathering found.
    pub(crate) const fn new(sources: Sources, faults: Faults) -> Self {
        Self { sources, faults, provider: None }
    }

    /// The value as text, or `None` where it is absent or faulty.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.sources.get(name).unwrap_or_else(|remedy| {
            self.faults.add(name, remedy);
            None
        })
    }

    /// A number within bounds.
    pub(crate) fn number(&mut self, name: &str, default: u64, bounds: std::ops::RangeInclusive<u64>) -> u64 {
        let Some(text) = self.text(name) else { return default };
        match text.parse() {
            Ok(number) if bounds.contains(&number) => number,
            _ => {
                self.faults.add(name, format!("it must be a number from {} to {}", bounds.start(), bounds.end()));
                default
            }
        }
    }

    /// Runs an adapter's own `read`; its faults become ours.
    pub(crate) fn adapter<T>(
        &mut self,
        read: impl FnOnce(&mut dyn FnMut(&str) -> Option<String>) -> Result<T, Vec<(&'static str, String)>>,
    ) -> Option<T> {
        let generated = self.generated_secrets();
        let mut unreadable = Vec::new();
        let result = read(&mut |name| match self.sources.get(name) {
            Ok(None) => generated.iter().find(|(secret, _)| *secret == name).map(|(_, value)| value.clone()),
            Ok(found) => found,
            Err(remedy) => {
                unreadable.push((name.to_owned(), remedy));
                None
            }
        });
        // A value that could not be had makes the adapter miss it: one fault a setting is enough.
        let found = result.map_err(|faults| {
            let fresh = faults.into_iter().filter(|(name, _)| !unreadable.iter().any(|(other, _)| other == name));
            fresh.for_each(|(name, remedy)| self.faults.add(name, remedy));
        });
        unreadable.into_iter().for_each(|(name, remedy)| self.faults.add(&name, remedy));
        found.ok()
    }

    /// Notes a fault.
    pub(crate) fn fault(&mut self, name: &str, remedy: impl Into<String>) {
        self.faults.add(name, remedy);
    }

    /// Whether a setting has a value anywhere.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.sources.has(name)
    }

    /// The database's URL, or the default.
    pub(crate) fn database_url(&mut self) -> String {
        self.text("DATABASE_URL").unwrap_or_else(|| "sqlite://data/billing-portal.db".to_owned())
    }

    /// The provider's name. S2: the sandbox is the default, but never beside a Stripe key or a Postgres URL, so that a
    /// forgotten variable never runs a fake in production.
    pub(crate) fn provider(&mut self) -> String {
        if let Some(known) = &self.provider {
            return known.clone();
        }
        let stripe_key = self.has("STRIPE_SECRET_KEY");
        let name = self.text("PROVIDER").unwrap_or_else(|| {
            let postgres =
                self.sources.get("DATABASE_URL").is_ok_and(|url| url.is_some_and(|url| url.starts_with("postgres")));
            if stripe_key || postgres {
                let beside = if stripe_key { "a Stripe key" } else { "a Postgres URL" };
                self.faults.add(
                    "PROVIDER",
                    format!("it is not set, beside {beside}; set it to `stripe`, or to `sandbox` if you mean the fake"),
                );
            }
            if stripe_key { "stripe".to_owned() } else { "sandbox".to_owned() }
        });
        self.provider = Some(name.clone());
        name
    }

    /// Where the embedded default keeps its state: the SQLite file's folder.
    pub(crate) fn data_folder(&mut self) -> PathBuf {
        let url = self.sources.get("DATABASE_URL").ok().flatten();
        let path = url
            .as_deref()
            .and_then(|url| url.strip_prefix("sqlite://"))
            .map(|rest| rest.split('?').next().unwrap_or(rest));
        match path.map(|path| Path::new(path).parent()) {
            None => PathBuf::from("data"),
            Some(Some(parent)) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) => PathBuf::from("."),
        }
    }

    /// All that is wrong, or the warnings about variables that were ignored.
    pub(crate) fn finish(self) -> Result<Vec<String>, Faults> {
        if self.faults.is_empty() { Ok(self.sources.ignored().to_vec()) } else { Err(self.faults) }
    }

    /// The secrets that the embedded default makes for itself, where none are given.
    fn generated_secrets(&mut self) -> Vec<(&'static str, String)> {
        if self.has("API_KEY_PEPPER") && self.has("JWT_HS256_SECRET") {
            return Vec::new();
        }
        if self.provider() != "sandbox" {
            return Vec::new();
        }
        let folder = self.data_folder();
        let mut secrets = Vec::new();
        let token_key_given = ["JWT_HS256_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS_URL"].iter().any(|name| self.has(name));
        for (name, file, wanted) in [
            ("API_KEY_PEPPER", "api-key-pepper.secret", !self.has("API_KEY_PEPPER")),
            ("JWT_HS256_SECRET", "jwt-hs256.secret", !token_key_given),
        ] {
            if !wanted {
                continue;
            }
            match data_folder::secret(&folder, file) {
                Ok(secret) => secrets.push((name, secret)),
                Err(error) => {
                    self.faults.add(name, format!("it is not set, and the data folder cannot keep one: {error}"))
                }
            }
        }
        secrets
    }
}

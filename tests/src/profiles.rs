//! The configurations that the cases run under, read from `data/profiles.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::placeholders::Placeholders;
use crate::tokens::Issuer;

/// All profiles.
#[derive(Clone, Debug, Deserialize)]
pub struct Profiles {
    common: BTreeMap<String, String>,
    #[serde(flatten)]
    named: BTreeMap<String, Profile>,
}

/// One configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The issuer of its tokens.
    pub issuer: Issuer,
    /// The prefix of its API keys.
    #[serde(default = "llmgen")]
    pub key_prefix: String,
    /// The provider's mode.
    #[serde(default = "test_mode")]
    pub mode: String,
    /// Additional variables.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// Common variables that are not set.
    #[serde(default)]
    without: Vec<String>,
}

fn llmgen() -> String {
    "llmgen".to_owned()
}

fn test_mode() -> String {
    "test".to_owned()
}

impl Profiles {
    /// Reads the file.
    ///
    /// # Panics
    /// When the file is malformed.
    #[must_use]
    pub fn read() -> Self {
        toml::from_str(include_str!("../data/profiles.toml"))
            .expect("data/profiles.toml is well-formed")
    }

    /// Returns the profile with this name.
    ///
    /// # Panics
    /// When the name is unknown.
    #[must_use]
    pub fn get(&self, name: &str) -> &Profile {
        self.named.get(name).unwrap_or_else(|| panic!("no profile is called {name}"))
    }

    /// Returns the environment of a profile.
    ///
    /// # Panics
    /// When the profile is unknown.
    #[must_use]
    pub fn environment(&self, name: &str, placeholders: &Placeholders) -> BTreeMap<String, String> {
        let profile = self.get(name);
        let mut all = self.common.clone();
        all.extend(profile.environment.clone());
        for name in &profile.without {
            all.remove(name);
        }
        all.into_iter().map(|(name, value)| (name, placeholders.fill(&value))).collect()
    }
}

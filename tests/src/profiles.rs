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
    /// How its tokens are made.
    pub issuer: Issuer,
    /// What its API keys start with.
    #[serde(default = "llmgen")]
    pub key_prefix: String,
    /// Its provider's mode.
    #[serde(default = "test_mode")]
    pub mode: String,
    /// Variables beside the common ones.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// Common variables that it does without.
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
    /// When it is malformed.
    #[must_use]
    pub fn read() -> Self {
        toml::from_str(include_str!("../data/profiles.toml"))
            .expect("data/profiles.toml is well-formed")
    }

    /// The profile of this name.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &Profile {
        self.named.get(name).unwrap_or_else(|| panic!("no profile is called {name}"))
    }

    /// Its whole environment.
    ///
    /// # Panics
    /// When there is no such profile.
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

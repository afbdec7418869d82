//! Reads settings from flags, environment, a TOML file and defaults. Reports all faults at once,
//! each with the setting's name and the fix.
//!
//! The application defines the settings in [`SettingNames`].

mod faults;
mod kubernetes;
mod layers;
mod reader;

pub use faults::Faults;
pub use layers::Layers;
pub use reader::Reader;

/// The names of all settings.
#[derive(Clone, Debug)]
pub struct SettingNames {
    /// Prefix of every setting's variable, for example `BILLING_`.
    pub prefix: &'static str,
    /// Names without the prefix, in upper case.
    pub names: Vec<&'static str>,
    /// Names of the settings that may come from a file, named by the variable with the suffix
    /// `_FILE`.
    pub secrets: Vec<&'static str>,
}

impl SettingNames {
    /// Returns whether `name` is a setting or the `_FILE` form of a secret.
    fn contains(&self, name: &str) -> bool {
        self.names.contains(&name)
            || name.strip_suffix("_FILE").is_some_and(|setting| self.secrets.contains(&setting))
    }
}

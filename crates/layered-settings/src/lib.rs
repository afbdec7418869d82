//! Settings from flags, environment, a TOML file and defaults: every fault at once, each with its name and remedy.
//!
//! It knows how settings are found, not which there are: that is the [`Catalogue`]'s.

mod faults;
mod kubernetes;
mod layers;
mod reader;

pub use faults::Faults;
pub use layers::Layers;
pub use reader::Reader;

/// Which settings there are.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// What every setting's variable starts with, for instance `BILLING_`.
    pub prefix: &'static str,
    /// The settings' names without the prefix, in upper case.
    pub names: Vec<&'static str>,
    /// Those of them that may come from a file: `_FILE` is appended to the name.
    pub secrets: Vec<&'static str>,
}

impl Catalogue {
    /// Whether there is a setting of this name, or one that may come from a file under it.
    fn knows(&self, name: &str) -> bool {
        self.names.contains(&name)
            || name.strip_suffix("_FILE").is_some_and(|setting| self.secrets.contains(&setting))
    }
}

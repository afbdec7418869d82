//! [`Reader`]: asks the layers for settings, collects what is wrong with them.

use crate::{Faults, Layers};

/// Reads settings and remembers every fault, so that an operator sees all of them at once.
#[derive(Debug)]
pub struct Reader {
    layers: Layers,
    faults: Faults,
    supplied: Vec<(&'static str, String)>,
}

impl Reader {
    /// A reader over these layers; `faults` are those that gathering found.
    #[must_use]
    pub const fn new(layers: Layers, faults: Faults) -> Self {
        Self { layers, faults, supplied: Vec::new() }
    }

    /// The value as text, or `None` where it is absent or faulty.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let found = self.layers.get(name);
        found.unwrap_or_else(|remedy| {
            self.fault(name, remedy);
            None
        })
    }

    /// A number within bounds.
    pub fn number(
        &mut self,
        name: &str,
        default: u64,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        let Some(text) = self.text(name) else { return default };
        match text.parse() {
            Ok(number) if bounds.contains(&number) => number,
            _ => {
                self.fault(
                    name,
                    format!("it must be a number from {} to {}", bounds.start(), bounds.end()),
                );
                default
            }
        }
    }

    /// Runs an adapter's own `read`; its faults become ours.
    pub fn adapter<T>(
        &mut self,
        read: impl FnOnce(
            &mut dyn FnMut(&str) -> Option<String>,
        ) -> Result<T, Vec<(&'static str, String)>>,
    ) -> Option<T> {
        let mut unreadable = Vec::new();
        let result = read(&mut |name| match self.layers.get(name) {
            Ok(None) => self
                .supplied
                .iter()
                .find(|(secret, _)| *secret == name)
                .map(|(_, value)| value.clone()),
            Ok(found) => found,
            Err(remedy) => {
                unreadable.push((name.to_owned(), remedy));
                None
            }
        });
        // A value that could not be had makes the adapter miss it: one fault a setting is enough.
        let found = result.map_err(|faults| {
            let fresh = faults
                .into_iter()
                .filter(|(name, _)| !unreadable.iter().any(|(other, _)| other == name));
            fresh.for_each(|(name, remedy)| self.fault(name, remedy));
        });
        unreadable.into_iter().for_each(|(name, remedy)| self.fault(&name, remedy));
        found.ok()
    }

    /// A value that adapters find where nobody gave one.
    pub fn supply(&mut self, name: &'static str, value: String) {
        self.supplied.push((name, value));
    }

    /// Notes a fault of a setting.
    pub fn fault(&mut self, name: &str, remedy: impl Into<String>) {
        self.faults.add(self.layers.variable(name), remedy);
    }

    /// Whether a setting has a value anywhere.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.layers.has(name)
    }

    /// All that is wrong, or the warnings about variables that were ignored.
    ///
    /// # Errors
    /// All faults.
    pub fn finish(self) -> Result<Vec<String>, Faults> {
        if self.faults.is_empty() { Ok(self.layers.ignored().to_vec()) } else { Err(self.faults) }
    }
}

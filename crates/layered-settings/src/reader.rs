//! [`Reader`]: reads settings from the layers and collects their faults.

use crate::{Faults, Layers};

/// Reads settings and collects all faults, so that the operator sees all of them at once.
#[derive(Debug)]
pub struct Reader {
    layers: Layers,
    faults: Faults,
    supplied: Vec<(&'static str, String)>,
}

impl Reader {
    /// Creates a reader of these layers. `faults` are those of [`Layers::gather`].
    #[must_use]
    pub const fn new(layers: Layers, faults: Faults) -> Self {
        Self { layers, faults, supplied: Vec::new() }
    }

    /// Returns the value as text, or `None` if it is absent or faulty.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let found = self.layers.get(name);
        found.unwrap_or_else(|remedy| {
            self.fault(name, remedy);
            None
        })
    }

    /// Returns a number within bounds.
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

    /// Runs an adapter's `read` function and collects its faults.
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
        // The adapter reports an unreadable value as missing. Keep only the first fault per
        // setting.
        let found = result.map_err(|faults| {
            let new = faults
                .into_iter()
                .filter(|(name, _)| !unreadable.iter().any(|(other, _)| other == name));
            new.for_each(|(name, remedy)| self.fault(name, remedy));
        });
        unreadable.into_iter().for_each(|(name, remedy)| self.fault(&name, remedy));
        found.ok()
    }

    /// Sets a default that adapters read if no layer has the setting.
    pub fn supply(&mut self, name: &'static str, value: String) {
        self.supplied.push((name, value));
    }

    /// Adds a fault of a setting.
    pub fn fault(&mut self, name: &str, remedy: impl Into<String>) {
        self.faults.add(self.layers.variable(name), remedy);
    }

    /// Returns whether any layer has the setting.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.layers.has(name)
    }

    /// Returns warnings about ignored variables.
    ///
    /// # Errors
    /// All faults.
    pub fn finish(self) -> Result<Vec<String>, Faults> {
        if self.faults.is_empty() { Ok(self.layers.ignored().to_vec()) } else { Err(self.faults) }
    }
}

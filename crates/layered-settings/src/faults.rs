//! [`Faults`]: all faults of a configuration.

use std::fmt;

/// All faults: each variable's name with a sentence that states the fault and the fix.
#[derive(Debug, Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// Adds a fault.
    pub fn add(&mut self, variable: impl Into<String>, remedy: impl Into<String>) {
        self.0.push((variable.into(), remedy.into()));
    }

    /// Returns whether there are no faults.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "setting is" } else { "settings are" };
        writeln!(f, "{} {plural} wrong:", self.0.len())?;
        self.0.iter().try_for_each(|(variable, remedy)| writeln!(f, "  {variable}: {remedy}"))
    }
}

//! [`Faults`]: all that is wrong with a configuration.

use std::fmt;

/// All that is wrong: each time the variable's name, and one sentence on what is wrong and how to mend it.
#[derive(Debug, Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// Adds one.
    pub fn add(&mut self, variable: impl Into<String>, remedy: impl Into<String>) {
        self.0.push((variable.into(), remedy.into()));
    }

    /// Whether nothing is wrong.
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

//! [`Failure`]: why a command or the service ended without success, and its exit code.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use billing_domain::error_chain;
use layered_settings::Faults;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The operation failed: exit code 1.
    Failed(String),
    /// A background task failed, which the log has reported already: exit code 1.
    Task(&'static str),
    /// The configuration is wrong: exit code 78 (`EX_CONFIG` of sysexits.h).
    Configuration(Faults),
}

impl Failure {
    /// Creates a failure from the operation's name and its error.
    pub(crate) fn failed(what: &str, error: &dyn Error) -> Self {
        Self::Failed(format!("{what}: {}", error_chain(error)))
    }

    /// Prints the reason to standard error and returns the exit code.
    #[must_use]
    pub fn report(self) -> ExitCode {
        if !matches!(self, Self::Task(_)) {
            // If standard error is closed, the exit code still reports the failure.
            let _ = write!(io::stderr(), "billing-portal: {self}");
        }
        match self {
            Self::Failed(_) | Self::Task(_) => ExitCode::from(1),
            Self::Configuration(_) => ExitCode::from(78),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => writeln!(f, "{why}"),
            Self::Task(name) => writeln!(f, "the background task `{name}` failed"),
            Self::Configuration(faults) => faults.fmt(f),
        }
    }
}

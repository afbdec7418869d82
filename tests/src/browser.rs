//! Runs programs that drive the portal's pages in Chromium, each against its own service.

use std::path::PathBuf;

use crate::embedded::Embedded;
use crate::program::{Checks, Program};
use crate::{canary, packages};

/// Runs `tests/browser/<file>` with these arguments against a new embedded default.
///
/// # Panics
/// When the program fails, or the service's log contains a secret.
#[track_caller]
#[must_use]
pub fn run(file: &str, arguments: &[&str]) -> Checks {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let embedded = Embedded::start(folder.path());
    let checks = Program::node("browser", file)
        .env("CHROMIUM", chromium().display().to_string())
        .env("FONTCONFIG_FILE", packages::fontconfig_file().display().to_string())
        .env("SERVICE_URL", embedded.service_url.clone())
        .env("SANDBOX_URL", embedded.sandbox_url.clone())
        .env("ACCESS_TOKEN", embedded.token.clone())
        .env("NEWCOMER_TOKEN", embedded.newcomer_token.clone())
        .env("CUSTOMER", embedded.customer.clone())
        .run(arguments);
    assert!(canary::leaks().is_empty(), "secrets in the log: {:#?}", canary::leaks());
    checks
}

/// Returns the browser's path: the value of `CHROMIUM`, or the installed Chromium.
fn chromium() -> PathBuf {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut names = std::env::split_paths(&path).map(|folder| folder.join("chromium"));
    names
        .find(|name| name.is_file())
        .expect("Chromium is installed (scripts/test does that), or CHROMIUM names it")
}

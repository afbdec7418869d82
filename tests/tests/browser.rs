//! The portal's pages in a real browser, from the request to the service to what Stripe's API says afterwards.

use std::path::PathBuf;

use workspace_tests::canary;
use workspace_tests::embedded::Embedded;
use workspace_tests::program::{Facts, Program};

/// Runs a program of `tests/browser` against a service of its own.
#[track_caller]
fn run(file: &str, arguments: &[&str]) -> Facts {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::start(folder.path());
    let facts = Program::node("browser", file)
        .env("CHROMIUM", chromium().display().to_string())
        .env("SERVICE_URL", embedded.service_url.clone())
        .env("SANDBOX_URL", embedded.sandbox_url.clone())
        .env("ACCESS_TOKEN", embedded.token.clone())
        .env("CUSTOMER", embedded.customer.clone())
        .run(arguments);
    assert!(canary::leaks().is_empty(), "secrets in the log: {:#?}", canary::leaks());
    facts
}

/// The browser: the one that `CHROMIUM` names, or the installed one.
fn chromium() -> PathBuf {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut names = std::env::split_paths(&path).map(|folder| folder.join("chromium"));
    names.find(|name| name.is_file()).expect("Chromium is installed (scripts/test does that), or CHROMIUM names it")
}

#[test]
fn every_page_is_accessible_in_both_languages_and_colour_schemes() {
    run("pages.mjs", &[]).expect(5);
}

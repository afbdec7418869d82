//! Cases about settings: an environment and the binary's result. Read from
//! `data/cases/settings.jsonl`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::case::Clauses;
use crate::placeholders::Placeholders;
use crate::portal::Portal;
use crate::process::Launch;
use crate::shared_fixture::PEPPER;
use crate::{canary, tokens};

/// The file of [`SettingsCase`]s.
pub const FILE: &str = "settings.jsonl";

/// An environment and the expected result.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsCase {
    /// The case's name, unique within its rule.
    pub name: String,
    /// The clauses that it proves.
    pub clause: Clauses,
    /// The arguments. Default: `serve`.
    #[serde(default = "serve")]
    pub arguments: Vec<String>,
    /// Files that are created in the working folder before the start. `{folder}` is its path.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Variables in addition to [`base`].
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Variables of [`base`] that are not set; `*` removes all.
    #[serde(default)]
    pub without: Vec<String>,
    /// The exit code; `null` if the service starts.
    pub code: Option<i32>,
    /// Texts that the output contains.
    #[serde(default)]
    pub contains: Vec<String>,
    /// Texts that the output does not contain.
    #[serde(default)]
    pub absent: Vec<String>,
}

fn serve() -> Vec<String> {
    vec!["serve".to_owned()]
}

/// Returns valid settings for SQLite and provider `stripe`.
#[must_use]
pub fn base(folder: &std::path::Path) -> BTreeMap<String, String> {
    let pairs = [
        ("BILLING_LISTEN", "127.0.0.1:0".to_owned()),
        ("BILLING_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("BILLING_DATABASE_URL", format!("sqlite://{}/portal.db", folder.display())),
        ("BILLING_PROVIDER", "stripe".to_owned()),
        ("BILLING_STRIPE_SECRET_KEY", "sk_test_SettingsCase0000000001".to_owned()),
        ("BILLING_STRIPE_API_BASE", "http://127.0.0.1:9".to_owned()),
        ("BILLING_DASHBOARD_URL", "https://dash.example.com/billing".to_owned()),
        ("BILLING_JWT_HS256_SECRET", tokens::SECRET.to_owned()),
        ("BILLING_API_KEY_PEPPER", PEPPER.to_owned()),
        // Off, so that polling does not reach a limit.
        ("BILLING_RATE_LIMIT_PER_MINUTE", "0".to_owned()),
        ("BILLING_AUTH_FAILURES_PER_MINUTE", "0".to_owned()),
    ];
    canary::plant("sk_test_SettingsCase0000000001");
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Runs a case.
///
/// # Errors
/// The first difference from the expectation.
///
/// # Panics
/// When no folder can be created, or the service does not start.
pub fn run(case: &SettingsCase) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut placeholders = Placeholders::at(0);
    placeholders.set("folder", folder.path().display().to_string());
    placeholders.set("keys", tokens::key_file("").display().to_string());
    placeholders.set("secret", tokens::SECRET);
    placeholders.set("old_secret", tokens::OLD_SECRET);
    placeholders.set("rsa_pem", tokens::pem("RS256", "own.public"));
    for (name, text) in &case.files {
        std::fs::write(folder.path().join(name), placeholders.fill(text))
            .expect("a file is written");
    }
    let mut environment = base(folder.path());
    if case.without.iter().any(|name| name == "*") {
        environment.clear();
    }
    environment.retain(|name, _| !case.without.contains(name));
    environment
        .extend(case.set.iter().map(|(name, value)| (name.clone(), placeholders.fill(value))));
    let arguments: Vec<String> =
        case.arguments.iter().map(|argument| placeholders.fill(argument)).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mints = arguments.contains(&"mint") || arguments.contains(&"create");
    let launch = Launch {
        prints_secrets: mints,
        ..Launch::new(folder.path(), &arguments).envs(&environment)
    };
    let output = match case.code {
        Some(code) => {
            let finished = launch.run();
            let output = format!("{}\n{}", finished.stdout, finished.stderr);
            if finished.code != Some(code) {
                return Err(format!("the exit code is {:?}, not {code}:\n{output}", finished.code));
            }
            if code == 78 && finished.stderr.contains("\"listening\"") {
                return Err(format!(
                    "a listener opened before the configuration was checked:\n{output}"
                ));
            }
            output
        }
        None => {
            let portal = Portal::start_ready(&launch);
            format!("{}\n{}", portal.process.stdout(), portal.process.stderr())
        }
    };
    if let Some(word) = case.contains.iter().find(|word| !output.contains(word.as_str())) {
        return Err(format!("`{word}` is missing in:\n{output}"));
    }
    let absent = case.absent.iter().map(|word| placeholders.fill(word));
    match absent.into_iter().find(|word| output.contains(word.as_str())) {
        Some(word) => Err(format!("the output contains `{word}`:\n{output}")),
        None => Ok(()),
    }
}

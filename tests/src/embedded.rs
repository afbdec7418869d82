//! The embedded default as after `git clone`: service, sandbox and demo user.

use std::path::Path;

use crate::portal::Portal;
use crate::process::Launch;
use crate::{canary, poll};

/// A running service with its sandbox.
#[derive(Debug)]
pub struct Embedded {
    /// The service process.
    pub portal: Portal,
    /// The service's base URL, without a slash at the end.
    pub service_url: String,
    /// The sandbox's base URL, without a slash at the end.
    pub sandbox_url: String,
    /// The demo user's access token.
    pub token: String,
    /// The demo user's customer at the sandbox.
    pub customer: String,
    /// The access token of a user without a purchase or a link.
    pub newcomer_token: String,
}

impl Embedded {
    /// Starts the binary without a command and without settings, except for free ports.
    ///
    /// # Panics
    /// When it does not start or does not print the demo's values.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        let launch = Launch::new(folder, &[]).secrets_on_stdout();
        let launch =
            launch.env("BILLING_LISTEN", "127.0.0.1:0").env("BILLING_ADMIN_LISTEN", "127.0.0.1:0");
        let portal = Portal::start_ready(&launch);
        let text = poll::until("the banner", || {
            let text = portal.process.stdout();
            (text.ends_with('\n')
                && text.lines().filter(|line| line.trim_start().starts_with("curl ")).count() == 3)
                .then_some(text)
        });
        let after = |mark: &str| {
            let rest = text.split_once(mark).unwrap_or_else(|| panic!("no `{mark}` in {text}")).1;
            rest.split_whitespace()
                .next()
                .expect("a word follows")
                .trim_end_matches(['.', ','])
                .to_owned()
        };
        let token = after("-H 'Authorization: Bearer ").trim_end_matches('\'').to_owned();
        canary::plant_token(&token);
        canary::plant(after("/portal/api -H 'Authorization: Bearer ").trim_end_matches('\''));
        let mint = ["token", "mint", "--user", "newcomer", "--json"];
        let minted = Launch::new(folder, &mint).secrets_on_stdout().run().json();
        let newcomer_token = minted["token"].as_str().expect("a token").to_owned();
        canary::plant_token(&newcomer_token);
        let shown = Launch::new(folder, &["customers", "show", "--user", "demo-user", "--json"])
            .run()
            .json();
        let customer = shown["customers"][0]["customer"]
            .as_str()
            .expect("the demo user's customer")
            .to_owned();
        Self {
            service_url: format!("http://{}", portal.public),
            sandbox_url: after("Sandbox   ").trim_end_matches('/').to_owned(),
            token,
            customer,
            newcomer_token,
            portal,
        }
    }
}

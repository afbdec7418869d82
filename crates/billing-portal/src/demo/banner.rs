//! [`Banner`]: the lines that the embedded default prints at every start.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use api_http::routes::{CHECKOUT, PORTAL, PORTAL_BY_API_KEY};

/// Addresses, and commands to paste. Only the commands are wider than 80 columns.
pub(super) struct Banner<'a> {
    pub(super) base: &'a str,
    pub(super) sandbox: &'a str,
    pub(super) admin: SocketAddr,
    pub(super) folder: &'a Path,
    /// The demo user, and the user who has bought nothing yet.
    pub(super) users: (&'a str, &'a str),
    /// Their access tokens, if the service has a secret to sign tokens with.
    pub(super) tokens: Option<(&'a str, &'a str)>,
    pub(super) lifetime: Duration,
    /// The demo user's API key.
    pub(super) key: &'a str,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, sandbox, admin, users: (demo, newcomer), key, .. } = self;
        writeln!(f, "billing-portal is running with a local Stripe sandbox. No data is real.")?;
        writeln!(f, "  Page      {base}/")?;
        writeln!(f, "  API docs  {base}/docs")?;
        writeln!(f, "  Sandbox   {sandbox}/")?;
        writeln!(f, "  Metrics   http://{admin}/metrics")?;
        self.write_reset(f)?;
        writeln!(f)?;
        writeln!(f, "Paste a command, then open the URL of its response in a browser.")?;
        if let Some((token, _)) = self.tokens {
            let hours = self.lifetime.as_secs() / 3600;
            writeln!(
                f,
                "Open the portal of `{demo}` with an access token ({hours} h) or an API key:"
            )?;
            writeln!(f, "curl -sS -X POST {base}{PORTAL} -H 'Authorization: Bearer {token}'")?;
        } else {
            writeln!(f, "Open the portal of `{demo}` with an API key:")?;
        }
        writeln!(f, "curl -sS -X POST {base}{PORTAL_BY_API_KEY} -H 'Authorization: Bearer {key}'")?;
        if let Some((_, token)) = self.tokens {
            writeln!(f)?;
            writeln!(f, "Buy a plan as `{newcomer}` with the card 4242 4242 4242 4242:")?;
            writeln!(
                f,
                "  curl -sS {base}{CHECKOUT} -H 'Authorization: Bearer {token}' \
                 -H 'Content-Type: application/json' -d '{{\"planId\":\"starter\"}}'"
            )?;
        }
        Ok(())
    }
}

impl Banner<'_> {
    fn write_reset(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.folder == Path::new("data") {
            writeln!(f, "  Reset     stop with Ctrl-C, then run: rm -r data")
        } else {
            // An operator chose this folder, and it may contain other files.
            writeln!(f, "  Data in   {}", self.folder.display())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(tokens: Option<(&'static str, &'static str)>, folder: &'static str) -> String {
        let banner = Banner {
            base: "http://127.0.0.1:65535",
            sandbox: "http://127.0.0.1:65534",
            admin: ([127, 0, 0, 1], 65533).into(),
            folder: Path::new(folder),
            users: ("demo-user", "newcomer"),
            tokens,
            lifetime: Duration::from_secs(24 * 3600),
            key: "llmgen_key",
        };
        banner.to_string()
    }

    #[test]
    fn only_commands_are_wider_than_80_columns() {
        for line in banner(Some(("one", "two")), "data").lines() {
            assert!(line.len() <= 80 || line.trim_start().starts_with("curl "), "{line}");
        }
    }

    #[test]
    fn banner_without_a_signing_secret_has_the_command_with_the_api_key_only() {
        let text = banner(None, "data");
        let commands: Vec<_> = text.lines().filter(|line| line.starts_with("curl ")).collect();
        assert_eq!(commands.len(), 1);
        assert!(commands[0].contains("/portal/api ") && commands[0].contains("llmgen_key"));
    }

    #[test]
    fn banner_suggests_to_delete_only_the_default_folder() {
        assert!(banner(None, "data").contains("rm -r data"));
        let other = banner(None, "/home/ada");
        assert!(other.contains("/home/ada") && !other.contains("rm "), "{other}");
    }
}

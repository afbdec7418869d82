//! [`Settings`]: the database's URL.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

/// Accepted parameters of a URL. The driver would ignore others, but log their values.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// A checked database URL.
#[derive(Clone)]
pub struct Settings {
    pub(crate) options: PgConnectOptions,
}

impl Settings {
    /// Returns whether the URL has a Postgres scheme.
    #[must_use]
    pub fn is_for(url: &SecretString) -> bool {
        let url = url.expose_secret();
        url.starts_with("postgres://") || url.starts_with("postgresql://")
    }

    /// Parses a URL: `postgres://user:password@host:5432/database?sslmode=verify-full`. The host
    /// may be the percent-encoded folder of a Unix socket. The default search path is `public`.
    ///
    /// # Errors
    /// A sentence that describes the fault, without any part of the URL.
    pub fn from_url(url: &SecretString) -> Result<Self, String> {
        if !Self::is_for(url) {
            return Err("it must start with postgres:// or postgresql://".to_owned());
        }
        let malformed = "it must be a URL like postgres://user:password@host:5432/database, with \
                         characters such as @ : / ? # % in the password percent-encoded";
        let parsed = Url::parse(url.expose_secret()).map_err(|_| malformed.to_owned())?;
        if parsed.fragment().is_some() {
            return Err(malformed.to_owned());
        }
        let mut has_search_path = false;
        for (name, value) in parsed.query_pairs() {
            check_parameter(&name, &value)?;
            has_search_path |= name.starts_with("options")
                && format!("{name}={value}").to_lowercase().contains("search_path");
        }
        let mut options =
            PgConnectOptions::from_str(url.expose_secret()).map_err(|_| malformed.to_owned())?;
        if !has_search_path {
            // Session options override `ALTER ROLE … SET` and `ALTER DATABASE … SET`.
            options = options.options([("search_path", "public")]);
        }
        if options.get_application_name().is_none() {
            options = options.application_name("billing-portal");
        }
        Ok(Self { options })
    }
}

fn check_parameter(name: &str, value: &str) -> Result<(), String> {
    let fault = |text: &str| Err(text.to_owned());
    match name {
        "sslmode" | "ssl-mode" if value.parse::<PgSslMode>().is_err() => {
            fault("sslmode must be disable, allow, prefer, require, verify-ca or verify-full")
        }
        "port" if value.parse::<u16>().is_err() => {
            fault("the port must be a number from 0 to 65535")
        }
        "statement-cache-capacity" if value.parse::<usize>().is_err() => {
            fault("statement-cache-capacity must be a number")
        }
        "hostaddr" if value.parse::<std::net::IpAddr>().is_err() => {
            fault("hostaddr must be an IP address")
        }
        _ if PARAMETERS.contains(&name)
            || (name.starts_with("options[") && name.ends_with(']')) =>
        {
            Ok(())
        }
        _ => Err(format!(
            "it has an unsupported parameter; the supported ones are {} and options[name]",
            PARAMETERS.join(", ")
        )),
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Settings, String> {
        Settings::from_url(&SecretString::from(url))
    }

    #[test]
    fn usual_urls_are_accepted() {
        let settings =
            read("postgres://ann:p%40ss@db.example.com:6432/billing?sslmode=verify-full").unwrap();
        assert_eq!(settings.options.get_host(), "db.example.com");
        assert_eq!(settings.options.get_port(), 6432);
        assert_eq!(settings.options.get_database(), Some("billing"));
        assert!(matches!(settings.options.get_ssl_mode(), PgSslMode::VerifyFull));
        let socket = read("postgresql://ann@%2Frun%2Fpostgresql/billing").unwrap();
        assert_eq!(socket.options.get_socket().unwrap().to_str(), Some("/run/postgresql"));
        assert!(read("postgres:///billing?host=/run/postgresql&user=ann").is_ok());
    }

    #[test]
    fn search_path_is_public_unless_url_sets_it() {
        let options =
            |url: &str| read(url).unwrap().options.get_options().unwrap_or_default().to_owned();
        assert!(options("postgres://h/d").ends_with("-c search_path=public"));
        assert!(
            options("postgres://h/d?options=-cwork_mem%3D1MB").ends_with("-c search_path=public")
        );
        for own in [
            "options=-csearch_path%3Dbilling",
            "options=--search_path%3Dbilling",
            "options[search_path]=billing",
        ] {
            assert!(!options(&format!("postgres://h/d?{own}")).contains("public"), "{own}");
        }
    }

    #[test]
    fn fault_describes_problem_without_url() {
        for (url, hint) in [
            ("mysql://u:hunter2@h/d", "must start with"),
            ("postgres://u:hunter2#x@h/d", "percent-encoded"),
            ("postgres://u:hunter2@h:99999/d", "percent-encoded"),
            ("postgres://u:hunter2@h/d?sslmode=hunter2", "sslmode"),
            ("postgres://u:hunter2@h/d?port=hunter2", "port"),
            ("postgres://u:hunter2@h/d?hunter2=hunter2", "unsupported"),
            ("postgres://u:hunter2@h/d?hostaddr=hunter2", "hostaddr"),
            ("postgres://u%FF:hunter2@h/d", "percent-encoded"),
        ] {
            let fault = read(url).unwrap_err();
            assert!(fault.contains(hint), "{url}: {fault}");
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }

    #[test]
    fn debug_output_is_redacted() {
        assert!(!format!("{:?}", read("postgres://u:hunter2@h/d").unwrap()).contains("hunter2"));
    }
}

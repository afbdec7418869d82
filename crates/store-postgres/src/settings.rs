//! [`Settings`]: where the database is.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

/// The parameters that a URL may have. Others are refused: the driver would ignore them, and say so in the log, value and all.
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

/// A checked URL: where the database is, as whom and how to connect. Nothing has connected yet.
#[derive(Clone)]
pub struct Settings {
    pub(crate) options: PgConnectOptions,
}

impl Settings {
    /// Whether a URL is one for this crate, by its scheme.
    #[must_use]
    pub fn is_for(url: &SecretString) -> bool {
        let url = url.expose_secret();
        url.starts_with("postgres://") || url.starts_with("postgresql://")
    }

    /// Settings from a `postgres://user:password@host:5432/database?sslmode=verify-full` URL; a Unix socket's folder stands
    /// percent-encoded in the host's place. Where the URL has no search path, tables are in schema `public`, whatever search
    /// path a role or database has by default.
    ///
    /// # Errors
    /// What is wrong, in one sentence. Never the URL or a part of it.
    pub fn from_url(url: &SecretString) -> Result<Self, String> {
        if !Self::is_for(url) {
            return Err("it must start with postgres:// or postgresql://".to_owned());
        }
        let malformed = "it must be a URL like postgres://user:password@host:5432/database, where characters such as @ : / ? # % \
                         in the password are percent-encoded";
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
            // Sent when a session starts, this outranks what `ALTER ROLE … SET` and `ALTER DATABASE … SET` say.
            options = options.options([("search_path", "public")]);
        }
        if options.get_application_name().is_none() {
            options = options.application_name("billing-portal");
        }
        Ok(Self { options })
    }
}

fn check_parameter(name: &str, value: &str) -> Result<(), String> {
    let refuse = |what: &str| Err(what.to_owned());
    match name {
        "sslmode" | "ssl-mode" if value.parse::<PgSslMode>().is_err() => refuse(
            "it has an unknown sslmode: it is disable, allow, prefer, require, verify-ca or verify-full",
        ),
        "port" if value.parse::<u16>().is_err() => {
            refuse("it has a port that is no number from 0 to 65535")
        }
        "statement-cache-capacity" if value.parse::<usize>().is_err() => {
            refuse("it has a statement-cache-capacity that is no number")
        }
        "hostaddr" if value.parse::<std::net::IpAddr>().is_err() => {
            refuse("it has a hostaddr that is no IP address")
        }
        _ if PARAMETERS.contains(&name)
            || (name.starts_with("options[") && name.ends_with(']')) =>
        {
            Ok(())
        }
        _ => Err(format!(
            "it has a parameter that is not supported; supported are {} and options[name]",
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
    fn urls_of_all_usual_forms_are_taken() {
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
    fn the_schema_is_public_unless_the_url_says_otherwise() {
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
    fn what_is_wrong_is_said_without_the_url() {
        for (url, hint) in [
            ("mysql://u:hunter2@h/d", "must start with"),
            ("postgres://u:hunter2#x@h/d", "percent-encoded"),
            ("postgres://u:hunter2@h:99999/d", "percent-encoded"),
            ("postgres://u:hunter2@h/d?sslmode=hunter2", "sslmode"),
            ("postgres://u:hunter2@h/d?port=hunter2", "port"),
            ("postgres://u:hunter2@h/d?hunter2=hunter2", "not supported"),
            ("postgres://u:hunter2@h/d?hostaddr=hunter2", "hostaddr"),
            ("postgres://u%FF:hunter2@h/d", "percent-encoded"),
        ] {
            let fault = read(url).unwrap_err();
            assert!(fault.contains(hint), "{url}: {fault}");
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", read("postgres://u:hunter2@h/d").unwrap()).contains("hunter2"));
    }
}

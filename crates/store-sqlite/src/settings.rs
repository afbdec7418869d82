//! [`Settings`]: the path of the file.

use std::path::PathBuf;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::sqlite::SqliteConnectOptions;

/// The path from a checked database URL. The file may not exist yet.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) file: PathBuf,
}

impl Settings {
    /// Returns whether the URL has the SQLite scheme.
    #[must_use]
    pub fn is_for(url: &SecretString) -> bool {
        url.expose_secret().starts_with("sqlite:")
    }

    /// Parses `sqlite://relative/path.db` or `sqlite:///absolute/path.db`, with `%` and `?` in
    /// names percent-encoded.
    ///
    /// # Errors
    /// A sentence that describes the fault, without any part of the URL.
    pub fn from_url(url: &SecretString) -> Result<Self, String> {
        let text = url.expose_secret();
        let form = "it must be sqlite://relative/path.db or sqlite:///absolute/path.db";
        let rest = text.strip_prefix("sqlite:").ok_or(form)?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        if path == ":memory:" || path.is_empty() && parameters.contains("mode=memory") {
            return Err("it must name a file: an in-memory database would be separate for each \
                        connection"
                .to_owned());
        }
        if !matches!(parameters, "" | "mode=rwc") {
            return Err("it has an unsupported parameter: the file is always opened for reading \
                        and writing, and created if it is missing"
                .to_owned());
        }
        let options =
            SqliteConnectOptions::from_str(&format!("sqlite://{path}")).map_err(|_| form)?;
        let file = options.get_filename().to_str().ok_or(form)?;
        // SQLite treats names that start with a colon or `file:` specially (see sqlite3_open).
        if file.is_empty()
            || file.ends_with('/')
            || file.starts_with(':')
            || file.starts_with("file:")
            || file.contains('\0')
        {
            return Err(form.to_owned());
        }
        Ok(Self { file: PathBuf::from(file) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Settings, String> {
        Settings::from_url(&SecretString::from(url))
    }

    #[test]
    fn url_is_parsed_to_file_path() {
        for (url, file) in [
            ("sqlite://data/billing-portal.db", "data/billing-portal.db"),
            ("sqlite:///var/lib/billing/portal.db", "/var/lib/billing/portal.db"),
            ("sqlite:portal.db", "portal.db"),
            ("sqlite://portal.db?mode=rwc", "portal.db"),
            ("sqlite://a%20b/%EA%B9%80%3F.db", "a b/김?.db"),
        ] {
            assert_eq!(read(url).unwrap().file, PathBuf::from(file), "{url}");
        }
    }

    #[test]
    fn url_without_file_is_rejected() {
        for url in [
            "",
            "data.db",
            "postgres://h/d",
            "sqlite:",
            "sqlite://",
            "sqlite://data/",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite://?mode=memory",
            "sqlite://a.db?mode=memory",
            "sqlite://a.db?mode=ro",
            "sqlite://a.db?cache=shared",
            "sqlite://file:a.db",
            "sqlite://a%00.db",
            "sqlite://%FF.db",
            "sqlite://%3Amemory%3A",
        ] {
            assert!(read(url).is_err(), "{url}");
        }
        assert!(read("sqlite::memory:").unwrap_err().contains("memory"));
    }
}

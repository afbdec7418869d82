//! [`EdgeSettings`]: deadlines and limits of the accept loop and of each connection.

use std::time::Duration;

/// Names of the settings that [`EdgeSettings::read`] reads.
pub const SETTINGS: &[&str] = &["SHUTDOWN_LAME_DUCK_SECONDS", "SHUTDOWN_GRACE_SECONDS"];

/// Secret settings among [`SETTINGS`]: none.
pub const SECRETS: &[&str] = &[];

/// File descriptors reserved for the database, the provider, the log and the listeners.
const FILES_FOR_OTHERS: usize = 512;

/// Deadlines and limits of one listener.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// Deadline from the first to the last byte of a request head. A late client gets 408.
    pub header_timeout: Duration,
    /// Deadline from the first read of the body to its end. A late client gets 408.
    pub body_timeout: Duration,
    /// Idle timeout before the first request and between requests.
    pub idle_timeout: Duration,
    /// Write timeout. The connection is closed if the client reads no byte for this long.
    pub write_timeout: Duration,
    /// Maximum concurrent connections. Further connections wait in the kernel's backlog.
    pub max_connections: usize,
    /// Time after the start of the drain during which connections are still accepted.
    pub lame_duck: Duration,
    /// Time after the lame-duck period for running requests to finish.
    pub grace: Duration,
    /// Time to discard input after the last response byte. Without it a client that still sends
    /// gets a reset instead of the response (RFC 9112, 9.6).
    pub linger: Duration,
    /// Maximum bytes to discard during [`EdgeSettings::linger`].
    pub linger_bytes: usize,
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(10),
            max_connections: 16_384,
            lame_duck: Duration::from_secs(2),
            grace: Duration::from_secs(20),
            linger: Duration::from_secs(5),
            linger_bytes: 32 * 1024 * 1024,
        }
    }
}

impl EdgeSettings {
    /// Reads the configurable settings. All others keep their defaults.
    ///
    /// # Errors
    /// All invalid settings as (name, required format).
    pub fn read(
        get: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Result<Self, Vec<(&'static str, String)>> {
        let mut settings = Self::default();
        let mut faults = Vec::new();
        let mut seconds = |name: &'static str, at_most: u64, target: &mut Duration| {
            let Some(text) = get(name) else { return };
            match text.parse::<u64>() {
                Ok(value) if value <= at_most => *target = Duration::from_secs(value),
                _ => faults
                    .push((name, format!("must be a whole number of seconds from 0 to {at_most}"))),
            }
        };
        seconds("SHUTDOWN_LAME_DUCK_SECONDS", 600, &mut settings.lame_duck);
        seconds("SHUTDOWN_GRACE_SECONDS", 3600, &mut settings.grace);
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    /// Caps the number of connections by `open_files` (see [`crate::raise_file_limit`]).
    #[must_use]
    pub fn within_file_limit(mut self, open_files: u64) -> Self {
        let files = usize::try_from(open_files).unwrap_or(usize::MAX);
        let capacity = files.saturating_sub(FILES_FOR_OTHERS).max(files / 2).max(1);
        self.max_connections = self.max_connections.min(capacity);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_reports_all_invalid_settings() {
        let faults =
            EdgeSettings::read(&mut |name| (name.ends_with("SECONDS")).then(|| "soon".to_owned()));
        let names: Vec<_> = faults.unwrap_err().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, SETTINGS);
    }

    #[test]
    fn read_replaces_defaults_with_given_seconds() {
        let settings = EdgeSettings::read(&mut |name| {
            (name == "SHUTDOWN_GRACE_SECONDS").then(|| "7".to_owned())
        });
        let settings = settings.unwrap();
        assert_eq!(
            (settings.lame_duck, settings.grace),
            (Duration::from_secs(2), Duration::from_secs(7))
        );
    }

    #[test]
    fn connections_stay_below_the_file_limit() {
        assert_eq!(EdgeSettings::default().within_file_limit(8192).max_connections, 7680);
        assert_eq!(EdgeSettings::default().within_file_limit(256).max_connections, 128);
        assert_eq!(EdgeSettings::default().within_file_limit(u64::MAX).max_connections, 16_384);
    }
}

//! The deadlines and bounds of the accept loop and of every connection.

use std::time::Duration;

/// Names of the settings that [`EdgeSettings::read`] asks for.
pub const SETTINGS: &[&str] = &["SHUTDOWN_LAME_DUCK_SECONDS", "SHUTDOWN_GRACE_SECONDS"];

/// Those of [`SETTINGS`] that are secret: none.
pub const SECRETS: &[&str] = &[];

/// Open files kept for everything that is not a client's connection: database, provider, log, listeners.
const FILES_FOR_OTHERS: usize = 512;

/// What one listener grants its clients.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// From the first byte of a request head to its end; beyond it 408.
    pub header_timeout: Duration,
    /// From the moment a handler first waits for the body to the body's end; beyond it 408.
    pub body_timeout: Duration,
    /// How long a connection may stay silent before its first and between two requests.
    pub idle_timeout: Duration,
    /// How long a client may take no byte of an answer before the connection is cut.
    pub write_timeout: Duration,
    /// Connections at once. Beyond it new ones wait in the kernel's backlog.
    pub max_connections: usize,
    /// After the drain began: how long connections are still accepted.
    pub lame_duck: Duration,
    /// After the lame-duck time: how long running requests may take to end.
    pub grace: Duration,
    /// After our last byte: how long a client that still sends is listened to, so that it reads the answer
    /// rather than a reset (RFC 9112, 9.6).
    pub linger: Duration,
    /// How many bytes are discarded meanwhile.
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
    /// Reads what an operator may change; everything else keeps its default.
    ///
    /// # Errors
    /// Every fault as (name of the setting, how to mend it).
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

    /// The same settings with no more connections than `open_files` (see [`crate::raise_file_limit`]) allows.
    #[must_use]
    pub fn within_file_limit(mut self, open_files: u64) -> Self {
        let files = usize::try_from(open_files).unwrap_or(usize::MAX);
        let room = files.saturating_sub(FILES_FOR_OTHERS).max(files / 2).max(1);
        self.max_connections = self.max_connections.min(room);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named_at_once() {
        let faults =
            EdgeSettings::read(&mut |name| (name.ends_with("SECONDS")).then(|| "soon".to_owned()));
        let names: Vec<_> = faults.unwrap_err().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, SETTINGS);
    }

    #[test]
    fn given_seconds_replace_the_defaults() {
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

//! The faults of a call and their text form: `delay=250`, `status=429`, `drop`, comma-separated.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::api::error::excerpt;

/// The maximum delay. Clients time out earlier.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// The faults of one call, in order: the delay, the status, the break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) delay: Option<Duration>,
    pub(super) status: Option<Status>,
    pub(super) broken: Option<Break>,
}

/// The error that replaces the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// 429, too many requests.
    RateLimited,
    /// 429, another request is using the object.
    Locked,
    /// 500.
    Failed,
}

/// How the connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// Before the operation runs.
    Before,
    /// After the operation runs, before the response.
    After,
    /// In the middle of the response body.
    Within,
}

const STATUSES: [(&str, Status); 4] = [
    ("429", Status::RateLimited),
    ("429:rate_limit", Status::RateLimited),
    ("429:lock_timeout", Status::Locked),
    ("500", Status::Failed),
];

const BREAKS: [(&str, Break); 3] =
    [("drop", Break::Before), ("drop=after", Break::After), ("truncate", Break::Within)];

/// The error of parsing a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FaultError {
    #[error(
        "unknown fault '{0}'. Use delay=<milliseconds>, status=429, status=429:lock_timeout, \
        status=500, drop, drop=after or truncate; separate several with commas."
    )]
    Unknown(String),
    #[error("delay must be a number of milliseconds, at most 60000.")]
    Delay,
    #[error("'{0}' repeats a kind of fault. Use each kind at most once.")]
    Repeated(String),
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut fault = Self::default();
        for part in text.split(',').map(str::trim) {
            let unknown = |part: &str| FaultError::Unknown(excerpt(part));
            let second = if let Some(delay) = part.strip_prefix("delay=") {
                let delay =
                    delay.parse().map(Duration::from_millis).map_err(|_| FaultError::Delay)?;
                if delay > MAX_DELAY {
                    return Err(FaultError::Delay);
                }
                fault.delay.replace(delay).is_some()
            } else if let Some(status) = part.strip_prefix("status=") {
                let (_, status) = STATUSES
                    .iter()
                    .find(|(name, _)| *name == status)
                    .ok_or_else(|| unknown(part))?;
                fault.status.replace(*status).is_some()
            } else {
                let (_, broken) =
                    BREAKS.iter().find(|(name, _)| *name == part).ok_or_else(|| unknown(part))?;
                fault.broken.replace(*broken).is_some()
            };
            if second {
                return Err(FaultError::Repeated(excerpt(part)));
            }
        }
        Ok(fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delay = self.delay.map(|delay| format!("delay={}", delay.as_millis()));
        let status = self.status.map(|status| {
            let name = match status {
                Status::RateLimited => "429",
                Status::Locked => "429:lock_timeout",
                Status::Failed => "500",
            };
            format!("status={name}")
        });
        let broken =
            self.broken.and_then(|broken| BREAKS.iter().find(|(_, other)| *other == broken));
        let parts: Vec<String> = delay
            .into_iter()
            .chain(status)
            .chain(broken.map(|(name, _)| (*name).to_owned()))
            .collect();
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsed_fault_prints_as_its_text() {
        for text in [
            "delay=250",
            "delay=0",
            "status=429",
            "status=429:lock_timeout",
            "status=500",
            "drop",
            "drop=after",
            "truncate",
            "delay=60000,status=500,truncate",
        ] {
            assert_eq!(text.parse::<Fault>().map(|fault| fault.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(
            "truncate , delay=5".parse::<Fault>().map(|f| f.to_string()).as_deref(),
            Ok("delay=5,truncate")
        );
        assert_eq!("status=429:rate_limit".parse::<Fault>(), "status=429".parse());
    }

    #[test]
    fn an_invalid_fault_is_refused_with_its_error() {
        for (text, error) in [
            ("", FaultError::Unknown(String::new())),
            ("drop,", FaultError::Unknown(String::new())),
            ("Drop", FaultError::Unknown("Drop".to_owned())),
            ("status=404", FaultError::Unknown("status=404".to_owned())),
            ("delay=60001", FaultError::Delay),
            ("delay=-1", FaultError::Delay),
            ("delay=1s", FaultError::Delay),
            ("drop,truncate", FaultError::Repeated("truncate".to_owned())),
            ("delay=1,delay=1", FaultError::Repeated("delay=1".to_owned())),
        ] {
            assert_eq!(text.parse::<Fault>(), Err(error), "{text}");
        }
    }
}

//! What can go wrong with a call, as text: `delay=250`, `status=429`, `drop`, and several of them with commas.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::api::error::excerpt;

/// The longest delay; a client that waits longer than this waits for ever.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// What goes wrong with one call: first the delay, then the status, then the break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) delay: Option<Duration>,
    pub(super) status: Option<Status>,
    pub(super) broken: Option<Break>,
}

/// The answer in place of the true one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// 429, too many requests.
    RateLimited,
    /// 429, somebody else is at work on the object.
    Locked,
    /// 500.
    Failed,
}

/// How the connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// Before anything was done.
    Before,
    /// With the work done and no answer sent.
    After,
    /// In the middle of the answer's body.
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

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoFault {
    #[error(
        "no fault is called '{0}'. There are delay=<milliseconds>, status=429, status=429:lock_timeout, status=500, \
         drop, drop=after and truncate; several are joined with commas."
    )]
    Unknown(String),
    #[error("a delay is a number of milliseconds, at most 60000.")]
    Delay,
    #[error("'{0}' says a second time what there is one of.")]
    Twice(String),
}

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let mut fault = Self::default();
        for part in text.split(',').map(str::trim) {
            let unknown = |part: &str| NoFault::Unknown(excerpt(part));
            let second = if let Some(delay) = part.strip_prefix("delay=") {
                let delay = delay.parse().map(Duration::from_millis).map_err(|_| NoFault::Delay)?;
                if delay > LONGEST_DELAY {
                    return Err(NoFault::Delay);
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
                return Err(NoFault::Twice(excerpt(part)));
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
    fn a_fault_is_read_as_it_is_written() {
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
    fn what_is_no_fault_is_told() {
        for (text, error) in [
            ("", NoFault::Unknown(String::new())),
            ("drop,", NoFault::Unknown(String::new())),
            ("Drop", NoFault::Unknown("Drop".to_owned())),
            ("status=404", NoFault::Unknown("status=404".to_owned())),
            ("delay=60001", NoFault::Delay),
            ("delay=-1", NoFault::Delay),
            ("delay=1s", NoFault::Delay),
            ("drop,truncate", NoFault::Twice("truncate".to_owned())),
            ("delay=1,delay=1", NoFault::Twice("delay=1".to_owned())),
        ] {
            assert_eq!(text.parse::<Fault>(), Err(error), "{text}");
        }
    }
}

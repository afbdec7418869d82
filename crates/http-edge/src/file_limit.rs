//! [`raise_file_limit`] raises the open-file limit to allow thousands of connections.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard limit. Returns that limit (`u64::MAX`: none).
///
/// # Errors
/// The system rejected the new limit. The old limit stays in effect.
pub fn raise_file_limit() -> io::Result<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    }
    Ok(maximum.unwrap_or(u64::MAX))
}

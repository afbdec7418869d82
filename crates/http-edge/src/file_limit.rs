//! Room for thousands of connections: the soft limit of open files, raised to the hard one.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files as far as the system lets an unprivileged process, and returns it
/// (`u64::MAX` where there is none).
///
/// # Errors
/// The system refused the new limit; the old one stays in force.
pub fn raise_file_limit() -> io::Result<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    }
    Ok(maximum.unwrap_or(u64::MAX))
}

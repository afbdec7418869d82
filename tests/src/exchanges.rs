//! Records every exchange with Stripe's API during a test run. `schema-guard` checks the records.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use serde::{Deserialize, Serialize};

/// Variable with the folder of the records. `scripts/test` sets it to enable recording.
pub const FOLDER: &str = "STRIPE_EXCHANGES";

/// An exchange: one line of a record.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The request's method.
    pub method: String,
    /// The schema's path template, if the schema has the path.
    pub operation: Option<String>,
    /// The requested path.
    pub path: String,
    /// The query, without the question mark.
    pub query: String,
    /// The request's body.
    pub request: String,
    /// The request's `User-Agent`.
    pub user_agent: Option<String>,
    /// The request's `Stripe-Version`.
    pub version: Option<String>,
    /// The response's status; 0 if the response is not checked.
    pub status: u16,
    /// The response's body; `None` if the response is not checked.
    pub answer: Option<String>,
}

/// Returns the folder of the records. Tests pass it to each sandbox that they start.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Records a request to a stub, without its response.
///
/// # Panics
/// When it cannot be recorded.
pub fn record_request(exchange: &Exchange) {
    static RECORD: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let record = RECORD.get_or_init(|| {
        folder().map(|folder| Mutex::new(begin(&folder).expect("a record is created")))
    });
    if let Some(file) = record {
        let line = serde_json::to_string(exchange).expect("an exchange is JSON") + "\n";
        file.lock()
            .expect("the lock is not poisoned")
            .write_all(line.as_bytes())
            .expect("a request is recorded");
    }
}

fn begin(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let name = format!("requests-{}-{}.jsonl", std::process::id(), uuid::Uuid::now_v7().simple());
    OpenOptions::new().create_new(true).append(true).open(folder.join(name))
}

/// Calls `then` with every exchange in a folder of records.
///
/// # Errors
/// When the folder or a file cannot be read or is malformed.
pub fn each(folder: &Path, mut then: impl FnMut(&Exchange)) -> Result<(), String> {
    let failed =
        |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        let file = File::open(&path).map_err(|error| failed(&path, &error))?;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(|error| failed(&path, &error))?;
            then(&serde_json::from_str(&line).map_err(|error| failed(&path, &error))?);
        }
    }
    Ok(())
}

//! What is recorded of every exchange with Stripe's API during a test run, for `schema-guard` to judge in the end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use serde::{Deserialize, Serialize};

/// Names the folder of the records; `scripts/test` sets it. Where it is not set, nothing is recorded.
pub const FOLDER: &str = "STRIPE_EXCHANGES";

/// One exchange: a line of a record.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The request's method.
    pub method: String,
    /// The path as the schema writes it, if it has such a path.
    pub operation: Option<String>,
    /// The path as it was asked for.
    pub path: String,
    /// The query, without its question mark.
    pub query: String,
    /// The request's body.
    pub request: String,
    /// The request's `User-Agent`.
    pub user_agent: Option<String>,
    /// The request's `Stripe-Version`.
    pub version: Option<String>,
    /// The answer's status; 0 where the answer is not to be judged.
    pub status: u16,
    /// The answer's body; none where it is not to be judged.
    pub answer: Option<String>,
}

/// The folder of the records: what whoever starts a sandbox for a test tells it.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Records a request that was made to something else than the sandbox, and whose answer nobody should judge.
///
/// # Panics
/// When it cannot be recorded.
pub fn record_request(exchange: &Exchange) {
    static RECORD: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let record = RECORD.get_or_init(|| {
        folder().map(|folder| Mutex::new(begin(&folder).expect("a record is begun")))
    });
    if let Some(file) = record {
        let line = serde_json::to_string(exchange).expect("an exchange is JSON") + "\n";
        file.lock()
            .expect("nobody panics with the lock")
            .write_all(line.as_bytes())
            .expect("a request is recorded");
    }
}

fn begin(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let name = format!("requests-{}-{}.jsonl", std::process::id(), uuid::Uuid::now_v7().simple());
    OpenOptions::new().create_new(true).append(true).open(folder.join(name))
}

/// Hands out every exchange in a folder of records.
///
/// # Errors
/// The folder or a file cannot be read, or holds something else.
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

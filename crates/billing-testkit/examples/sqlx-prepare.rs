//! Writes the `.sqlx` folders for the offline check of the stores' queries. `scripts/sqlx-prepare`
//! runs it; with `--check` it only reports whether they are current.
//!
//! It migrates a throwaway database of each type, and the compiler checks each query against it.

#![expect(clippy::print_stdout, reason = "the output of a command")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use billing_testkit::postgres::TestDatabase;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Fallible<ExitCode> {
    let only_check = std::env::args().any(|argument| argument == "--check");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let scratch = tempfile::tempdir()?;

    let file = scratch.path().join("prepare.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut sqlite: SqliteConnection = options.connect().await?;
    Migrator::new(root.join("migrations/sqlite")).await?.run(&mut sqlite).await?;
    sqlite.close().await?;
    let sqlite_url = format!("sqlite://{}", file.display());

    let database = TestDatabase::create().await;
    let mut postgres = database.connect().await;
    Migrator::new(root.join("migrations/postgres")).await?.run(&mut postgres).await?;
    postgres.close().await?;

    let mut all_current = true;
    for (store, variable, url) in [
        ("store-sqlite", "SQLX_SQLITE_DATABASE_URL", sqlite_url.as_str()),
        ("store-postgres", "SQLX_POSTGRES_DATABASE_URL", database.url()),
    ] {
        let fresh = scratch.path().join(store);
        fs::create_dir(&fresh)?;
        describe_queries(&root, store, variable, url, &fresh)?;
        let kept = root.join("crates").join(store).join(".sqlx");
        let (described, stored) = (files(&fresh)?, files(&kept)?);
        println!(
            "{store}: {} queries, {}",
            described.len(),
            if described == stored { "unchanged" } else { "changed" }
        );
        if described != stored && only_check {
            all_current = false;
        } else if described != stored {
            replace(&kept, &stored, &described)?;
        }
    }
    if !all_current {
        println!(".sqlx is stale: run scripts/sqlx-prepare and commit the changed files");
    }
    Ok(if all_current { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Compiles a store against a live database. The query macros write their descriptions to `folder`.
fn describe_queries(
    root: &Path,
    store: &str,
    variable: &str,
    url: &str,
    folder: &Path,
) -> Fallible<()> {
    // A changed variable alone does not make cargo compile again.
    File::options()
        .write(true)
        .open(root.join("crates").join(store).join("src/lib.rs"))?
        .set_modified(SystemTime::now())?;
    let checked = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--quiet", "--package", store])
        .current_dir(root)
        .env_remove("SQLX_OFFLINE")
        .env("SQLX_OFFLINE_DIR", folder)
        .env(variable, url)
        .status()?;
    if checked.success() {
        Ok(())
    } else {
        Err(format!("{store} does not compile against its database").into())
    }
}

fn files(folder: &Path) -> Fallible<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(found)
}

/// Writes new files before it deletes old ones, so that a concurrent build finds either.
fn replace(
    folder: &Path,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Fallible<()> {
    for (name, text) in new {
        fs::write(folder.join(name), text)?;
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    Ok(())
}

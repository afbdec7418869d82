//! Finds the server's programs.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MISSING: &str = "These tests need Postgres. Install its server \
    (Debian, Ubuntu: `apt-get install postgresql`; Fedora: `dnf install postgresql-server`; \
    macOS: `brew install postgresql@17`), or set TEST_POSTGRES_URL to a running server with a role \
    that may create databases (postgres://user:password@host/postgres).";

/// Variable with the only folder to search; `scripts/test` sets it.
const FOLDER: &str = "TEST_POSTGRES_BINARIES";

/// Returns the folder with `initdb` and `postgres`.
pub(super) fn folder() -> PathBuf {
    let folders = env::var_os(FOLDER).map_or_else(usual_folders, |named| vec![named.into()]);
    folders
        .into_iter()
        .find(|folder| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file()))
        .and_then(|folder| {
            folder.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned)
        })
        .unwrap_or_else(|| panic!("{MISSING}"))
}

/// Returns the folders of `PATH`, of `pg_config`, and of the usual packages.
fn usual_folders() -> Vec<PathBuf> {
    let on_path = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default();
    let by_config =
        Command::new("pg_config").arg("--bindir").output().ok().into_iter().filter_map(|output| {
            let text = String::from_utf8(output.stdout).ok()?;
            Some(PathBuf::from(text.trim()))
        });
    let packaged = [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ];
    on_path
        .into_iter()
        .chain(by_config)
        .chain(
            packaged
                .into_iter()
                .flat_map(|(parent, prefix, inner)| versions(Path::new(parent), prefix, inner)),
        )
        .collect()
}

/// Returns `parent/<prefix>*/inner`, newest version first.
fn versions(parent: &Path, prefix: &str, inner: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok);
    let mut found: Vec<(Option<u32>, PathBuf)> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| (version(&entry.file_name()), entry.path().join(inner)))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

/// Returns the first number in a folder's name.
fn version(name: &OsStr) -> Option<u32> {
    let name = name.to_string_lossy();
    let digits: String =
        name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_come_first() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["postgresql@9", "postgresql@17", "postgresql@16", "other"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let names: Vec<_> = versions(parent.path(), "postgresql", "bin")
            .into_iter()
            .map(|path| path.parent().unwrap().file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["postgresql@17", "postgresql@16", "postgresql@9"]);
    }
}

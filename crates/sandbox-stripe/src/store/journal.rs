//! The state file: a journal with one transaction per line, compacted as it grows.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::state::{Change, State};

/// The file format. Version 1 has fewer fields of configurations, invoices and cards.
const FORMAT: u32 = 2;

/// Minimum lines before a running process compacts its journal.
const MIN_LINES: usize = 50_000;

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Header {
    sandbox_stripe_journal: u32,
}

/// An open journal. A lock excludes other processes.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
    /// The next compaction waits for this number of lines. It is set after a failure, because each
    /// try writes the whole state.
    compact_after: usize,
    _lock: File,
}

impl Journal {
    /// Locks the file, replays it into `state`, runs `tidy` on the state, and compacts the file.
    pub(super) fn open(
        path: &Path,
        state: &mut State,
        tidy: impl FnOnce(&mut State),
    ) -> io::Result<Self> {
        let path = resolve(path)?;
        if let Some(folder) = path.parent()
            && !folder.exists()
        {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let lock = take_lock(&path)?;
        replay(&path, state)?;
        tidy(state);
        let (file, lines) = rewrite(&path, state)?;
        Ok(Self { path, file, lines, compact_after: 0, _lock: lock })
    }

    /// Appends one transaction. It then survives any end of the process, but not a crash of the
    /// machine: the line is in the page cache.
    pub(super) fn append(&mut self, changes: &[Change]) -> io::Result<()> {
        let mut line = serde_json::to_vec(changes)?;
        line.push(b'\n');
        let before = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(&line) {
            // A partial line would corrupt the next one.
            self.file.set_len(before)?;
            return Err(error);
        }
        self.lines += 1;
        Ok(())
    }

    /// Compacts the file if most of its lines are obsolete.
    pub(super) fn compact_if_large(&mut self, state: &State) -> io::Result<()> {
        if self.lines <= MIN_LINES.max(2 * state.len()).max(self.compact_after) {
            return Ok(());
        }
        self.compact_after = self.lines.saturating_add(MIN_LINES);
        (self.file, self.lines) = rewrite(&self.path, state)?;
        self.compact_after = 0;
        Ok(())
    }

    /// Syncs the file to disk.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// Resolves symbolic links, because compaction would replace a link instead of its target.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let refused = |why: &str| {
        let message = format!("the sandbox's state {} {why}. Use another file.", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, message)
    };
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::canonicalize(path),
        Ok(_) => Err(refused("is not a regular file")),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) if fs::symlink_metadata(path).is_ok() => Err(refused("is a dangling link")),
        Err(_) => std::path::absolute(path),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Locks a separate file, because compaction replaces the journal. The file contains the id of the
/// process that locks it.
fn take_lock(path: &Path) -> io::Result<File> {
    let lock_path = with_suffix(path, ".lock");
    let mut lock = OpenOptions::new().create(true).append(true).mode(0o600).open(&lock_path)?;
    match lock.try_lock() {
        Ok(()) => {
            lock.set_len(0)?;
            write!(lock, "{}", std::process::id())?;
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!(
                "another process (id {}) uses the sandbox's state {}: stop it, or use another \
                 folder or file",
                fs::read_to_string(&lock_path).unwrap_or_default(),
                path.display()
            ),
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn replay(path: &Path, state: &mut State) -> io::Result<()> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut number = 0_usize;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        number += 1;
        // A new journal is written as a whole, so its first line cannot be torn.
        if line.last() != Some(&b'\n') && number > 1 {
            tracing::warn!(
                line = number,
                "dropped the unfinished last line of the sandbox's state"
            );
            return Ok(());
        }
        if number == 1 {
            match serde_json::from_slice::<Header>(&line) {
                Ok(header) if header.sandbox_stripe_journal == FORMAT => continue,
                Ok(header) if header.sandbox_stripe_journal < FORMAT => return set_aside(path),
                _ => return Err(damaged(path, number, "this version cannot read it")),
            }
        }
        match serde_json::from_slice::<Vec<Change>>(&line) {
            Ok(changes) => changes.into_iter().for_each(|change| state.apply(change)),
            Err(error) => return Err(damaged(path, number, &error.to_string())),
        }
    }
}

/// Renames the state of an earlier version. Its data are test data and need no migration.
fn set_aside(path: &Path) -> io::Result<()> {
    let old = with_suffix(path, ".old");
    fs::rename(path, &old)?;
    tracing::warn!(
    kept = %old.display(),
    "the sandbox's state has an older format; starting with an empty state"
    );
    Ok(())
}

fn damaged(path: &Path, line: usize, why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "the sandbox's state {} is invalid at line {line}: {why}. Use another file or \
             delete it.",
            path.display()
        ),
    )
}

/// Writes the state to a new file and replaces the journal with it.
fn rewrite(path: &Path, state: &State) -> io::Result<(File, usize)> {
    let fresh = with_suffix(path, ".new");
    let written =
        write(&fresh, state).and_then(|written| fs::rename(&fresh, path).map(|()| written));
    if written.is_err() {
        // A partial file is useless and only fills the disk.
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn write(fresh: &Path, state: &State) -> io::Result<(File, usize)> {
    // An existing file may have other permissions. This file must be readable by its owner only.
    match fs::remove_file(fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(fresh)?;
    let mut writer = BufWriter::new(file);
    serde_json::to_writer(&mut writer, &Header { sandbox_stripe_journal: FORMAT })?;
    writer.write_all(b"\n")?;
    let mut lines = 1;
    for change in state.as_changes() {
        serde_json::to_writer(&mut writer, &[change])?;
        writer.write_all(b"\n")?;
        lines += 1;
    }
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok((file, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> io::Result<Journal> {
        Journal::open(path, &mut State::default(), |_| ())
    }

    #[test]
    fn a_foreign_file_is_refused_and_unchanged() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("letter.txt");
        for text in [
            "a letter without an end of line",
            "a letter\n",
            "a letter\nin two lines",
            "{}",
            "[]\n",
        ] {
            fs::write(&path, text).expect("written");
            assert!(open(&path).expect_err("foreign").to_string().contains("line 1"), "{text}");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
        }
        fs::write(&path, "").expect("written");
        open(&path).expect("an empty file is accepted");
    }

    #[test]
    fn a_special_file_is_refused_and_a_link_is_followed() {
        let folder = tempfile::tempdir().expect("folder");
        for path in [folder.path(), Path::new("/dev/null")] {
            assert!(
                open(path).expect_err("no file").to_string().contains("not a regular file"),
                "{}",
                path.display()
            );
        }
        let link = folder.path().join("link");
        let target = folder.path().join("target");
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        assert!(open(&link).expect_err("dangling").to_string().contains("a dangling link"));
        drop(open(&target).expect("opened"));
        let journal = open(&link).expect("opened through the link");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert!(open(&target).is_err(), "the lock covers both names");
        drop(journal);
    }

    #[test]
    fn a_failed_compaction_is_not_retried_immediately() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("state");
        let state = State::default();
        let mut journal = open(&path).expect("opened");
        // A folder with the file's name makes compaction fail.
        fs::create_dir(with_suffix(&path, ".new")).expect("made");
        journal.lines = MIN_LINES + 1;
        journal.compact_if_large(&state).expect_err("failed");
        journal.lines += MIN_LINES;
        journal.compact_if_large(&state).expect("not tried");
        journal.lines += 1;
        journal.compact_if_large(&state).expect_err("tried again");
        fs::remove_dir(with_suffix(&path, ".new")).expect("removed");
        journal.lines += MIN_LINES + 1;
        journal.compact_if_large(&state).expect("compacted");
        assert_eq!((journal.lines, journal.compact_after), (1, 0));
    }
}

//! The state's file: one transaction a line, appended; rewritten when it has grown far past what is alive.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::state::{Change, State};

/// Version 1 knew less of portal configurations, invoices and cards.
const FORMAT: u32 = 2;

/// Below this many lines no running process rewrites its journal.
const SMALL: usize = 50_000;

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Header {
    sandbox_stripe_journal: u32,
}

/// An open journal, which no other process has open.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
    /// Compaction waits for so many lines: it failed before, and each try writes the whole state.
    patience: usize,
    _lock: File,
}

impl Journal {
    /// Takes the file's lock, replays it into `state` (`tidy` is run on the result) and compacts it.
    pub(super) fn open(
        path: &Path,
        state: &mut State,
        tidy: impl FnOnce(&mut State),
    ) -> io::Result<Self> {
        let path = settle(path)?;
        if let Some(folder) = path.parent()
            && !folder.exists()
        {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let lock = take_lock(&path)?;
        replay(&path, state)?;
        tidy(state);
        let (file, lines) = rewrite(&path, state)?;
        Ok(Self { path, file, lines, patience: 0, _lock: lock })
    }

    /// Appends one transaction. Once this returns, it survives the end of the process, however it ends: the
    /// line is with the operating system. (Only a crash of the machine can lose it.)
    pub(super) fn append(&mut self, changes: &[Change]) -> io::Result<()> {
        let mut line = serde_json::to_vec(changes)?;
        line.push(b'\n');
        let before = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(&line) {
            // Half a line would spoil the next one.
            self.file.set_len(before)?;
            return Err(error);
        }
        self.lines += 1;
        Ok(())
    }

    /// Rewrites the file where most of it is history.
    pub(super) fn compact_if_large(&mut self, state: &State) -> io::Result<()> {
        if self.lines <= SMALL.max(2 * state.len()).max(self.patience) {
            return Ok(());
        }
        self.patience = self.lines.saturating_add(SMALL);
        (self.file, self.lines) = rewrite(&self.path, state)?;
        self.patience = 0;
        Ok(())
    }

    /// Brings everything to the disk.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// Where the journal really is: a link is followed, because compaction would replace the link instead of its target.
fn settle(path: &Path) -> io::Result<PathBuf> {
    let refused = |why: &str| {
        let message = format!("the sandbox's state {} {why}: name another file", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, message)
    };
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::canonicalize(path),
        Ok(_) => Err(refused("is no regular file")),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) if fs::symlink_metadata(path).is_ok() => Err(refused("is a link to nothing")),
        Err(_) => std::path::absolute(path),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The lock is a file of its own, because compaction replaces the journal's. It contains the id of the process that holds it.
fn take_lock(path: &Path) -> io::Result<File> {
    let lock_path = beside(path, ".lock");
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
                "another process (id {}) uses the sandbox's state {}: stop it, or use another folder or file",
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
        // The first line was never half written, because a journal is put in its place as a whole: this is none.
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

/// Nothing of a sandbox is real, and the demo is the same in every one: an old state is no reason not to start.
fn set_aside(path: &Path) -> io::Result<()> {
    let old = beside(path, ".old");
    fs::rename(path, &old)?;
    tracing::warn!(kept = %old.display(), "the sandbox's state is of an older version; starting with an empty one");
    Ok(())
}

fn damaged(path: &Path, line: usize, why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "the sandbox's state {} is unusable at line {line}: {why}; name another file, or delete it",
            path.display()
        ),
    )
}

/// Writes the state to a fresh file and puts that in the journal's place.
fn rewrite(path: &Path, state: &State) -> io::Result<(File, usize)> {
    let fresh = beside(path, ".new");
    let written =
        write(&fresh, state).and_then(|written| fs::rename(&fresh, path).map(|()| written));
    if written.is_err() {
        // Where the disk is full, half a state is of no use to anybody.
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn write(fresh: &Path, state: &State) -> io::Result<(File, usize)> {
    // A file that is already there may have another mode; this one must be its owner's alone.
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
    fn a_file_of_somebody_else_is_refused_and_left_alone() {
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
        open(&path).expect("an empty file is nobody's");
    }

    #[test]
    fn what_is_no_regular_file_is_refused_and_a_link_is_followed() {
        let folder = tempfile::tempdir().expect("folder");
        for path in [folder.path(), Path::new("/dev/null")] {
            assert!(
                open(path).expect_err("no file").to_string().contains("no regular file"),
                "{}",
                path.display()
            );
        }
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        assert!(open(&link).expect_err("dangling").to_string().contains("a link to nothing"));
        drop(open(&target).expect("opened"));
        let journal = open(&link).expect("opened through the link");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert!(open(&target).is_err(), "whichever name it goes by, one process has it");
        drop(journal);
    }

    #[test]
    fn a_failed_compaction_is_not_tried_again_at_once() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("state");
        let state = State::default();
        let mut journal = open(&path).expect("opened");
        // A folder in the way is as good as a full disk.
        fs::create_dir(beside(&path, ".new")).expect("made");
        journal.lines = SMALL + 1;
        journal.compact_if_large(&state).expect_err("failed");
        journal.lines += SMALL;
        journal.compact_if_large(&state).expect("not tried");
        journal.lines += 1;
        journal.compact_if_large(&state).expect_err("tried again");
        fs::remove_dir(beside(&path, ".new")).expect("removed");
        journal.lines += SMALL + 1;
        journal.compact_if_large(&state).expect("compacted");
        assert_eq!((journal.lines, journal.patience), (1, 0));
    }
}

//! The state's file: one transaction a line, appended; rewritten when it has grown far past what is alive.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Change, State};

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
    _lock: File,
}

impl Journal {
    /// Takes the file's lock, replays it into `state` (`tidy` is run on the result) and compacts it.
    pub(super) fn open(path: &Path, state: &mut State, tidy: impl FnOnce(&mut State)) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        if let Some(folder) = path.parent()
            && !folder.exists()
        {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let lock = take_lock(&path)?;
        replay(&path, state)?;
        tidy(state);
        let (file, lines) = rewrite(&path, state)?;
        Ok(Self { path, file, lines, _lock: lock })
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
        if self.lines > SMALL && self.lines > 2 * state.len() {
            (self.file, self.lines) = rewrite(&self.path, state)?;
        }
        Ok(())
    }

    /// Brings everything to the disk.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The lock is a file of its own, because compaction replaces the journal's.
fn take_lock(path: &Path) -> io::Result<File> {
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(beside(path, ".lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("another process uses the sandbox's state {}: stop it, or name another file", path.display()),
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
        if line.last() != Some(&b'\n') {
            tracing::warn!(line = number, "dropped the unfinished last line of the sandbox's state");
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
        format!("the sandbox's state {} is unusable at line {line}: {why}; delete it to start anew", path.display()),
    )
}

/// Writes the state to a fresh file and puts that in the journal's place.
fn rewrite(path: &Path, state: &State) -> io::Result<(File, usize)> {
    let fresh = beside(path, ".new");
    // A file that is already there may have another mode; this one must be its owner's alone.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(&fresh)?;
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
    fs::rename(&fresh, path)?;
    Ok((file, lines))
}

//! The embedded default's own files: secrets made once, readable by their owner alone.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The secret in this file; a fresh one (256 bits from the system's generator, in hex) where there is none.
pub(crate) fn secret(folder: &Path, file: &str) -> io::Result<String> {
    if let Some(existing) = read(folder, file)? {
        return Ok(existing);
    }
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let fresh: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    keep(folder, file, &fresh)
}

/// What a file of this folder holds, without its newline; `None` where there is none.
pub(crate) fn read(folder: &Path, file: &str) -> io::Result<Option<String>> {
    match std::fs::read_to_string(folder.join(file)) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file as a whole, unless another process was first: then gives what that one wrote.
pub(crate) fn keep(folder: &Path, file: &str, text: &str) -> io::Result<String> {
    let draft = draft(folder, file, text)?;
    let linked = std::fs::hard_link(&draft, folder.join(file));
    std::fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(text.to_owned()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(folder, file)?.ok_or(error),
        Err(error) => Err(error),
    }
}

/// Writes a file as a whole, in place of the one that is there.
pub(crate) fn replace(folder: &Path, file: &str, text: &str) -> io::Result<()> {
    std::fs::rename(draft(folder, file, text)?, folder.join(file))
}

fn draft(folder: &Path, file: &str, text: &str) -> io::Result<std::path::PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!(".{file}.{}", std::process::id()));
    let mut draft =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    writeln!(draft, "{text}")?;
    draft.sync_all()?;
    Ok(path)
}

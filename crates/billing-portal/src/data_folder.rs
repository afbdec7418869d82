//! The data folder of the embedded default: generated secrets and addresses, readable by their
//! owner only.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Returns the secret in this file. If there is no file, it generates 256 random bits, in hex.
pub(crate) fn secret(folder: &Path, file: &str) -> io::Result<String> {
    if let Some(existing) = read(folder, file)? {
        return Ok(existing);
    }
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    create(folder, file, &secret)
}

/// Returns the text of a file without its trailing white space, or `None` if there is no file.
pub(crate) fn read(folder: &Path, file: &str) -> io::Result<Option<String>> {
    match std::fs::read_to_string(folder.join(file)) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates a file atomically. If another process created it first, returns the text of that
/// process.
fn create(folder: &Path, file: &str, text: &str) -> io::Result<String> {
    let temporary = write_temporary(folder, file, text)?;
    let linked = std::fs::hard_link(&temporary, folder.join(file));
    std::fs::remove_file(&temporary)?;
    match linked {
        Ok(()) => Ok(text.to_owned()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(folder, file)?.ok_or(error),
        Err(error) => Err(error),
    }
}

/// Writes a file atomically, and replaces an existing file.
pub(crate) fn replace(folder: &Path, file: &str, text: &str) -> io::Result<()> {
    std::fs::rename(write_temporary(folder, file, text)?, folder.join(file))
}

fn write_temporary(folder: &Path, file: &str, text: &str) -> io::Result<std::path::PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!(".{file}.{}", std::process::id()));
    let mut temporary =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    writeln!(temporary, "{text}")?;
    temporary.sync_all()?;
    Ok(path)
}

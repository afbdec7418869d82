//! The output of a process so far.

use std::sync::Mutex;

/// The output of a stream so far. A reader thread appends to it.
#[derive(Debug, Default)]
pub struct Output(Mutex<String>);

impl Output {
    /// Returns the text so far.
    ///
    /// # Panics
    /// When the lock is poisoned.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.lock().expect("no reader panics").clone()
    }

    /// Returns the number of bytes so far.
    ///
    /// # Panics
    /// When the lock is poisoned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().expect("no reader panics").len()
    }

    /// Returns whether the output is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the text from this byte on.
    ///
    /// # Panics
    /// When the lock is poisoned.
    #[must_use]
    pub fn text_from(&self, start: usize) -> String {
        self.0.lock().expect("no reader panics").get(start..).unwrap_or_default().to_owned()
    }

    pub(crate) fn push(&self, line: &[u8]) {
        self.0.lock().expect("no reader panics").push_str(&String::from_utf8_lossy(line));
    }
}

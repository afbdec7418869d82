//! The text that a process has written so far.

use std::sync::Mutex;

/// The text that a stream has carried so far. A reader thread appends to it.
#[derive(Debug, Default)]
pub struct Output(Mutex<String>);

impl Output {
    /// The text so far.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.lock().expect("no reader panics").clone()
    }

    /// How many bytes it has said so far.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().expect("no reader panics").len()
    }

    /// Whether it has said nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text from this byte on.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn text_from(&self, start: usize) -> String {
        self.0.lock().expect("no reader panics").get(start..).unwrap_or_default().to_owned()
    }

    pub(crate) fn push(&self, line: &[u8]) {
        self.0.lock().expect("no reader panics").push_str(&String::from_utf8_lossy(line));
    }
}

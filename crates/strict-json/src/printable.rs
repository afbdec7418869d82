//! [`printable`]: foreign text made safe for a sentence or a log line.

/// Escapes control characters and cuts `text` after 64 characters.
#[must_use]
pub fn printable(text: &str) -> String {
    const LONGEST: usize = 64;
    let mut escaped: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        escaped.push('…');
    }
    escaped
}

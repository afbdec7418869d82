//! [`printable`] escapes untrusted text for messages and log lines.

/// Escapes control characters and truncates `text` to 64 characters.
#[must_use]
pub fn printable(text: &str) -> String {
    const MAX_CHARS: usize = 64;
    let mut escaped: String = text.chars().take(MAX_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        escaped.push('…');
    }
    escaped
}

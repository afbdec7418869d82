//! [`Redactor`] cleans text from a peer for the log: no secrets, no control characters, bounded.

use std::fmt::Write;

use secrecy::{ExposeSecret, SecretString};

const MASK: &str = "[masked]";

/// Rules for cleaning text from a peer.
#[derive(Clone, Copy, Debug)]
pub struct Redactor {
    /// Hosts whose URLs keep their path. URLs of other hosts keep the host name only: the rest
    /// may identify a session or be a customer's return URL.
    pub readable_hosts: &'static [&'static str],
    /// Path prefix of secret URLs. Text after it is masked, also in URLs without a scheme.
    pub secret_path: &'static str,
    /// Returns whether a word of letters, digits, `_` and `*` looks like a credential.
    pub is_secret: fn(&str) -> bool,
}

impl Redactor {
    /// Returns `text` on one line of at most `limit` characters. Masks `own` and everything that
    /// looks like a credential.
    #[must_use]
    pub fn clean(&self, text: &str, own: &SecretString, limit: usize) -> String {
        let text = text.replace(own.expose_secret(), MASK);
        let delimiter = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '"' | '\'' | '`' | '<' | '>' | '(' | ')')
        };
        let mut masked = String::with_capacity(text.len());
        for piece in text.split_inclusive(delimiter) {
            self.mask_urls(piece, &mut masked);
        }
        one_line(&masked, limit)
    }

    fn mask_urls(&self, piece: &str, out: &mut String) {
        let Some((before, after)) = piece.split_once("://") else {
            // A URL without its scheme.
            match piece.split_once(self.secret_path) {
                Some((before, _)) => {
                    self.mask_words(before, out);
                    out.push_str(self.secret_path);
                    out.push_str(MASK);
                }
                None => self.mask_words(piece, out),
            }
            return;
        };
        self.mask_words(before, out);
        out.push_str("://");
        let (authority, rest) =
            after.find(['/', '?', '#']).map_or((after, ""), |at| after.split_at(at));
        let host = authority.rsplit('@').next().unwrap_or_default();
        out.push_str(host);
        if self.readable_hosts.contains(&host) {
            let path = rest.find(['?', '#']).map_or(rest, |at| &rest[..at]);
            self.mask_words(path, out);
        } else if !rest.is_empty() {
            out.push('/');
            out.push_str(MASK);
            // Keep the delimiter that ended the piece.
            out.extend(
                rest.chars()
                    .last()
                    .filter(|c| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '`' | ')' | '>')),
            );
        }
    }

    fn mask_words(&self, text: &str, out: &mut String) {
        // A peer may show a key with most characters replaced by asterisks.
        let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '*';
        let mut rest = text;
        while let Some(start) = rest.find(in_word) {
            let (between, from) = rest.split_at(start);
            let (word, after) =
                from.find(|c| !in_word(c)).map_or((from, ""), |end| from.split_at(end));
            out.push_str(between);
            out.push_str(if (self.is_secret)(word) { MASK } else { word });
            rest = after;
        }
        out.push_str(rest);
    }
}

/// Escapes control and text-direction characters and truncates to `limit` characters.
fn one_line(text: &str, limit: usize) -> String {
    let changes_direction = |c: char| matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut line = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            line.push('…');
            break;
        }
        if c.is_control() || changes_direction(c) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{}", c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REDACTOR: Redactor = Redactor {
        readable_hosts: &["docs.example"],
        secret_path: "/session/",
        is_secret: |word| word.starts_with("key_"),
    };

    fn clean(text: &str, limit: usize) -> String {
        REDACTOR.clean(text, &SecretString::from("own0123456789"), limit)
    }

    #[test]
    fn clean_masks_secrets_and_keeps_readable_hosts() {
        for (text, expected) in [
            ("own key own0123456789.", "own key [masked]."),
            ("'key_1' and key_****2", "'[masked]' and [masked]"),
            ("(https://u:p@a.example/?t=1)", "(https://a.example/[masked])"),
            ("a.example/session/x", "a.example/session/[masked]"),
            ("https://docs.example/key_1/errors?t=1", "https://docs.example/[masked]/errors"),
        ] {
            assert_eq!(clean(text, 300), expected);
        }
    }

    #[test]
    fn clean_returns_one_bounded_line() {
        assert_eq!(clean("a\r\nb\u{1b}[31m\u{202e}", 300), r"a\u{d}\u{a}b\u{1b}[31m\u{202e}");
        assert_eq!(clean(&"x".repeat(10), 4), "xxxx…");
    }

    proptest! {
        #[test]
        fn clean_never_returns_a_secret_or_a_line_break(before in "\\PC{0,40}", after in "[\\x00-\\x7f]{0,40}") {
            let line = clean(&format!("{before} key_Other0123 own0123456789{after}"), 300);
            prop_assert!(!line.contains("Other0123") && !line.contains("own0123456789"));
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}

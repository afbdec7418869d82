//! [`Redactor`]: makes text from a peer fit for the log: no secrets, no control characters, bounded.

use std::fmt::Write;

use secrecy::{ExposeSecret, SecretString};

const MASK: &str = "[masked]";

/// What a peer's texts may show.
#[derive(Clone, Copy, Debug)]
pub struct Redactor {
    /// Hosts whose pages help the operator. A URL of another host keeps the host alone: the rest
    /// may be a session, or a customer's own return URL.
    pub readable_hosts: &'static [&'static str],
    /// The path after which a URL is a secret, also where the URL has no scheme.
    pub secret_path: &'static str,
    /// Whether a word of letters, digits, `_` and `*` looks like a credential.
    pub is_secret: fn(&str) -> bool,
}

impl Redactor {
    /// The text on one line, in at most `limit` characters, without our own key and without
    /// anything that looks like a credential.
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
            // The delimiter that ended the piece.
            out.extend(
                rest.chars()
                    .last()
                    .filter(|c| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '`' | ')' | '>')),
            );
        }
    }

    fn mask_words(&self, text: &str, out: &mut String) {
        // A key may be shown with most of its characters as asterisks.
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

/// Escapes control characters, also those that change the direction of text, and cuts after `limit` characters.
fn one_line(text: &str, limit: usize) -> String {
    let turns = |c: char| matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut line = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            line.push('…');
            break;
        }
        if c.is_control() || turns(c) {
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
    fn secrets_are_masked_and_readable_pages_stay() {
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
    fn a_line_stays_a_line() {
        assert_eq!(clean("a\r\nb\u{1b}[31m\u{202e}", 300), r"a\u{d}\u{a}b\u{1b}[31m\u{202e}");
        assert_eq!(clean(&"x".repeat(10), 4), "xxxx…");
    }

    proptest! {
        #[test]
        fn no_text_brings_a_secret_or_a_line_break_through(before in "\\PC{0,40}", after in "[\\x00-\\x7f]{0,40}") {
            let line = clean(&format!("{before} key_Other0123 own0123456789{after}"), 300);
            prop_assert!(!line.contains("Other0123") && !line.contains("own0123456789"));
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}

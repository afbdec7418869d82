//! Makes somebody else's text fit for our log: no secrets, no control characters, bounded.

use std::fmt::Write;

use secrecy::{ExposeSecret, SecretString};

const MASK: &str = "[masked]";
/// Pages that a message may point the operator to; any other URL keeps its host alone, for it may be a session or a customer's
/// own return URL.
const READABLE_HOSTS: [&str; 4] =
    ["dashboard.stripe.com", "docs.stripe.com", "stripe.com", "support.stripe.com"];

/// The text without our own key, without anything that looks like a credential, on one line, in at most `limit` characters.
pub(crate) fn clean(text: &str, own: &SecretString, limit: usize) -> String {
    let text = text.replace(own.expose_secret(), MASK);
    let delimiter = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '(' | ')')
    };
    let mut masked = String::with_capacity(text.len());
    for piece in text.split_inclusive(delimiter) {
        mask_urls(piece, &mut masked);
    }
    one_line(&masked, limit)
}

fn mask_urls(piece: &str, out: &mut String) {
    let Some((before, after)) = piece.split_once("://") else {
        // A session's URL without its scheme.
        match piece.split_once("/p/session/") {
            Some((before, _)) => {
                mask_words(before, out);
                out.push_str("/p/session/");
                out.push_str(MASK);
            }
            None => mask_words(piece, out),
        }
        return;
    };
    mask_words(before, out);
    out.push_str("://");
    let (authority, rest) =
        after.find(['/', '?', '#']).map_or((after, ""), |at| after.split_at(at));
    let host = authority.rsplit('@').next().unwrap_or_default();
    out.push_str(host);
    if READABLE_HOSTS.contains(&host) {
        let path = rest.find(['?', '#']).map_or(rest, |at| &rest[..at]);
        mask_words(path, out);
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

fn mask_words(text: &str, out: &mut String) {
    // Stripe shows keys with most of their characters as asterisks.
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '*';
    let mut rest = text;
    while let Some(start) = rest.find(in_word) {
        let (between, from) = rest.split_at(start);
        let (word, after) = from.find(|c| !in_word(c)).map_or((from, ""), |end| from.split_at(end));
        out.push_str(between);
        out.push_str(if is_secret(word) { MASK } else { word });
        rest = after;
    }
    out.push_str(rest);
}

/// Secret and restricted keys, webhook secrets, client secrets of intents, and the tokens of sessions.
fn is_secret(word: &str) -> bool {
    let token = |prefix: &str| word.starts_with(prefix) && word.len() > 20;
    ["sk_", "rk_", "whsec_"].iter().any(|prefix| word.starts_with(prefix))
        || word.contains("_secret_")
        || token("test_")
        || token("live_")
}

/// Control characters escaped, also those that turn the direction of text around; cut at `limit` characters.
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

    fn cleaned(text: &str) -> String {
        clean(text, &SecretString::from("sk_test_own0123456789"), 300)
    }

    #[test]
    fn credentials_are_masked() {
        for (text, expected) in [
            ("key sk_test_own0123456789.", "key [masked]."),
            ("xxsk_test_own0123456789xx", "xx[masked]xx"),
            ("Invalid API Key provided: rk_live_****1234", "Invalid API Key provided: [masked]"),
            ("'whsec_abc' and pi_1_secret_2", "'[masked]' and [masked]"),
            (
                "at https://billing.stripe.com/p/session/test_x now",
                "at https://billing.stripe.com/[masked] now",
            ),
            ("billing.stripe.com/p/session/test_x", "billing.stripe.com/p/session/[masked]"),
            ("(https://u:p@a.example/?t=1)", "(https://a.example/[masked])"),
            ("test_0123456789abcdefXY", "[masked]"),
        ] {
            assert_eq!(cleaned(text), expected);
        }
    }

    #[test]
    fn what_helps_stays() {
        for text in [
            "No such customer: 'cus_1'; a similar object exists in live mode",
            "Save it at https://dashboard.stripe.com/test/settings/billing/portal.",
            "task_list ask_me https://a.example",
        ] {
            assert_eq!(cleaned(text), text);
        }
        assert_eq!(
            cleaned("https://dashboard.stripe.com/logs/req_1?t=2"),
            "https://dashboard.stripe.com/logs/req_1"
        );
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(cleaned("a\r\nb\u{1b}[31m\u{202e}"), r"a\u{d}\u{a}b\u{1b}[31m\u{202e}");
        assert_eq!(clean(&"x".repeat(10), &SecretString::from("k_"), 4), "xxxx…");
    }

    proptest! {
        #[test]
        fn no_text_brings_a_secret_or_a_line_break_through(before in "\\PC{0,40}", after in "[\\x00-\\x7f]{0,40}") {
            let text = format!("{before} sk_live_Other0123456789 sk_test_own0123456789{after}");
            let line = clean(&text, &SecretString::from("sk_test_own0123456789"), 300);
            prop_assert!(!line.contains("Other0123456789") && !line.contains("own0123456789"));
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}

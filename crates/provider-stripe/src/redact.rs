//! Redacts text from Stripe for the log.

use outbound_http::Redactor;

/// Hosts whose URLs stay readable, because they help the operator.
const READABLE_HOSTS: [&str; 4] =
    ["dashboard.stripe.com", "docs.stripe.com", "stripe.com", "support.stripe.com"];

/// Masks credentials in Stripe's texts.
pub(crate) const REDACTOR: Redactor =
    Redactor { readable_hosts: &READABLE_HOSTS, secret_path: "/p/session/", is_secret };

/// Detects secret and restricted keys, webhook secrets, client secrets of intents, and session
/// tokens.
fn is_secret(word: &str) -> bool {
    let token = |prefix: &str| word.starts_with(prefix) && word.len() > 20;
    ["sk_", "rk_", "whsec_"].iter().any(|prefix| word.starts_with(prefix))
        || word.contains("_secret_")
        || token("test_")
        || token("live_")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use secrecy::SecretString;

    use super::*;

    fn clean(text: &str, own: &SecretString, limit: usize) -> String {
        REDACTOR.clean(text, own, limit)
    }

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
    fn helpful_text_is_kept() {
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
    fn clean_returns_one_bounded_line() {
        assert_eq!(cleaned("a\r\nb\u{1b}[31m\u{202e}"), r"a\u{d}\u{a}b\u{1b}[31m\u{202e}");
        assert_eq!(clean(&"x".repeat(10), &SecretString::from("k_"), 4), "xxxx…");
    }

    proptest! {
        #[test]
        fn clean_never_returns_a_secret_or_a_line_break(before in "\\PC{0,40}", after in "[\\x00-\\x7f]{0,40}") {
            let text = format!("{before} sk_live_Other0123456789 sk_test_own0123456789{after}");
            let line = clean(&text, &SecretString::from("sk_test_own0123456789"), 300);
            prop_assert!(!line.contains("Other0123456789") && !line.contains("own0123456789"));
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}

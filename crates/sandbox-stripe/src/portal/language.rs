//! Chooses a page's language: session, customer, browser, then English.

use axum::http::{HeaderMap, header};

use crate::locale::Language;

/// Returns the language of a session's pages. An unsupported explicit locale falls back to English.
pub(crate) fn of_session(
    locale: Option<&str>,
    preferred: &[String],
    headers: &HeaderMap,
) -> Language {
    match locale {
        Some(tag) if tag != "auto" => of_tag(tag).unwrap_or(Language::English),
        _ => preferred.iter().find_map(|tag| of_tag(tag)).unwrap_or_else(|| of_browser(headers)),
    }
}

/// Returns the supported language that the browser prefers (RFC 9110, 12.5.4).
pub(crate) fn of_browser(headers: &HeaderMap) -> Language {
    let wishes = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut best = None;
    for wish in wishes.split(',') {
        let (tag, weight) = wish.split_once(';').unwrap_or((wish, "q=1"));
        let weight: f32 =
            weight.trim().strip_prefix("q=").and_then(|q| q.trim().parse().ok()).unwrap_or(0.0);
        if let Some(language) = of_tag(tag.trim())
            && weight > 0.0
            && best.is_none_or(|(_, best)| weight > best)
        {
            best = Some((language, weight));
        }
    }
    best.map_or(Language::English, |(language, _)| language)
}

fn of_tag(tag: &str) -> Option<Language> {
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    Language::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser(wishes: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, wishes.parse().expect("header"))])
    }

    #[test]
    fn page_uses_the_browsers_preferred_supported_language() {
        for (wishes, language) in [
            ("ko-KR,ko;q=0.9,en;q=0.8", Language::Korean),
            ("ja,en;q=0.3,ko;q=0.7", Language::Korean),
            ("en-GB,ko;q=0.9", Language::English),
            ("ko;q=0,fr", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(of_browser(&browser(wishes)), language, "{wishes}");
        }
    }

    #[test]
    fn the_session_overrides_the_customer_and_the_customer_overrides_the_browser() {
        let korean = browser("ko");
        let preferred = ["ko-KR".to_owned()];
        assert_eq!(of_session(Some("en-GB"), &preferred, &korean), Language::English);
        assert_eq!(of_session(Some("ja"), &[], &korean), Language::English);
        assert_eq!(of_session(Some("auto"), &[], &korean), Language::Korean);
        assert_eq!(of_session(None, &preferred, &HeaderMap::new()), Language::Korean);
    }
}

//! Form data, and protection against forged forms.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use url::Url;

use super::page::Refusal;
use crate::{body, ids};

/// The name of the hidden field with the CSRF token.
pub(super) const CSRF_FIELD: &str = "csrf";

/// Fields by name. Never log a form: it may contain a card number.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses a query string or a form body.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(
            url::form_urlencoded::parse(text)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// Returns the trimmed value of a field; empty if it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// Returns a field as a whole number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }

    /// Returns whether a checkbox is ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }
}

/// Returns the CSRF token of a session: a digest that does not reveal the link's secret.
pub(crate) fn csrf_token(token: &str) -> String {
    ids::digest(&format!("form of {token}"))
}

/// Reads a form and checks that a page of this session sent it.
pub(crate) async fn receive(
    parts: &Parts,
    body: Body,
    token: &str,
    base_url: &str,
) -> Result<Form, Refusal> {
    let body = body::read(body).await.map_err(|error| Refusal::Unreadable(error.status()))?;
    if !is_form(&parts.headers) {
        return Err(Refusal::Unreadable(415));
    }
    let form = Form::parse(&body);
    if is_ours(&form, token, &parts.headers, base_url) { Ok(form) } else { Err(Refusal::Forged) }
}

fn is_form(headers: &HeaderMap) -> bool {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Returns whether a page of this session sent the form.
fn is_ours(form: &Form, token: &str, headers: &HeaderMap, base_url: &str) -> bool {
    // Comparing digests avoids a timing leak.
    ids::digest(form.text(CSRF_FIELD)) == ids::digest(&csrf_token(token))
        && is_from_here(headers, base_url)
}

/// Checks the browser's headers about the sending page (<https://www.w3.org/TR/fetch-metadata/>,
/// RFC 6454). Our pages send no referrer, so `Origin` may be `null`.
fn is_from_here(headers: &HeaderMap, base_url: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN.as_str()).filter(|origin| *origin != "null") else {
        return true;
    };
    let public = Url::parse(base_url).is_ok_and(|url| url.origin().ascii_serialization() == origin);
    let host = text(header::HOST.as_str()).unwrap_or_default();
    public || origin.strip_prefix("http://") == Some(host)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn from_here(headers: &[(&str, &str)]) -> bool {
        let pair = |(name, value): &(&str, &str)| {
            (
                name.parse::<HeaderName>().expect("name"),
                value.parse::<HeaderValue>().expect("value"),
            )
        };
        is_from_here(&headers.iter().map(pair).collect(), "https://billing.example/")
    }

    #[test]
    fn only_a_page_of_the_same_origin_may_send_a_form() {
        let host = ("host", "127.0.0.1:1234");
        assert!(from_here(&[host]));
        assert!(from_here(&[host, ("origin", "null")]));
        assert!(from_here(&[host, ("origin", "http://127.0.0.1:1234")]));
        assert!(from_here(&[host, ("origin", "https://billing.example")]));
        assert!(from_here(&[host, ("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(!from_here(&[host, ("origin", "http://127.0.0.1:9999")]));
        assert!(!from_here(&[host, ("origin", "https://evil.example")]));
        for site in ["cross-site", "same-site", "?"] {
            assert!(!from_here(&[host, ("sec-fetch-site", site)]), "{site}");
        }
    }

    #[test]
    fn a_csrf_token_is_valid_for_its_own_session_only() {
        let form = Form::parse(format!("csrf={}", csrf_token("test_a")).as_bytes());
        assert!(is_ours(&form, "test_a", &HeaderMap::new(), ""));
        assert!(!is_ours(&form, "test_b", &HeaderMap::new(), ""));
        assert!(!is_ours(&Form::default(), "test_a", &HeaderMap::new(), ""));
        assert!(!csrf_token("test_a").contains("test_a"));
    }

    #[test]
    fn fields_are_trimmed_and_the_first_duplicate_is_used() {
        let form = Form::parse(b"a=+x+&a=y&n=12&box=on");
        assert_eq!((form.text("a"), form.text("none"), form.number("n")), ("x", "", Some(12)));
        assert!(form.ticked("box") && !form.ticked("other"));
    }
}

//! What a page's form sends, and whether it was ours that sent it.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use url::Url;

use super::page::Refusal;
use crate::{body, ids};

/// The name of the hidden field that proves where a form came from.
pub(super) const PROOF: &str = "csrf";

/// Fields by name; it is never logged, because a card number may be in it.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query string or the body of a form.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(
            url::form_urlencoded::parse(text)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The field without white space around it; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }

    /// Whether a box is ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }
}

/// What a session's forms carry: only who knows the secret in the link can know it, and it is no way back to it.
pub(crate) fn proof(token: &str) -> String {
    ids::digest(&format!("form of {token}"))
}

/// The form that a page of this session has sent.
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

/// Whether a form comes from a page of this session.
fn is_ours(form: &Form, token: &str, headers: &HeaderMap, base_url: &str) -> bool {
    // The digests are compared, so that the timing tells nothing.
    ids::digest(form.text(PROOF)) == ids::digest(&proof(token)) && is_from_here(headers, base_url)
}

/// What the browser says of the page that sent the form (<https://www.w3.org/TR/fetch-metadata/>, RFC 6454). Our pages send
/// no referrer, so their browser may say `null`.
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
    fn a_form_proves_its_session_and_no_other() {
        let form = Form::parse(format!("csrf={}", proof("test_a")).as_bytes());
        assert!(is_ours(&form, "test_a", &HeaderMap::new(), ""));
        assert!(!is_ours(&form, "test_b", &HeaderMap::new(), ""));
        assert!(!is_ours(&Form::default(), "test_a", &HeaderMap::new(), ""));
        assert!(!proof("test_a").contains("test_a"));
    }

    #[test]
    fn fields_are_trimmed_and_the_first_of_two_counts() {
        let form = Form::parse(b"a=+x+&a=y&n=12&box=on");
        assert_eq!((form.text("a"), form.text("none"), form.number("n")), ("x", "", Some(12)));
        assert!(form.ticked("box") && !form.ticked("other"));
    }
}

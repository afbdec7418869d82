//! Renders templates into responses with security headers.

use std::io;

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::assets;
use super::text::Text;
use crate::locale::Language;

/// The data that every page needs.
pub(crate) struct Frame {
    pub(crate) lang: &'static str,
    pub(crate) text: &'static Text,
    pub(crate) style: &'static str,
    pub(crate) icon: &'static str,
}

/// An error page outside the portal's layout.
#[derive(Template)]
#[template(path = "closed.html")]
pub(crate) struct Closed {
    pub(crate) frame: Frame,
    pub(crate) title: &'static str,
    pub(crate) message: &'static str,
    /// Whether the link has expired.
    pub(crate) expired: bool,
    /// A link back to the portal or the checkout.
    pub(crate) back: Option<String>,
}

impl Frame {
    pub(crate) fn new(language: Language) -> Self {
        Self {
            lang: language.tag(),
            text: language.text(),
            style: &assets::STYLE.path,
            icon: &assets::ICON.path,
        }
    }
}

/// The reason why a page is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The session has expired.
    Expired,
    /// The session or the page does not exist.
    Unknown,
    /// No page of the session sent the form.
    Forged,
    /// The body is not a form; the value is the response status.
    Unreadable(u16),
    /// The sandbox failed.
    Failed,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "a portal page failed");
        Self::Failed
    }
}

impl Refusal {
    /// Returns the error page, with a link `back` if there is one.
    pub(crate) fn response(self, language: Language, back: Option<String>) -> Response {
        let text = language.text();
        let (status, title, message) = match self {
            Self::Expired => (StatusCode::GONE, text.expired_title, text.expired_message),
            Self::Unknown if back.is_some() => {
                (StatusCode::NOT_FOUND, text.missing_title, text.missing_message)
            }
            Self::Unknown => (StatusCode::NOT_FOUND, text.unknown_title, text.unknown_message),
            Self::Forged => (StatusCode::FORBIDDEN, text.forged_title, text.forged_message),
            Self::Unreadable(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                (status, text.forged_title, text.forged_message)
            }
            Self::Failed => {
                (StatusCode::INTERNAL_SERVER_ERROR, text.failed_title, text.failed_message)
            }
        };
        let expired = self == Self::Expired;
        render(status, &Closed { frame: Frame::new(language), title, message, expired, back }, None)
    }
}

/// Renders a page. `beyond` is a further content security policy source for redirects of its
/// forms.
pub(crate) fn render(
    status: StatusCode,
    page: &impl Template,
    form_target: Option<&str>,
) -> Response {
    let (status, html) = match page.render() {
        Ok(html) => (status, html),
        Err(error) => {
            tracing::error!(%error, "rendering a portal page failed");
            (StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
    };
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    set_security_headers(&mut response, form_target);
    response
}

/// Redirects with 303.
pub(crate) fn redirect(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    match HeaderValue::from_str(location) {
        Ok(location) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, location);
        }
        Err(error) => {
            tracing::error!(%error, "a redirect target is not a valid header value");
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    set_security_headers(&mut response, None);
    response
}

/// Sets the security headers: no scripts, no external content, no framing, no caching. No referrer
/// leaks the URL, which is a credential.
fn set_security_headers(response: &mut Response, form_target: Option<&str>) {
    let space = if form_target.is_some() { " " } else { "" };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; \
        form-action 'self'{space}{}; base-uri 'none'; frame-ancestors 'none'",
        form_target.unwrap_or_default()
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::VARY, "Accept-Language"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Returns all templates below a folder, with their paths.
    fn templates(folder: &Path) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(templates(&path));
            } else {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
        found
    }

    /// Returns the text between `<name …>` and `</name>` for each occurrence.
    fn contents<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
        let start = format!("<{name} ");
        let end = format!("</{name}>");
        let starts = text.match_indices(&start);
        starts.filter_map(|(at, _)| text[at..].split(&end).next()).collect()
    }

    /// A pointer that targets a link's first box would hit the hidden text instead of the visible.
    #[test]
    fn links_and_buttons_contain_no_hidden_text() {
        let all = templates(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"));
        let within = |text: &str| {
            ["a", "button"].iter().map(|name| contents(text, name).len()).sum::<usize>()
        };
        assert!(all.iter().map(|(_, text)| within(text)).sum::<usize>() > 20);
        for (path, text) in &all {
            for content in contents(text, "a").into_iter().chain(contents(text, "button")) {
                assert!(
                    !content.contains("class=\"hidden\""),
                    "{path}: use aria-label instead: {content}"
                );
            }
        }
    }
}

//! The sidebar of every page: the seller and the return link.

use url::Url;

use super::form;
use super::notice::{Notice, NoticeView};
use super::sessions::Visit;
use super::text::Text;
use crate::sanitize::plain;

/// The layout data of a session's pages.
pub(super) struct Shell {
    pub(super) headline: String,
    pub(super) return_link: Option<ReturnLink>,
    pub(super) privacy_url: Option<String>,
    pub(super) terms_url: Option<String>,
    /// The portal's first page; None within a flow, which hides the rest of the portal.
    pub(super) home: Option<String>,
    /// The CSRF token of the forms.
    pub(super) csrf_token: String,
    pub(super) notice: Option<NoticeView>,
}

/// The link back to the merchant's site.
pub(crate) struct ReturnLink {
    pub(crate) href: String,
    pub(crate) label: String,
}

impl Shell {
    pub(super) fn of(visit: &Visit<'_>) -> Self {
        let text = visit.text();
        let configuration = visit.configuration;
        let link = |url: &Option<String>| url.as_deref().and_then(web_url).map(String::from);
        Self {
            headline: configuration
                .headline
                .as_deref()
                .map(plain)
                .unwrap_or_else(|| text.headline.to_owned()),
            return_link: visit
                .session
                .return_url
                .as_deref()
                .and_then(|url| ReturnLink::to(url, text)),
            privacy_url: link(&configuration.privacy_policy_url),
            terms_url: link(&configuration.terms_of_service_url),
            home: visit.session.active_flow().is_none().then(|| visit.home()),
            csrf_token: form::csrf_token(visit.request.token),
            notice: Notice::of(visit),
        }
    }
}

impl ReturnLink {
    pub(crate) fn to(url: &str, text: &Text) -> Option<Self> {
        let url = web_url(url)?;
        let host = url.host_str()?;
        let place = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let label = (text.return_to)(&place);
        Some(Self { href: url.into(), label })
    }
}

/// Parses a link target. Stored values with other schemes, such as `javascript:`, are refused.
pub(super) fn web_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_urls_become_links() {
        assert!(web_url("https://example.com/a").is_some());
        assert!(web_url("javascript:alert(1)").is_none());
        assert!(web_url("//example.com").is_none());
    }
}

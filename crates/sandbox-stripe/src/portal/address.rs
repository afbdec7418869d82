//! External URLs in response headers.

use url::Url;

/// Returns the URL in ASCII, for a `Location` header.
pub(crate) fn to_ascii(url: &str) -> String {
    if url.is_ascii() {
        url.to_owned()
    } else {
        Url::parse(url).map_or_else(|_| url.to_owned(), String::from)
    }
}

/// Returns the URL's origin as a source for a content security policy.
pub(crate) fn csp_source(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    // A policy source may contain letters, digits, hyphens and dots only
    // (<https://www.w3.org/TR/CSP3/#framework-directive-source-list>).
    let nameable = url
        .host_str()?
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    Some(if nameable { url.origin().ascii_serialization() } else { format!("{}:", url.scheme()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_source_is_exactly_the_origin() {
        assert_eq!(
            csp_source("https://app.example.com/done?x=1;y").as_deref(),
            Some("https://app.example.com")
        );
        assert_eq!(csp_source("http://127.0.0.1:8080/").as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(csp_source("http://[::1]:8080/").as_deref(), Some("http:"));
        assert_eq!(csp_source("https://a;script-src/").as_deref(), Some("https:"));
    }

    #[test]
    fn a_non_ascii_url_is_encoded_and_an_ascii_url_is_unchanged() {
        assert_eq!(to_ascii("https://a.example?b=%C3%A9"), "https://a.example?b=%C3%A9");
        assert_eq!(to_ascii("https://예시.kr/완료"), "https://xn--vv4b11d.kr/%EC%99%84%EB%A3%8C");
    }
}

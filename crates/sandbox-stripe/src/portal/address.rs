//! Addresses beyond the sandbox that a page leads to, as headers carry them.

use url::Url;

/// The URL as a `Location` can carry it.
pub(crate) fn in_ascii(url: &str) -> String {
    if url.is_ascii() {
        url.to_owned()
    } else {
        Url::parse(url).map_or_else(|_| url.to_owned(), String::from)
    }
}

/// The URL's origin as a source in the words of a content security policy.
pub(crate) fn source(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    // A policy can name letters, digits, hyphens and dots only (<https://www.w3.org/TR/CSP3/#framework-directive-source-list>).
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
    fn exactly_the_origin_of_an_address_is_let_through() {
        assert_eq!(
            source("https://app.example.com/done?x=1;y").as_deref(),
            Some("https://app.example.com")
        );
        assert_eq!(source("http://127.0.0.1:8080/").as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(source("http://[::1]:8080/").as_deref(), Some("http:"));
        assert_eq!(source("https://a;script-src/").as_deref(), Some("https:"));
    }

    #[test]
    fn an_address_fits_a_header_and_is_otherwise_as_it_was_given() {
        assert_eq!(in_ascii("https://a.example?b=%C3%A9"), "https://a.example?b=%C3%A9");
        assert_eq!(in_ascii("https://예시.kr/완료"), "https://xn--vv4b11d.kr/%EC%99%84%EB%A3%8C");
    }
}

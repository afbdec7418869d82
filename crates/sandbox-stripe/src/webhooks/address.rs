//! Validates the URLs of webhook endpoints.

use hyper::Uri;
use url::Url;

/// The reason why a URL is refused. The messages are API errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("Not a valid URL")]
    Invalid,
    #[error(
        "This sandbox has no TLS and delivers to http:// URLs only, such as \
        http://127.0.0.1:3000/webhooks."
    )]
    Encrypted,
    #[error("An endpoint's URL must not contain a user name or a password.")]
    Credentials,
}

/// Returns the URL if events can be delivered to it.
pub(crate) fn check(text: &str) -> Result<String, UrlError> {
    let url = Url::parse(text).map_err(|_| UrlError::Invalid)?;
    match url.scheme() {
        "http" => {}
        "https" => return Err(UrlError::Encrypted),
        _ => return Err(UrlError::Invalid),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    let spelt = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if spelt && url.has_host() && url.as_str().parse::<Uri>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(UrlError::Invalid)
    }
}

/// Returns the URL for a request: host names in ASCII, the path encoded.
pub(super) fn to_uri(text: &str) -> Option<Uri> {
    Url::parse(text).ok()?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_urls_of_any_host_are_accepted_unchanged() {
        for good in [
            "http://127.0.0.1:3000/webhooks?a=b",
            "http://[::1]:1",
            "http://a.example/ü",
            "HTTP://예.example/",
        ] {
            assert_eq!(check(good).as_deref(), Ok(good));
            assert!(to_uri(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "here",
            "ftp://a.example/",
            "http://",
            "http://a b/",
            " http://a.example/",
            "http://a.example/\n",
        ] {
            assert_eq!(check(bad), Err(UrlError::Invalid), "{bad:?}");
        }
        assert_eq!(check("https://a.example/"), Err(UrlError::Encrypted));
        assert_eq!(check("http://me:secret@a.example/"), Err(UrlError::Credentials));
    }
}

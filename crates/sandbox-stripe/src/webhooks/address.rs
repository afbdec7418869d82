//! The addresses that events can be delivered to.

use hyper::Uri;
use url::Url;

/// Why nothing can be delivered there. The texts are fit for whoever has sent the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAddress {
    #[error("Not a valid URL")]
    Invalid,
    #[error(
        "This sandbox has no TLS and delivers to http:// addresses only, such as http://127.0.0.1:3000/webhooks."
    )]
    Encrypted,
    #[error("An endpoint's URL must not hold a user name or a password.")]
    Credentials,
}

/// The address, if events can be delivered there.
pub(crate) fn check(text: &str) -> Result<String, NoAddress> {
    let url = Url::parse(text).map_err(|_| NoAddress::Invalid)?;
    match url.scheme() {
        "http" => {}
        "https" => return Err(NoAddress::Encrypted),
        _ => return Err(NoAddress::Invalid),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NoAddress::Credentials);
    }
    let spelt = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if spelt && url.has_host() && url.as_str().parse::<Uri>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(NoAddress::Invalid)
    }
}

/// The address as a request carries it: host names in ASCII, the path encoded.
pub(super) fn to_uri(text: &str) -> Option<Uri> {
    Url::parse(text).ok()?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_of_any_host_are_taken_as_they_are_spelt() {
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
            assert_eq!(check(bad), Err(NoAddress::Invalid), "{bad:?}");
        }
        assert_eq!(check("https://a.example/"), Err(NoAddress::Encrypted));
        assert_eq!(check("http://me:secret@a.example/"), Err(NoAddress::Credentials));
    }
}

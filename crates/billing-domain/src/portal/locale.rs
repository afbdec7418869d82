//! The portal's language: a BCP 47 tag and its lookup among the provider's languages.

use std::fmt;
use std::str::FromStr;

/// The locale in a request: `auto`, or a well-formed BCP 47 language tag (RFC 5646, section 2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocaleRange(String);

/// A language of the provider's portal, in the provider's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Locale(&'static str);

/// The reasons why a locale is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocaleError {
    /// Neither `auto` nor a well-formed language tag.
    #[error("a locale must be a BCP 47 tag such as `ko-KR`, or `auto`")]
    Malformed,
    /// A well-formed tag of a language that the provider's portal does not support.
    #[error("the provider's portal does not support this language")]
    Unsupported,
}

/// The languages of a provider's portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocaleSupport {
    /// The provider's value for automatic detection, if supported.
    pub auto: Option<&'static str>,
    /// Language tags in the provider's spelling, for example `pt-BR`.
    pub tags: &'static [&'static str],
}

impl LocaleRange {
    /// Returns the unchanged text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LocaleRange {
    type Err = LocaleError;

    fn from_str(text: &str) -> Result<Self, LocaleError> {
        if text == "auto" || is_well_formed(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(LocaleError::Malformed)
        }
    }
}

impl Locale {
    /// Returns the language in the provider's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl LocaleSupport {
    /// Finds the best of the provider's languages by RFC 4647, section 3.4 ("lookup").
    ///
    /// The lookup compares tags without case. Until a tag matches, it removes the last subtag, and
    /// a single-character subtag before it.
    ///
    /// # Errors
    /// [`LocaleError::Unsupported`] if no tag matches.
    pub fn lookup(&self, range: &LocaleRange) -> Result<Locale, LocaleError> {
        if range.0 == "auto" {
            return self.auto.map(Locale).ok_or(LocaleError::Unsupported);
        }
        let mut rest = range.0.as_str();
        loop {
            if let Some(tag) = self.tags.iter().find(|tag| tag.eq_ignore_ascii_case(rest)) {
                return Ok(Locale(tag));
            }
            rest = match rest.rsplit_once('-') {
                Some((shorter, _)) => match shorter.rsplit_once('-') {
                    Some((shortest, single)) if single.len() == 1 => shortest,
                    _ => shorter,
                },
                None => return Err(LocaleError::Unsupported),
            };
        }
    }
}

/// Checks the syntax of RFC 5646, section 2.1, without the registry:
/// `language [-script] [-region] *(-variant) *(-extension) [-privateuse]`, or a private-use tag.
/// Irregular grandfathered tags are not supported.
fn is_well_formed(tag: &str) -> bool {
    let alpha = |s: &str| s.bytes().all(|b| b.is_ascii_alphabetic());
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = tag.split('-').collect();
    if parts
        .iter()
        .any(|p| p.is_empty() || p.len() > 8 || !p.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        return false;
    }
    let private_use = |from: usize| {
        parts.get(from).is_some_and(|p| p.eq_ignore_ascii_case("x")) && parts.len() > from + 1
    };
    if private_use(0) {
        return true;
    }
    let Some(language) = parts.first().filter(|p| p.len() >= 2 && alpha(p)) else { return false };
    let mut at = 1;
    let mut extended = 0;
    while language.len() <= 3
        && extended < 3
        && parts.get(at).is_some_and(|p| p.len() == 3 && alpha(p))
    {
        at += 1;
        extended += 1;
    }
    if parts.get(at).is_some_and(|p| p.len() == 4 && alpha(p)) {
        at += 1;
    }
    if parts.get(at).is_some_and(|p| (p.len() == 2 && alpha(p)) || (p.len() == 3 && digits(p))) {
        at += 1;
    }
    let variant = |p: &str| {
        p.len() >= 5 || (p.len() == 4 && p.bytes().next().is_some_and(|b| b.is_ascii_digit()))
    };
    while parts.get(at).is_some_and(|p| variant(p)) {
        at += 1;
    }
    while parts.get(at).is_some_and(|p| p.len() == 1 && !p.eq_ignore_ascii_case("x")) {
        at += 1;
        let first = at;
        while parts.get(at).is_some_and(|p| p.len() >= 2) {
            at += 1;
        }
        if at == first {
            return false;
        }
    }
    at == parts.len() || private_use(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUPPORTED: LocaleSupport = LocaleSupport {
        auto: Some("auto"),
        tags: &["en", "en-GB", "ko", "pt", "pt-BR", "zh", "zh-TW"],
    };

    fn lookup(text: &str) -> Result<&'static str, LocaleError> {
        SUPPORTED.lookup(&text.parse()?).map(Locale::as_str)
    }

    #[test]
    fn lookup_falls_back_by_rfc_4647() {
        assert_eq!(lookup("ko-KR"), Ok("ko"));
        assert_eq!(lookup("EN-gb"), Ok("en-GB"));
        assert_eq!(lookup("en-US-x-twain"), Ok("en"));
        assert_eq!(lookup("zh-Hant-TW"), Ok("zh"));
        assert_eq!(lookup("pt-BR-u-nu-latn"), Ok("pt-BR"));
        assert_eq!(lookup("auto"), Ok("auto"));
        assert_eq!(lookup("tlh"), Err(LocaleError::Unsupported));
        assert_eq!(lookup("e"), Err(LocaleError::Malformed));
    }

    #[test]
    fn invalid_tags_are_malformed() {
        for bad in [
            "",
            "*",
            "en_US",
            "en-",
            "-en",
            "en--US",
            "en-US-",
            "1n",
            "en-u",
            "en-toolongsubtag",
            "en us",
            "x",
            "Auto ",
        ] {
            assert_eq!(bad.parse::<LocaleRange>(), Err(LocaleError::Malformed), "{bad}");
        }
        for good in [
            "de-1996",
            "sl-rozaj-biske",
            "zh-cmn-Hans-CN",
            "es-419",
            "x-whatever",
            "de-CH-x-phonebk",
            "en-a-bbb-x-a",
        ] {
            assert!(good.parse::<LocaleRange>().is_ok(), "{good}");
        }
    }

    #[test]
    fn auto_is_unsupported_without_provider_support() {
        let without_auto = LocaleSupport { auto: None, tags: &["en"] };
        assert_eq!(
            "auto".parse().and_then(|range| without_auto.lookup(&range)),
            Err(LocaleError::Unsupported)
        );
    }
}

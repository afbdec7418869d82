//! The portal's language: a BCP 47 tag, looked up among those that a provider speaks.

use std::fmt;
use std::str::FromStr;

/// What a caller asks for: `auto`, or a well-formed BCP 47 language tag (RFC 5646, section 2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocaleRange(String);

/// A language that the provider speaks, in the provider's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Locale(&'static str);

/// Why a locale was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocaleError {
    /// Neither `auto` nor a well-formed language tag.
    #[error("a locale is a BCP 47 tag such as `ko-KR`, or `auto`")]
    Malformed,
    /// A fine tag in a language that the provider's portal does not speak.
    #[error("the provider's portal does not speak this language")]
    Unsupported,
}

/// The languages of a provider's portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocaleSupport {
    /// The provider's word for "as the browser says", if it has one.
    pub auto: Option<&'static str>,
    /// Language tags in the provider's spelling, for instance `pt-BR`.
    pub tags: &'static [&'static str],
}

impl LocaleRange {
    /// The text as it came.
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
    /// The provider's spelling.
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
    /// Finds the best of the provider's languages, as RFC 4647, section 3.4 ("lookup") does: compare without case, then
    /// drop the last subtag (and a single-character one that this uncovers), until something fits.
    ///
    /// # Errors
    /// [`LocaleError::Unsupported`] where nothing fits.
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

/// RFC 5646, section 2.1, without the registry: `language [-script] [-region] *(-variant) *(-extension) [-privateuse]`,
/// or a tag that is private use throughout. The irregular grandfathered tags are left out: no portal speaks Klingon.
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

    const SPOKEN: LocaleSupport = LocaleSupport {
        auto: Some("auto"),
        tags: &["en", "en-GB", "ko", "pt", "pt-BR", "zh", "zh-TW"],
    };

    fn look_up(text: &str) -> Result<&'static str, LocaleError> {
        SPOKEN.lookup(&text.parse()?).map(Locale::as_str)
    }

    #[test]
    fn lookup_falls_back_as_rfc_4647_says() {
        assert_eq!(look_up("ko-KR"), Ok("ko"));
        assert_eq!(look_up("EN-gb"), Ok("en-GB"));
        assert_eq!(look_up("en-US-x-twain"), Ok("en"));
        assert_eq!(look_up("zh-Hant-TW"), Ok("zh"));
        assert_eq!(look_up("pt-BR-u-nu-latn"), Ok("pt-BR"));
        assert_eq!(look_up("auto"), Ok("auto"));
        assert_eq!(look_up("tlh"), Err(LocaleError::Unsupported));
        assert_eq!(look_up("e"), Err(LocaleError::Malformed));
    }

    #[test]
    fn tags_that_are_not_tags_are_malformed() {
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
    fn a_provider_without_auto_refuses_it() {
        let silent = LocaleSupport { auto: None, tags: &["en"] };
        assert_eq!(
            "auto".parse().and_then(|range| silent.lookup(&range)),
            Err(LocaleError::Unsupported)
        );
    }
}

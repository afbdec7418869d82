//! The languages that people read the sandbox in, and how each writes days and amounts.

pub(crate) mod dates;
pub(crate) mod money;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Korean,
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// Its language tag, for `lang` and for finding it.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }
}

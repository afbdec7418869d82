//! Parameter values: patches and time ranges.

/// A parameter that can be cleared: absent, cleared by an empty text, or set to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Patch<T> {
    Keep,
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    /// Parses the new value, if one is set.
    pub(crate) fn try_map<U, E>(self, read: impl FnOnce(T) -> Result<U, E>) -> Result<Patch<U>, E> {
        Ok(match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(read(value)?),
        })
    }

    /// Applies the change.
    pub(crate) fn apply(self, to: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = None,
            Self::Set(value) => *to = Some(value),
        }
    }
}

/// A range of times: `created=5`, `created[gte]=5`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeRange {
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
}

impl TimeRange {
    pub(crate) fn contains(self, time: i64) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
    }
}

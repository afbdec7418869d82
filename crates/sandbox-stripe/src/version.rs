//! The supported version of Stripe's API.

/// The version of the sandbox's responses.
pub const API_VERSION: &str = "2026-05-27.dahlia";

/// Returns whether the text looks like a Stripe API version: a date, since 2024 with a name.
///
/// The sandbox accepts any version and responds with [`API_VERSION`].
pub(crate) fn is_version(text: &str) -> bool {
    let (date, name) = text.split_once('.').unwrap_or((text, "x"));
    let digits = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit())
    };
    let mut parts = date.split('-');
    let date_fits = parts.next().is_some_and(|year| digits(year, 4))
        && parts.next().is_some_and(|month| digits(month, 2))
        && parts.next().is_some_and(|day| digits(day, 2))
        && parts.next().is_none();
    date_fits && !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_date_with_or_without_a_name() {
        for version in
            [API_VERSION, "2020-08-27", "2027-01-01.foo", "2026-05-27.dahlia;some_beta=v1"]
        {
            assert!(is_version(version), "{version}");
        }
        for other in ["", "latest", "2026-05", "2026-05-27.", "2026-05-27-01", "20260527.dahlia"] {
            assert!(!is_version(other), "{other}");
        }
    }
}

//! [`rfc3339`]: times as the API and the command line print them.

use billing_domain::Timestamp;

/// The time as RFC 3339 text in UTC.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| format!("{} ms", at.as_millis()), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_prints_utc_and_milliseconds_past_the_calendar() {
        assert_eq!(rfc3339(Timestamp::from_millis(951_782_400_000)), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(Timestamp::from_millis(i64::MAX)), format!("{} ms", i64::MAX));
    }
}

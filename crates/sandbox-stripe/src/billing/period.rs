//! Billing periods on the calendar, and proration.

use std::io;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Instant};

use crate::model::{Interval, Recurring, Timestamp};

/// Returns the end of the period that starts at `start`.
pub(crate) fn period_end(start: Timestamp, recurring: Recurring) -> io::Result<Timestamp> {
    let count = i64::from(recurring.interval_count.max(1));
    let calendar = |error: jiff::Error| {
        io::Error::other(format!("the period is outside the calendar: {error}"))
    };
    let span = match recurring.interval {
        Interval::Day => Span::new().try_days(count),
        Interval::Week => Span::new().try_weeks(count),
        Interval::Month => Span::new().try_months(count),
        Interval::Year => Span::new().try_years(count),
    };
    let start = Instant::from_second(start).map_err(calendar)?.to_zoned(TimeZone::UTC);
    let end = span.and_then(|span| start.checked_add(span)).map_err(calendar)?;
    Ok(end.timestamp().as_second())
}

/// Returns the part of an amount for the time from `at` to the end, to the second. Half units
/// are rounded away from zero.
pub(super) fn remaining(amount: i64, (start, end): (Timestamp, Timestamp), at: Timestamp) -> i64 {
    let whole = i128::from(end) - i128::from(start);
    let rest = i128::from(end) - i128::from(at.clamp(start, end.max(start)));
    if whole <= 0 {
        return 0;
    }
    let scaled = i128::from(amount) * rest;
    let rounded = (scaled.abs() * 2 + whole) / (whole * 2) * scaled.signum();
    i64::try_from(rounded).unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_from_the_31st_ends_on_the_last_day_of_a_shorter_month() {
        let recurring = |interval| Recurring { interval, interval_count: 1 };
        let january_31 = 1_801_353_600; // 2027-01-31T00:00:00Z
        let day = 24 * 60 * 60;
        assert_eq!(
            period_end(january_31, recurring(Interval::Month)).ok(),
            Some(january_31 + 28 * day)
        );
        assert_eq!(
            period_end(january_31, recurring(Interval::Year)).ok(),
            Some(january_31 + 365 * day)
        );
        let three_months = Recurring { interval: Interval::Month, interval_count: 3 };
        assert_eq!(period_end(january_31, three_months).ok(), Some(january_31 + 89 * day));
    }

    #[test]
    fn the_remaining_part_is_rounded_half_away_from_zero() {
        assert_eq!(remaining(1_000, (0, 100), 25), 750);
        assert_eq!(remaining(1_001, (0, 1_000), 500), 501);
        assert_eq!(remaining(-1_001, (0, 1_000), 500), -501);
        assert_eq!(remaining(1_000, (0, 100), 0), 1_000);
        assert_eq!(remaining(1_000, (0, 100), 100), 0);
        assert_eq!(remaining(1_000, (50, 100), 10), 1_000);
        assert_eq!(remaining(1_000, (100, 100), 100), 0);
        assert_eq!(remaining(i64::MAX, (0, 2_000_000_000), 0), i64::MAX);
    }
}

//! Formats dates, in UTC as on Stripe's invoices.

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;

use crate::locale::Language;
use crate::model::Timestamp;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Formats `November 22, 2026` or `2026년 11월 22일`; empty for a time outside the calendar.
pub(crate) fn day(time: Timestamp, language: Language) -> String {
    let Ok(instant) = Instant::from_second(time) else { return String::new() };
    let date = instant.to_zoned(TimeZone::UTC).date();
    match language {
        Language::English => {
            let month = usize::try_from(date.month())
                .ok()
                .and_then(|month| MONTHS.get(month.saturating_sub(1)));
            format!("{} {}, {}", month.unwrap_or(&""), date.day(), date.year())
        }
        Language::Korean => format!("{}년 {}월 {}일", date.year(), date.month(), date.day()),
    }
}

/// Formats `2026-11-22`, for machines.
pub(crate) fn iso_day(time: Timestamp) -> String {
    Instant::from_second(time)
        .map_or(String::new(), |instant| instant.to_zoned(TimeZone::UTC).date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_formatted_for_its_language() {
        let time = 1_795_348_260; // 2026-11-22T11:51:00Z
        assert_eq!(day(time, Language::English), "November 22, 2026");
        assert_eq!(day(time, Language::Korean), "2026년 11월 22일");
        assert_eq!(iso_day(time), "2026-11-22");
        assert_eq!(day(i64::MAX, Language::English), "");
    }
}

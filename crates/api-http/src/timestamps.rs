//! Formats and parses RFC 3339 times for the API and the command line.

use billing_domain::Timestamp;
use jiff::SignedDuration;
use jiff::civil::{DateTime, date};

/// The Unix epoch in UTC. Civil times reach the end of the year 9999, `jiff::Timestamp` ends a day
/// earlier.
const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// Formats the time as RFC 3339 in UTC.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    let since = SignedDuration::from_millis(at.as_millis());
    EPOCH
        .checked_add(since)
        .map_or_else(|_| format!("{} ms", at.as_millis()), |at| format!("{at}Z"))
}

/// Parses an RFC 3339 time with any offset and any number of fraction digits. It truncates to
/// milliseconds and reads a leap second as the second before it.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (whole, rest) = text.split_at_checked("2027-01-31T00:00:00".len())?;
    let is_civil = whole.bytes().zip(*b"0000-00-00T00:00:00").all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        other => byte == other,
    });
    let civil: DateTime = is_civil.then(|| whole.to_ascii_uppercase().parse().ok())??;

    let (fraction, offset) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
    };
    if fraction.is_empty() && rest.starts_with('.') {
        return None;
    }
    let millis: i64 = format!("{:0<3.3}", fraction).parse().ok()?;

    let utc = civil.duration_since(EPOCH).as_secs().checked_sub(offset_seconds(offset)?)?;
    let millis = utc.checked_mul(1000)?.checked_add(millis)?;
    // An offset may move the time past the last year of RFC 3339.
    Some(Timestamp::from_millis(millis.min(LAST_MILLIS)))
}

/// 9999-12-31T23:59:59.999Z.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// Parses the offset from UTC: `Z`, or a sign, hours and minutes.
fn offset_seconds(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("Z") {
        return Some(0);
    }
    let sign = if text.starts_with('+') { 1 } else { -1 };
    let (hours, minutes) = text.strip_prefix(['+', '-'])?.split_once(':')?;
    let number = |text: &str, most: i64| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| is_number && *number <= most)
    };
    Some(sign * (number(hours, 23)? * 60 + number(minutes, 59)?) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_formats_utc_and_falls_back_to_milliseconds() {
        assert_eq!(rfc3339(Timestamp::from_millis(951_782_400_000)), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(Timestamp::from_millis(-1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(Timestamp::from_millis(LAST_MILLIS)), "9999-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(Timestamp::from_millis(i64::MAX)), format!("{} ms", i64::MAX));
    }

    #[test]
    fn c8_parse_accepts_every_form_of_rfc3339() {
        for (text, utc) in [
            ("2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z"),
            ("2027-01-31t00:00:00z", "2027-01-31T00:00:00Z"),
            ("2027-01-31 00:00:00Z", "2027-01-31T00:00:00Z"),
            ("2027-01-31T00:00:00.5Z", "2027-01-31T00:00:00.5Z"),
            ("2027-01-31T00:00:00.123456789012Z", "2027-01-31T00:00:00.123Z"),
            ("2027-01-31T09:00:00+09:00", "2027-01-31T00:00:00Z"),
            ("2027-01-30T18:30:00.25-05:30", "2027-01-31T00:00:00.25Z"),
            ("2027-01-31T00:00:00-00:00", "2027-01-31T00:00:00Z"),
            ("2028-02-29T23:59:59+23:59", "2028-02-29T00:00:59Z"),
            ("2028-12-31T23:59:60Z", "2028-12-31T23:59:59Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
            ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59.999Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse_rfc3339(text).map(rfc3339).as_deref(), Some(utc), "{text}");
        }
    }

    #[test]
    fn c8_parse_rejects_other_texts() {
        for text in [
            "",
            "tomorrow",
            "2027-01-31",
            "2027-01-31T00:00Z",
            "2027-01-31T00:00:00",
            "2027-01-31T00:00:00.Z",
            "2027-01-31T00:00:00,5Z",
            "2027-01-31T00:00:00+0900",
            "2027-01-31T00:00:00+09",
            "2027-01-31T00:00:00+24:00",
            "2027-01-31T00:00:00+09:60",
            "2027-01-31T00:00:00 Z",
            "2027-02-29T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-01-31T24:00:00Z",
            "2027-01-31T00:00:61Z",
            "20270131T000000Z",
            "+002027-01-31T00:00:00Z",
            "2027-01-31T00:00:00Z[UTC]",
            "2027-01-31T00:00:00é",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }
}

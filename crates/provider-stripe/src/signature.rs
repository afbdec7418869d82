//! Verifies the header `Stripe-Signature`: `t=<seconds>,v1=<hex>`, several `v1` during a rotation
//! (<https://docs.stripe.com/webhooks/signature>).

use billing_domain::Timestamp;
use billing_domain::ports::WebhookError;
use subtle::{Choice, ConstantTimeEq};

use crate::webhook_secret::WebhookSecret;

/// Maximum length of the header, in bytes (about 50 signatures).
const MAX_BYTES: usize = 4096;
/// Maximum difference between the timestamp and the clock, in seconds.
const TOLERANCE: u64 = 300;
const HEX_CHARS: usize = 64;

/// The parsed header. Schemes other than `v1` are ignored: `v0` is for test events and proves
/// nothing.
struct Signatures<'a> {
    time: &'a str,
    seconds: i64,
    v1: Vec<&'a [u8]>,
}

/// Verifies that one of the signatures is valid for the body and one of the secrets, with a
/// timestamp close to `now`.
///
/// # Errors
/// [`WebhookError::Signature`] with the reason.
pub(crate) fn verify(
    header: &[u8],
    body: &[u8],
    secrets: &[WebhookSecret],
    now: Timestamp,
) -> Result<(), WebhookError> {
    let signatures = parse(header).map_err(WebhookError::Signature)?;
    if signatures.seconds.abs_diff(now.as_seconds()) > TOLERANCE {
        return Err(WebhookError::Signature(
            "the timestamp differs by more than 300 s from the clock",
        ));
    }
    // Compare all, so that the duration does not reveal which secret or signature matched.
    let mut is_valid = Choice::from(0);
    for secret in secrets {
        let expected = secret.sign(&[signatures.time.as_bytes(), b".", body]);
        for signature in &signatures.v1 {
            is_valid |= expected.as_slice().ct_eq(signature);
        }
    }
    if bool::from(is_valid) {
        Ok(())
    } else {
        Err(WebhookError::Signature("no configured secret matches"))
    }
}

fn parse(header: &[u8]) -> Result<Signatures<'_>, &'static str> {
    if header.is_empty() {
        return Err("the header is missing");
    }
    if header.len() > MAX_BYTES {
        return Err("the header is longer than 4 KiB");
    }
    let text = std::str::from_utf8(header).map_err(|_| "the header is not ASCII")?;
    let (mut times, mut v1) = (Vec::new(), Vec::new());
    for part in text.split(',') {
        match part.split_once('=').ok_or("the header is malformed")? {
            ("t", time) => times.push(time),
            // Ignore malformed signatures. Another one may be valid.
            ("v1", signature) if is_hex(signature) => v1.push(signature.as_bytes()),
            _ => {}
        }
    }
    let [time] = times[..] else { return Err("the header must have exactly one time") };
    let seconds = canonical(time).ok_or("the time is not a whole number of seconds")?;
    if v1.is_empty() {
        return Err("the header has no v1 signature of 64 lower-case hex digits");
    }
    Ok(Signatures { time, seconds, v1 })
}

fn is_hex(text: &str) -> bool {
    text.len() == HEX_CHARS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Parses a number without sign and leading zeros, so that each time has one spelling.
fn canonical(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    if digits && shortest { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T: i64 = 1_700_000_000;
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn secrets(texts: &[&str]) -> Vec<WebhookSecret> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn signed(secret: &str, time: &str, body: &[u8]) -> String {
        let secret: WebhookSecret = secret.parse().unwrap();
        String::from_utf8(secret.sign(&[time.as_bytes(), b".", body]).to_vec()).unwrap()
    }

    fn is_valid(header: &str, texts: &[&str], now: i64) -> bool {
        verify(header.as_bytes(), BODY, &secrets(texts), Timestamp::from_seconds(now)).is_ok()
    }

    #[test]
    fn any_signature_may_match_any_secret() {
        let (a, b) = (signed("whsec_a", "1700000000", BODY), signed("whsec_b", "1700000000", BODY));
        let none = "0".repeat(64);
        assert!(is_valid(&format!("t={T},v1={a}"), &["whsec_a"], T));
        assert!(is_valid(&format!("t={T},v1={a}"), &["whsec_b", "whsec_a"], T));
        assert!(is_valid(
            &format!("v1={none},v1={b},v0=x,t={T},v2=,=,x=y=z"),
            &["whsec_a", "whsec_b"],
            T
        ));
        assert!(is_valid(&format!("t={T},v1=x,v1={},v1={a}", a.to_uppercase()), &["whsec_a"], T));
        assert!(!is_valid(&format!("t={T},v1={a}"), &["whsec_b"], T));
        assert!(!is_valid(&format!("t={T},v0={a}"), &["whsec_a"], T));
        assert!(!is_valid(&format!("t={T},v1={a}"), &[], T));
    }

    #[test]
    fn the_tolerance_is_300_s_in_both_directions() {
        let header = format!("t={T},v1={}", signed("whsec_a", "1700000000", BODY));
        for (now, expected) in
            [(T - 301, false), (T - 300, true), (T, true), (T + 300, true), (T + 301, false)]
        {
            assert_eq!(is_valid(&header, &["whsec_a"], now), expected, "{now}");
        }
        let late = Timestamp::from_millis(T * 1000 + 300_999);
        assert!(verify(header.as_bytes(), BODY, &secrets(&["whsec_a"]), late).is_ok());
    }

    #[test]
    fn malformed_headers_are_rejected() {
        let v1 = signed("whsec_a", "1700000000", BODY);
        let upper = v1.to_uppercase();
        let zero = signed("whsec_a", "01700000000", BODY);
        let plus = signed("whsec_a", "+1700000000", BODY);
        let too_large = signed("whsec_a", "99999999999999999999", BODY);
        for bad in [
            String::new(),
            ",".to_owned(),
            format!("v1={v1}"),
            format!("t={T}"),
            format!("t=,v1={v1}"),
            format!("t={T},t={T},v1={v1}"),
            format!("t={T},v1={upper}"),
            format!("t={T},v1={v1}0"),
            format!("t={T},v1={}", &v1[1..]),
            format!("t={T}, v1={v1}"),
            format!("t={T} ,v1={v1}"),
            format!("t={T},v1={v1},"),
            format!("t=01700000000,v1={zero}"),
            format!("t=+1700000000,v1={plus}"),
            format!("t=99999999999999999999,v1={too_large}"),
            format!("t={T},v1={v1}{}", ",v0=x".repeat(1000)),
        ] {
            assert!(!is_valid(&bad, &["whsec_a"], T), "{bad}");
        }
    }

    /// Parts of a header. `GOOD` is the valid signature for the body and the first time.
    const PARTS: &[&str] = &[
        "t=1700000000",
        "t=1700000000",
        "t=01700000000",
        "t=1700000001",
        "v1=GOOD",
        "v1=GOOD",
        "v1=GOOD0",
        "v1=0000000000000000000000000000000000000000000000000000000000000000",
        "v0=GOOD",
        "=",
        "GOOD",
    ];

    proptest! {
        #[test]
        fn flipped_bits_are_rejected(body in proptest::collection::vec(any::<u8>(), 1..200), time in 0..2_000_000_000_i64, at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let keys = secrets(&["whsec_a", "whsec_b"]);
            let now = Timestamp::from_seconds(time);
            let v1 = signed("whsec_b", &time.to_string(), &body);
            let header = format!("t={time},v1={v1}").into_bytes();
            prop_assert!(verify(&header, &body, &keys, now).is_ok());

            let mut other = body.clone();
            let place = at.index(other.len());
            other[place] ^= 1 << bit;
            prop_assert!(verify(&header, &other, &keys, now).is_err());

            // A changed time may be within the tolerance, but it changes the signed message.
            let mut changed = header.clone();
            let place = at.index(changed.len());
            changed[place] ^= 1 << bit;
            prop_assert!(verify(&changed, &body, &keys, now).is_err());
        }

        #[test]
        fn header_needs_one_time_and_a_valid_signature(
            parts in proptest::collection::vec(prop::sample::select(PARTS), 0..7),
        ) {
            let v1 = signed("whsec_a", "1700000000", BODY);
            let header: Vec<String> = parts.iter().map(|part| part.replace("GOOD", &v1)).collect();
            let times: Vec<_> = parts.iter().filter(|part| part.starts_with("t=")).collect();
            let well_formed = parts.iter().all(|part| part.contains('='));
            let expected = well_formed && times == [&"t=1700000000"] && parts.contains(&"v1=GOOD");
            prop_assert_eq!(is_valid(&header.join(","), &["whsec_a"], T), expected, "{:?}", parts);
        }

        #[test]
        fn random_headers_are_rejected(header in proptest::collection::vec(any::<u8>(), 0..300)) {
            let now = Timestamp::from_seconds(T);
            prop_assert!(verify(&header, BODY, &secrets(&["whsec_a"]), now).is_err());
            let signed_in_part = [format!("t={T},v1={}", &signed("whsec_a", "1700000000", BODY)[2..]).into_bytes(), header].concat();
            prop_assert!(verify(&signed_in_part, BODY, &secrets(&["whsec_a"]), now).is_err());
        }
    }
}

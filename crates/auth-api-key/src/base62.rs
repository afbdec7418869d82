//! Base62 with the digits `0-9A-Za-z`: random text and fixed-width numbers.

use secrecy::zeroize::Zeroize;

use crate::random::{RandomError, RandomSource};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// More draws than a working source needs: 64 bytes yield 62 digits on average, and the longest
/// text here has 43.
const MAX_DRAWS: usize = 16;

/// Returns whether the text is one or more base62 digits.
pub(crate) fn is_base62(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Returns `length` uniformly random digits. It uses six bits of each byte and discards the two
/// values that are not a digit, to avoid modulo bias.
pub(crate) fn random(source: &dyn RandomSource, length: usize) -> Result<String, RandomError> {
    let mut text = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    for _ in 0..MAX_DRAWS {
        source.fill(&mut bytes)?;
        let digits = bytes.iter().filter_map(|b| DIGITS.get(usize::from(b & 0x3f)));
        text.extend(digits.map(|digit| char::from(*digit)).take(length - text.len()));
        bytes.zeroize();
        if text.len() == length {
            return Ok(text);
        }
    }
    text.zeroize();
    Err(RandomError("the source repeats bytes that map to no digit".to_owned()))
}

/// Formats a number as six digits, most significant first, padded with `0`. Six digits suffice:
/// 62^6 > 2^32.
pub(crate) fn six_digits(mut number: u32) -> [u8; 6] {
    let mut digits = [b'0'; 6];
    for place in digits.iter_mut().rev() {
        *place = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::random::OsRandom;

    #[derive(Debug)]
    struct Constant(u8);

    impl RandomSource for Constant {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn numbers_have_six_digits_most_significant_first() {
        assert_eq!(&six_digits(0), b"000000");
        assert_eq!(&six_digits(61), b"00000z");
        assert_eq!(&six_digits(62), b"000010");
        let value_of = |digit: &u8| DIGITS.iter().position(|known| known == digit).unwrap() as u64;
        let value = six_digits(u32::MAX).iter().fold(0, |sum, digit| sum * 62 + value_of(digit));
        assert_eq!(value, u64::from(u32::MAX));
    }

    #[test]
    fn random_discards_bytes_that_map_to_no_digit() {
        assert_eq!(
            random(&Constant(0xff), 16).unwrap_err().to_string().matches("no digit").count(),
            1
        );
        assert!(random(&Constant(0b1111_1110), 16).is_err());
        assert_eq!(random(&Constant(0b1100_0001), 16).unwrap(), "1".repeat(16));
        assert_eq!(random(&Constant(61), 43).unwrap(), "z".repeat(43));
    }

    #[test]
    fn every_digit_is_about_equally_frequent() {
        let mut seen = BTreeMap::new();
        for _ in 0..1_000 {
            for digit in random(&OsRandom, 62).unwrap().bytes() {
                *seen.entry(digit).or_insert(0_u32) += 1;
            }
        }
        // Each is drawn 1,000 times on average, with a standard deviation of about 31. The bounds
        // are ten standard deviations away.
        assert_eq!(seen.len(), 62);
        assert!(seen.values().all(|n| (690..=1_310).contains(n)), "{seen:?}");
    }
}

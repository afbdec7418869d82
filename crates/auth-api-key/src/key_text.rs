//! Parses and composes the text of a key: `<prefix>_<key id>_<secret><checksum>`.

use billing_domain::{ApiKeyId, KeyPrefix};
use secrecy::{ExposeSecret, SecretString};

use crate::base62;
use crate::random::{RandomError, RandomSource};

/// Length of a new key id: about 95 bits, so ids cannot be guessed.
const NEW_ID_CHARS: usize = 16;
/// Length of a new secret and minimum length of any: 43 base62 digits are 256 bits.
const NEW_SECRET_CHARS: usize = 43;
/// Maximum length of a secret.
const MAX_SECRET_CHARS: usize = 128;
const CHECKSUM_CHARS: usize = 6;

/// A well-formed key that is not yet verified.
pub(crate) struct KeyText<'a> {
    /// The public part.
    pub(crate) id: ApiKeyId,
    /// The secret, without the checksum.
    pub(crate) secret: &'a str,
}

/// Why a text is not a key of this deployment. Only the log shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyTextError {
    #[error("it does not start with the key prefix")]
    Prefix,
    #[error("it does not have the format of an API key")]
    Form,
    #[error("the checksum is wrong: the key is mistyped or made up")]
    Checksum,
}

impl<'a> KeyText<'a> {
    /// Parses a presented text. The checksum comes last, when the length is known to be bounded.
    pub(crate) fn parse(text: &'a str, prefix: &KeyPrefix) -> Result<Self, KeyTextError> {
        let rest = text.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('_'));
        let (id, tail) =
            rest.ok_or(KeyTextError::Prefix)?.split_once('_').ok_or(KeyTextError::Form)?;
        let id: ApiKeyId = id.parse().map_err(|_| KeyTextError::Form)?;
        let secret_chars = tail.len().checked_sub(CHECKSUM_CHARS).ok_or(KeyTextError::Form)?;

        // Base62 is ASCII, so bytes are characters from here on.
        if !base62::is_base62(tail)
            || !(NEW_SECRET_CHARS..=MAX_SECRET_CHARS).contains(&secret_chars)
        {
            return Err(KeyTextError::Form);
        }

        let (body, given) = text.split_at(text.len() - CHECKSUM_CHARS);
        if checksum(&[body]).as_slice() != given.as_bytes() {
            return Err(KeyTextError::Checksum);
        }
        Ok(Self { id, secret: &tail[..secret_chars] })
    }
}

/// Generates a key id.
pub(crate) fn new_id(random: &dyn RandomSource) -> Result<String, RandomError> {
    base62::random(random, NEW_ID_CHARS)
}

/// Generates a secret.
pub(crate) fn new_secret(random: &dyn RandomSource) -> Result<SecretString, RandomError> {
    Ok(SecretString::from(base62::random(random, NEW_SECRET_CHARS)?))
}

/// Composes the text of a key.
pub(crate) fn compose(prefix: &KeyPrefix, id: &ApiKeyId, secret: &SecretString) -> SecretString {
    let parts = [prefix.as_str(), "_", id.as_str(), "_", secret.expose_secret()];
    let length = parts.iter().map(|part| part.len()).sum::<usize>() + CHECKSUM_CHARS;
    // Reserve the full length: a reallocation would leave copies of the secret in memory.
    let mut text = String::with_capacity(length);
    text.extend(parts);
    text.extend(checksum(&parts).map(char::from));
    SecretString::from(text)
}

/// Returns the CRC-32 (ISO-HDLC, as in crc32fast) of the concatenated parts.
fn checksum(parts: &[&str]) -> [u8; CHECKSUM_CHARS] {
    let mut crc = crc32fast::Hasher::new();
    parts.iter().for_each(|part| crc.update(part.as_bytes()));
    base62::six_digits(crc.finalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::OsRandom;

    const ID: &str = "0123456789AB";
    const SECRET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";
    /// The checksum was computed with zlib.
    const KEY: &str = "llmgen_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg0vH3n6";

    fn parse(text: &str) -> Result<(String, String), KeyTextError> {
        KeyText::parse(text, &KeyPrefix::default())
            .map(|key| (key.id.to_string(), key.secret.to_owned()))
    }

    fn with_checksum(body: &str) -> String {
        format!("{body}{}", String::from_utf8(checksum(&[body]).to_vec()).unwrap())
    }

    fn key_of(id_chars: usize, secret_chars: usize) -> String {
        with_checksum(&format!("llmgen_{}_{}", "i".repeat(id_chars), "s".repeat(secret_chars)))
    }

    #[test]
    fn c6_checksum_matches_the_contract_s_check_value() {
        assert_eq!(&checksum(&["llmgen_x"]), b"0W5whn");
        assert_eq!(&checksum(&["llm", "gen_", "x"]), b"0W5whn");
        // Check value of CRC-32/ISO-HDLC from reveng.sourceforge.io/crc-catalogue.
        assert_eq!(checksum(&["123456789"]), base62::six_digits(0xCBF4_3926));
    }

    #[test]
    fn c6_a_known_key_parses_and_composes() {
        assert_eq!(parse(KEY), Ok((ID.to_owned(), SECRET.to_owned())));
        let text =
            compose(&KeyPrefix::default(), &ID.parse().unwrap(), &SecretString::from(SECRET));
        assert_eq!(text.expose_secret(), KEY);
    }

    #[test]
    fn c6_a_new_key_has_the_format() {
        let id: ApiKeyId = new_id(&OsRandom).unwrap().parse().unwrap();
        let secret = new_secret(&OsRandom).unwrap();
        let text = compose(&KeyPrefix::default(), &id, &secret);
        assert_eq!((id.as_str().len(), secret.expose_secret().len()), (16, 43));
        assert_eq!(text.expose_secret().len(), "llmgen_".len() + 16 + 1 + 43 + 6);
        assert_eq!(
            parse(text.expose_secret()),
            Ok((id.to_string(), secret.expose_secret().to_owned()))
        );
    }

    #[test]
    fn c6_an_id_has_12_to_64_characters_and_a_secret_43_to_128() {
        for good in [(12, 43), (64, 43), (12, 128), (64, 128)] {
            assert!(parse(&key_of(good.0, good.1)).is_ok(), "{good:?}");
        }
        for bad in [(0, 43), (11, 43), (65, 43), (12, 0), (12, 42), (12, 129)] {
            assert_eq!(parse(&key_of(bad.0, bad.1)), Err(KeyTextError::Form), "{bad:?}");
        }
    }

    #[test]
    fn c6_a_key_with_another_prefix_is_refused() {
        let other: KeyPrefix = "acme2".parse().unwrap();
        let text = compose(&other, &ID.parse().unwrap(), &SecretString::from(SECRET));
        assert!(KeyText::parse(text.expose_secret(), &other).is_ok());
        assert_eq!(parse(text.expose_secret()), Err(KeyTextError::Prefix));
        for bad in ["", "llmgen", "LLMGEN_x", " llmgen_x", "llmgenx_a"] {
            assert_eq!(parse(bad), Err(KeyTextError::Prefix), "{bad}");
        }
    }

    #[test]
    fn c6_a_key_is_base62_with_two_underscores() {
        let secret = "s".repeat(42);
        for body in [
            format!("llmgen_{ID}"),
            format!("llmgen__{ID}_s{secret}"),
            format!("llmgen_{ID}_s_{secret}"),
            format!("llmgen_{ID}_-{secret}"),
            format!("llmgen_{ID}_ß{secret}"),
            format!("llmgen_{ID}-_s{secret}"),
            format!("llmgen_{ID}_s{secret}\n"),
            format!("llmgen_{ID}_s{secret} "),
        ] {
            assert_eq!(parse(&with_checksum(&body)), Err(KeyTextError::Form), "{body:?}");
        }
        assert_eq!(parse("llmgen_"), Err(KeyTextError::Form));
        assert_eq!(parse("llmgen_x_y"), Err(KeyTextError::Form));
    }

    #[test]
    fn c6_a_wrong_checksum_is_reported_as_such() {
        assert_eq!(parse(&KEY.replace("0vH3n6", "0vH3n7")), Err(KeyTextError::Checksum));
        assert_eq!(parse(&KEY.replace("0vH3n6", "0VH3n6")), Err(KeyTextError::Checksum));
        assert_eq!(parse(&KEY.replace("cdefg", "cdegf")), Err(KeyTextError::Checksum));
    }

    proptest! {
        #[test]
        fn c6_longer_secret_is_accepted_only_in_base62_up_to_128_characters(
            text in "[0-9A-Za-z]{1,100}|\\PC{1,20}",
        ) {
            let longer = with_checksum(&format!("llmgen_{ID}_{SECRET}{text}"));
            let secret = format!("{SECRET}{text}");
            let is_base62 = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if is_base62 && secret.len() <= MAX_SECRET_CHARS {
                prop_assert_eq!(parse(&longer), Ok((ID.to_owned(), secret)));
            } else {
                prop_assert_eq!(parse(&longer), Err(KeyTextError::Form));
            }
        }

        #[test]
        fn c6_any_other_text_is_refused(text in any::<String>()) {
            let (with_prefix, with_id) = (format!("llmgen_{text}"), format!("llmgen_{ID}_{text}"));
            prop_assert!(parse(&text).is_err());
            prop_assert!(parse(&with_prefix).is_err());
            prop_assert!(parse(&with_id).is_err());
        }

        #[test]
        fn c6_any_single_changed_character_is_refused(place in 0..KEY.len(), put in any::<char>()) {
            let mut changed: Vec<char> = KEY.chars().collect();
            changed[place] = put;
            let changed: String = changed.into_iter().collect();
            prop_assume!(changed != KEY);
            prop_assert!(parse(&changed).is_err());
        }

        #[test]
        fn c6_any_single_mistyped_digit_is_refused(place in 0..KEY.len(), put in "[0-9A-Za-z]") {
            let mut changed = KEY.to_owned();
            changed.replace_range(place..=place, &put);
            prop_assume!(changed != KEY);
            prop_assert!(parse(&changed).is_err());
        }

        #[test]
        fn c6_two_swapped_neighbours_or_one_missing_are_refused(place in 0..KEY.len() - 1) {
            let mut swapped: Vec<char> = KEY.chars().collect();
            swapped.swap(place, place + 1);
            let swapped: String = swapped.into_iter().collect();
            prop_assume!(swapped != KEY);
            prop_assert!(parse(&swapped).is_err());
            let mut shorter = KEY.to_owned();
            shorter.remove(place);
            prop_assert!(parse(&shorter).is_err());
        }
    }
}

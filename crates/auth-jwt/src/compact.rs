//! Parses the JWS compact serialization of a token strictly (RFC 7515, 7.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billing_domain::ports::AuthError;

/// Maximum length of a token, in bytes.
pub(crate) const MAX_BYTES: usize = 8 * 1024;

/// A parsed token. Its signature is not yet verified.
#[derive(Debug)]
pub(crate) struct CompactToken<'a> {
    /// The JOSE header, decoded.
    pub(crate) header: Vec<u8>,
    /// The claims, decoded.
    pub(crate) claims: Vec<u8>,
    /// The signed text: both encoded parts with the dot between them.
    pub(crate) signing_input: &'a str,
    /// The signature, decoded.
    pub(crate) signature: Vec<u8>,
}

/// Parses a token.
pub(crate) fn parse(token: &str) -> Result<CompactToken<'_>, AuthError> {
    if token.len() > MAX_BYTES {
        return Err(AuthError::invalid("the token is longer than 8 KiB"));
    }
    let split = token
        .rsplit_once('.')
        .and_then(|(input, signature)| Some((input, input.split_once('.')?, signature)));
    let Some((signing_input, (header, claims), signature)) = split else {
        return Err(AuthError::invalid("the token has fewer than three parts"));
    };
    if claims.contains('.') {
        return Err(AuthError::invalid("the token has more than three parts"));
    }
    let signature = decode("signature", signature)?;
    if signature.is_empty() {
        return Err(AuthError::invalid("the token is not signed"));
    }
    Ok(CompactToken {
        header: decode("header", header)?,
        claims: decode("claims", claims)?,
        signing_input,
        signature,
    })
}

/// Decodes one part. The engine refuses padding, other characters (also white space) and trailing
/// bits, so that each token has one spelling (RFC 4648, 3.2, 3.3 and 3.5; RFC 7515, 2).
fn decode(part: &str, text: &str) -> Result<Vec<u8>, AuthError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| AuthError::invalid(format!("the {part} is not canonical base64url")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_three_parts() {
        let token = parse("e30.e30.AA").unwrap();
        assert_eq!((token.header.as_slice(), token.claims.as_slice()), (&b"{}"[..], &b"{}"[..]));
        assert_eq!((token.signing_input, token.signature.as_slice()), ("e30.e30", &[0][..]));
    }

    #[test]
    fn other_numbers_of_parts_are_refused() {
        for bad in [
            "",
            ".",
            "e30",
            "e30.e30",
            "e30.e30.AA.AA",
            "e30.e30.AA.",
            ".e30.e30.AA",
            "e30.e30.AA.AA.AA",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_empty_signature_is_refused() {
        assert!(parse("e30.e30.").is_err());
    }

    #[test]
    fn base64url_has_one_spelling() {
        let spellings = [
            ("padding", "e30=.e30.AA"),
            ("padding of the signature", "e30.e30.AA=="),
            ("bits beyond the last byte", "e31.e30.AA"),
            ("bits beyond the last byte of the signature", "e30.e30.AB"),
            ("the other alphabet", "e30.e30.+/8"),
            ("white space", "e30.e3 0.AA"),
            ("a line break", "e30.e30.AA\n"),
            ("leading white space", " e30.e30.AA"),
            ("not ASCII", "e30.e30.ÀÀ"),
            ("a NUL", "e30.e30.AA\0"),
            ("a lone last character", "e30.e30.AAAAA"),
        ];
        for (name, bad) in spellings {
            assert!(parse(bad).is_err(), "{name}");
        }
        assert!(parse("e30.e30.-_8").is_ok(), "the URL-safe alphabet");
    }

    #[test]
    fn the_limit_is_8_kib_to_the_byte() {
        let sized = |bytes: usize| format!("e30.{}.AA", "A".repeat(bytes - "e30..AA".len()));
        assert!(parse(&sized(MAX_BYTES - 1)).is_ok());
        assert!(
            parse(&sized(MAX_BYTES)).is_err(),
            "base64 of whole bytes never has 8185 characters"
        );
        let exact = format!("e30.{}.AAA", "A".repeat(MAX_BYTES - "e30..AAA".len()));
        assert_eq!(exact.len(), MAX_BYTES);
        assert!(parse(&exact).is_ok());
        let over = format!("e30.{}.AAAA", "A".repeat(MAX_BYTES - "e30..AAA".len()));
        assert!(
            matches!(parse(&over), Err(AuthError::Invalid { reason }) if reason.contains("8 KiB"))
        );
    }
}

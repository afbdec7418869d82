//! Form bodies and query strings with bracketed nesting, as Stripe's clients send them.

use std::collections::BTreeMap;

/// Limits on hostile input, far above any real request.
const MAX_PARAMETERS: usize = 1_000;
const MAX_DEPTH: usize = 10;

/// A parameter: a text, or named parts. A list has parts with numeric names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Text(String),
    Parts(BTreeMap<String, Node>),
}

/// The error of parsing parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    /// More than a thousand.
    #[error("Too many parameters. The maximum is {MAX_PARAMETERS}.")]
    TooMany,
    /// More than ten brackets.
    #[error("Parameters nested too deeply: {0}")]
    TooDeep(String),
    /// `a[b=1`, `a]=1`, `[a]=1`.
    #[error("Invalid parameter name: {0}")]
    Name(String),
    /// `a=%ff`, `a=%00`.
    #[error("Invalid text: {0} has bytes that are not UTF-8, or a null character.")]
    Text(String),
    /// `a=1&a[b]=2`.
    #[error("Parameter is given both as a value and with parts: {0}")]
    Conflict(String),
}

/// Parses `a=1&b[c]=2&d[0]=3&d[]=4`. Brackets may be percent-encoded, spaces are `+` or `%20`.
/// Of a repeated parameter, the last value is used.
pub(crate) fn parse(text: &[u8], into: &mut BTreeMap<String, Node>) -> Result<(), FormError> {
    for (count, pair) in
        text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).enumerate()
    {
        if count >= MAX_PARAMETERS {
            return Err(FormError::TooMany);
        }
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(end) => (&pair[..end], &pair[end + 1..]),
            None => (pair, &[][..]),
        };
        let unreadable =
            |name: &[u8]| FormError::Text(super::error::excerpt(&String::from_utf8_lossy(name)));
        let name = decode(name).map_err(|name| unreadable(&name))?;
        let value = decode(value).map_err(|_| unreadable(name.as_bytes()))?;
        let path = split(&name)?;
        insert(into, &path, value)
            .map_err(|()| FormError::Conflict(super::error::excerpt(&name)))?;
    }
    Ok(())
}

/// Decodes percent-encoded text. Returns the bytes if they are not UTF-8 or contain NUL.
fn decode(encoded: &[u8]) -> Result<String, Vec<u8>> {
    let digit = |at: usize| encoded.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut at = 0;
    while let Some(byte) = encoded.get(at) {
        let escaped = digit(at + 1).zip(digit(at + 2)).filter(|_| *byte == b'%');
        let (byte, length) = match escaped {
            Some((high, low)) => (u8::try_from(high * 16 + low).unwrap_or_default(), 3),
            None if *byte == b'+' => (b' ', 1),
            None => (*byte, 1),
        };
        bytes.push(byte);
        at += length;
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Err(text.into_bytes()),
        text => text.map_err(std::string::FromUtf8Error::into_bytes),
    }
}

fn split(name: &str) -> Result<Vec<&str>, FormError> {
    let malformed = || FormError::Name(super::error::excerpt(name));
    let head_end = name.find('[').unwrap_or(name.len());
    let (head, mut rest) = name.split_at(head_end);
    if head.is_empty() || head.contains(']') {
        return Err(malformed());
    }
    let mut path = vec![head];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').ok_or_else(malformed)?;
        let end = inner.find(']').ok_or_else(malformed)?;
        if inner[..end].contains('[') {
            return Err(malformed());
        }
        path.push(&inner[..end]);
        rest = &inner[end + 1..];
    }
    if path.len() > MAX_DEPTH {
        Err(FormError::TooDeep(super::error::excerpt(name)))
    } else {
        Ok(path)
    }
}

fn insert(parts: &mut BTreeMap<String, Node>, path: &[&str], value: String) -> Result<(), ()> {
    let [name, deeper @ ..] = path else { return Err(()) };
    let name = if name.is_empty() { next_index(parts, deeper) } else { (*name).to_owned() };
    if deeper.is_empty() {
        return match parts.insert(name, Node::Text(value)) {
            Some(Node::Parts(_)) => Err(()),
            _ => Ok(()),
        };
    }
    match parts.entry(name).or_insert_with(|| Node::Parts(BTreeMap::new())) {
        Node::Parts(inner) => insert(inner, deeper, value),
        Node::Text(_) => Err(()),
    }
}

/// Returns the index for `a[]`: after the last one. `a[][x]` fills the last element until it
/// has an `x`.
fn next_index(parts: &BTreeMap<String, Node>, deeper: &[&str]) -> String {
    let last = parts.keys().filter_map(|key| key.parse::<usize>().ok()).max();
    match (last, deeper) {
        (None, _) => "0".to_owned(),
        (Some(last), [first, ..]) if matches!(parts.get(&last.to_string()), Some(Node::Parts(inner)) if !inner.contains_key(*first)) => {
            last.to_string()
        }
        (Some(last), _) => last.saturating_add(1).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> BTreeMap<String, Node> {
        let mut tree = BTreeMap::new();
        parse(text.as_bytes(), &mut tree).expect("parameters");
        tree
    }

    fn text(value: &str) -> Node {
        Node::Text(value.to_owned())
    }

    fn parts<const N: usize>(parts: [(&str, Node); N]) -> Node {
        Node::Parts(parts.into_iter().map(|(name, node)| (name.to_owned(), node)).collect())
    }

    #[test]
    fn raw_and_encoded_brackets_are_the_same() {
        let expected = parts([("b", parts([("c", text("x y"))]))]);
        assert_eq!(parsed("a[b][c]=x+y").get("a"), Some(&expected));
        assert_eq!(parsed("a%5Bb%5D%5Bc%5D=x%20y").get("a"), Some(&expected));
    }

    #[test]
    fn an_invalid_escape_is_literal_text() {
        for (encoded, value) in [
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%EF%BF%BD", "\u{FFFD}"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(parsed(&format!("&a={encoded}&")).get("a"), Some(&text(value)), "{encoded}");
        }
    }

    #[test]
    fn lists_come_with_and_without_numbers() {
        let expected = parts([("0", text("x")), ("1", text("y"))]);
        assert_eq!(parsed("a[0]=x&a[1]=y").get("a"), Some(&expected));
        assert_eq!(parsed("a[]=x&a[]=y").get("a"), Some(&expected));
        let objects = parts([
            ("0", parts([("p", text("1")), ("q", text("2"))])),
            ("1", parts([("p", text("3"))])),
        ]);
        assert_eq!(parsed("a[][p]=1&a[][q]=2&a[][p]=3").get("a"), Some(&objects));
    }

    #[test]
    fn the_last_of_two_values_wins_and_an_empty_value_is_a_value() {
        assert_eq!(parsed("a=1&a=2").get("a"), Some(&text("2")));
        assert_eq!(parsed("a=").get("a"), Some(&text("")));
        assert_eq!(parsed("a").get("a"), Some(&text("")));
        assert!(parsed("").is_empty());
    }

    #[test]
    fn invalid_parameters_are_refused() {
        let mut tree = BTreeMap::new();
        for (bad, kind) in [
            ("a[b=1", FormError::Name("a[b".to_owned())),
            ("[a]=1", FormError::Name("[a]".to_owned())),
            ("a]=1", FormError::Name("a]".to_owned())),
            ("a[b]c=1", FormError::Name("a[b]c".to_owned())),
            ("=1", FormError::Name(String::new())),
            ("a[b]=%ff%fe", FormError::Text("a[b]".to_owned())),
            ("a=1&b=x%00y", FormError::Text("b".to_owned())),
            ("%ff=1", FormError::Text("\u{FFFD}".to_owned())),
            ("a=1&a[b]=2", FormError::Conflict("a[b]".to_owned())),
            ("b[c]=1&b=2", FormError::Conflict("b".to_owned())),
        ] {
            tree.clear();
            assert_eq!(parse(bad.as_bytes(), &mut tree), Err(kind), "{bad}");
        }
        let deep = format!("a{}=1", "[b]".repeat(10));
        assert!(matches!(parse(deep.as_bytes(), &mut tree), Err(FormError::TooDeep(_))));
        let many = "a[]=1&".repeat(1_001);
        assert_eq!(parse(many.as_bytes(), &mut BTreeMap::new()), Err(FormError::TooMany));
    }
}

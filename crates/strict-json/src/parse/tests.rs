//! Tests of [`parse`].

use serde_json::json;

use super::*;

fn read(bytes: impl AsRef<[u8]>) -> Result<Object, ParseError> {
    parse(bytes.as_ref(), 16)
}

fn reason(bytes: impl AsRef<[u8]>) -> String {
    read(bytes).unwrap_err().to_string()
}

fn nested(levels: usize, open: &str, close: &str) -> String {
    format!("{{\"a\":{}1{}}}", open.repeat(levels - 1), close.repeat(levels - 1))
}

#[test]
fn parse_returns_all_members_of_an_object() {
    let text = br#" {"s":"x\n","n":-1.5e3,"i":-2,"a":[1,null],"o":{},"t":true} "#;
    let expected = json!({"s": "x\n", "n": -1500.0, "i": -2, "a": [1, null], "o": {}, "t": true});
    assert_eq!(Value::Object(read(text).unwrap()), expected);
    assert_eq!(read(b" \t\r\n{} \n").unwrap(), Object::new());
}

#[test]
fn numbers_stay_numbers_with_any_serde_json_feature() {
    let object = read(br#"{"a":18446744073709551615,"b":1e300,"c":-0,"d":-9e-5}"#).unwrap();
    assert!(object.values().all(|value| value.is_number()), "{object:?}");
}

#[test]
fn duplicate_names_are_rejected_at_any_depth_and_with_escapes() {
    for (bad, twice) in [
        (r#"{"a":1,"a":1}"#, "a"),
        (r#"{"a":1,"b":2,"a":1}"#, "a"),
        (r#"{"a":1,"\u0061":2}"#, "a"),
        (r#"{"\u00e9":1,"é":1}"#, "é"),
        (r#"{"":1,"":1}"#, ""),
        (r#"{"\ud83d\ude00":1,"😀":1}"#, "😀"),
        (r#"{"x":{"a":1,"a":1}}"#, "a"),
        (r#"{"x":[[{"a":1,"a":1}]]}"#, "a"),
        (r#"{"b":[{"a":1,"c":2,"a":3}]}"#, "a"),
    ] {
        match read(bad).unwrap_err() {
            error @ ParseError::DuplicateName { .. } => {
                assert!(error.to_string().starts_with("a name appears twice at line 1"), "{error}");
                assert!(matches!(error, ParseError::DuplicateName { name, .. } if name == twice));
            }
            other => panic!("{bad}: {other:?}"),
        }
    }
}

#[test]
fn equal_names_in_different_objects_are_accepted() {
    assert!(read(br#"{"a":{"a":1},"b":[{"a":1},{"a":1}],"A":1}"#).is_ok());
}

#[test]
fn level_limit_counts_arrays_and_objects() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        assert!(read(nested(16, open, close)).is_ok());
        for levels in [17, 1000, 100_000] {
            assert!(reason(nested(levels, open, close)).contains("more than 16 levels"));
        }
        assert!(parse(nested(17, open, close).as_bytes(), 17).is_ok());
    }
    assert!(reason("[".repeat(8000)).contains("16 levels"));
}

#[test]
fn input_other_than_one_json_object_is_rejected() {
    for bad in [
        "",
        " ",
        "null",
        "1",
        "\"a\"",
        "[]",
        "[{}]",
        "{",
        "{}{}",
        "{} x",
        "{}\0",
        "\u{feff}{}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":0x1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":-Infinity}",
        "{\"a\":1e400}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"\\udc00\":1}",
        "{\"a\":\"\\x41\"}",
        "{\"a\" 1}",
        "{\"a\":1 /* no */}",
        "// no\n{}",
        "{1:1}",
        "{\"a\":tru}",
        "\u{a0}{}",
    ] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
    for other_type in ["null", "1", "\"a\"", "[]", "[{}]"] {
        assert!(matches!(read(other_type), Err(ParseError::NotAnObject)), "{other_type}");
    }
    assert!(matches!(read("\u{feff}{}"), Err(ParseError::ByteOrderMark)));
}

#[test]
fn invalid_utf_8_is_rejected() {
    for (bad, what) in [
        (b"{\"a\":\"\xff\"}".as_slice(), "invalid byte"),
        (b"{\"a\":\"\xc0\xaf\"}", "overlong"),
        (b"{\"\xc0\xaf\":1}", "overlong, in a name"),
        (b"{\"a\":\"\xed\xa0\x80\"}", "a surrogate"),
        (b"\xff\xfe{\0}\0", "UTF-16"),
    ] {
        assert!(matches!(read(bad), Err(ParseError::NotUtf8)), "{what}");
    }
}

#[test]
fn errors_do_not_quote_the_input() {
    for bad in [
        r#"["s3cr3t"]"#,
        r#""s3cr3t""#,
        r#"{"s3cr3t":1,"s3cr3t":1}"#,
        r#"{"a":"s3cr3t}"#,
        r#"{"a":s3cr3t}"#,
    ] {
        assert!(!reason(bad).contains("s3cr3t"), "{bad}");
    }
}

//! Tests of [`fit`].

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::parse;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Sample {
    return_url: Option<String>,
    count: u8,
    flow: Option<Flow>,
    tags: Vec<String>,
    size: Option<Size>,
    limits: BTreeMap<String, u32>,
    pair: Option<(bool, f64)>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flow {
    kind: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

#[derive(Debug, Deserialize)]
struct Tagged {
    #[serde(rename = "choice")]
    _choice: Choice,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Choice {
    #[serde(rename = "a")]
    A,
}

fn read<T: DeserializeOwned>(text: &str, unknown: UnknownFields) -> Result<T, String> {
    fit(parse(text.as_bytes(), 16).unwrap(), unknown).map_err(|misfit| misfit.to_string())
}

fn sample(text: &str) -> Result<Sample, String> {
    read(text, UnknownFields::Refuse)
}

#[test]
fn fit_returns_all_fields_when_the_object_matches() {
    let text = r#"{"returnUrl":"u","count":3,"flow":{"kind":"k"},"tags":["a"],"size":"large","limits":{"x":1},"pair":[true,1.5]}"#;
    let expected = Sample {
        return_url: Some("u".to_owned()),
        count: 3,
        flow: Some(Flow { kind: "k".to_owned() }),
        tags: vec!["a".to_owned()],
        size: Some(Size::Large),
        limits: BTreeMap::from([("x".to_owned(), 1)]),
        pair: Some((true, 1.5)),
    };
    assert_eq!(sample(text), Ok(expected));
    assert_eq!(sample("{}"), Ok(Sample::default()));
    assert_eq!(sample(r#"{"returnUrl":null,"flow":null}"#), Ok(Sample::default()));
    assert_eq!(sample(r#"{"size":"small"}"#).unwrap().size, Some(Size::Small));
}

#[test]
fn fit_reports_the_path_of_the_first_misfit() {
    for (text, detail) in [
        (
            r#"{"return_url":"u"}"#,
            r#"The field "return_url" is unknown: remove it or correct its name."#,
        ),
        (
            r#"{"flow":{"kind":"k","x":[1]}}"#,
            r#"The field "flow.x" is unknown: remove it or correct its name."#,
        ),
        (r#"{"flow":{}}"#, r#"The field "flow.kind" is missing: add it."#),
        (r#"{"flow":["k"]}"#, r#"The field "flow" must be an object."#),
        (r#"{"flow":"k"}"#, r#"The field "flow" must be an object."#),
        (r#"{"flow":{"kind":1}}"#, r#"The field "flow.kind" must be a string."#),
        (r#"{"count":256}"#, r#"The field "count" must be a whole number in range."#),
        (r#"{"count":-1}"#, r#"The field "count" must be a whole number in range."#),
        (r#"{"count":null}"#, r#"The field "count" must be a whole number in range."#),
        (r#"{"tags":["a",2]}"#, r#"The field "tags[1]" must be a string."#),
        (r#"{"tags":{}}"#, r#"The field "tags" must be an array."#),
        (r#"{"size":"huge"}"#, r#"The field "size" must be one of small, large."#),
        (r#"{"size":{"small":null}}"#, r#"The field "size" must be a string."#),
        (r#"{"limits":{"a":"b"}}"#, r#"The field "limits.a" must be a whole number in range."#),
        (r#"{"returnUrl":["u"]}"#, r#"The field "returnUrl" must be a string."#),
    ] {
        assert_eq!(sample(text).unwrap_err(), detail, "{text}");
    }
}

#[test]
fn fit_rejects_an_array_for_a_tagged_enum() {
    for unknown in [UnknownFields::Refuse, UnknownFields::Ignore] {
        assert!(read::<Tagged>(r#"{"choice":["a"]}"#, unknown).is_err());
        assert!(read::<Tagged>(r#"{"choice":{"type":"a"}}"#, unknown).is_ok());
    }
}

#[test]
fn misfit_truncates_and_escapes_field_names() {
    let detail = sample(&format!(r#"{{"\u0007\n{}":1}}"#, "x".repeat(10_000))).unwrap_err();
    assert!(detail.len() < 200, "{detail}");
    assert!(!detail.chars().any(char::is_control) && detail.contains("\\u{7}\\n"), "{detail}");
}

#[test]
fn fit_skips_unknown_fields_when_they_are_ignored() {
    let ignoring = |text| read::<Sample>(text, UnknownFields::Ignore);
    let text = r#"{"count":3,"x":[{}],"flow":{"kind":"k","y":{"z":1}}}"#;
    let expected =
        Sample { count: 3, flow: Some(Flow { kind: "k".to_owned() }), ..Sample::default() };
    assert_eq!(ignoring(text), Ok(expected));
    assert_eq!(
        ignoring(r#"{"x":1,"flow":["k"]}"#).unwrap_err(),
        r#"The field "flow" must be an object."#
    );
}

//! Hostile and valid tokens from a data file. Each line is a named case with its expected result.

use std::collections::BTreeSet;

use crate::support::{SECRET, answer, authenticator, hs256, judge};

const CASES: &str = include_str!("../data/hostile_tokens.txt");

const DEFAULT_HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn settings(name: &str) -> Vec<(&'static str, &'static str)> {
    let more: &[_] = match name {
        "plain" => &[],
        "strict" => &[("JWT_ISSUER", "https://issuer.test"), ("JWT_AUDIENCE", "billing")],
        "org" => &[("JWT_SUBJECT_CLAIM", "org_id")],
        "roles" => &[("JWT_REQUIRED_CLAIMS", "role=owner|admin,tier=gold")],
        other => panic!("unknown settings {other}"),
    };
    [("JWT_HS256_SECRET", SECRET)].iter().chain(more).copied().collect()
}

#[test]
fn every_case_of_the_corpus_has_the_expected_result() {
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split(" | ").collect();
        let [name, settings_name, expected, header, claims] = columns[..] else {
            panic!("not five columns: {line}")
        };
        assert!(names.insert(name), "{name} is listed twice");
        let header = if header == "-" { DEFAULT_HEADER } else { header };
        let result = judge(&authenticator(&settings(settings_name)), &hs256(header, claims));
        if answer(&result) != expected {
            wrong.push(format!("{name}: {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(names.len() >= 100, "only {} cases: is the file truncated?", names.len());
}

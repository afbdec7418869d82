//! Hostile and harmless tokens from a data file: each line a named case with its expected answer.

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
fn every_case_of_the_corpus_is_answered_as_its_line_says() {
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split(" | ").collect();
        let [name, settings_name, expected, header, claims] = columns[..] else {
            panic!("not five columns: {line}")
        };
        assert!(names.insert(name), "{name} stands twice");
        let header = if header == "-" { DEFAULT_HEADER } else { header };
        let result = judge(&authenticator(&settings(settings_name)), &hs256(header, claims));
        if answer(&result) != expected {
            wrong.push(format!("{name}: {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(names.len() >= 100, "{} cases: has the file been cut?", names.len());
}

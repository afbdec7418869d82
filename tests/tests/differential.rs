//! A differential test of our token validation and PyJWT's, under the same policy.
//!
//! `data/pyjwt_disagreements.jsonl` lists the allowed differences by category, with a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use proptest::strategy::ValueTree;
use serde::Deserialize;
use serde_json::{Value, json};
use workspace_tests::binary::workspace_root;
use workspace_tests::fuzz::disagreement::{Side, is_in};
use workspace_tests::fuzz::profile::{Answer, PROFILES, Profile, authenticate};
use workspace_tests::fuzz::token::{Signer, plans, sign};
use workspace_tests::fuzz::{input, seconds};

const CORPUS: &str = include_str!("../../crates/auth-jwt/tests/data/hostile_tokens.txt");
const ALLOWED: &str = include_str!("../data/pyjwt_disagreements.jsonl");

/// Number of generated tokens in a run of normal length. The tokens are always the same.
const TOKENS: u64 = 8_000;

/// A line of `pyjwt_disagreements.jsonl`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    category: String,
    ours: Side,
    theirs: Side,
    reason: String,
}

#[derive(Debug)]
struct Case {
    name: String,
    profile: Profile,
    token: String,
}

#[test]
fn c4_c5_differences_from_pyjwt_are_all_in_the_data_file() {
    let allowed: Vec<Allowed> = ALLOWED
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    assert!(allowed.iter().all(|line| line.reason.len() > 20), "a line has no reason");
    assert!(
        allowed.iter().all(|line| line.ours != line.theirs),
        "another subject or permission is never allowed"
    );
    let cases: Vec<Case> = corpus().into_iter().chain(made()).collect();
    assert!(cases.len() >= 5_000, "{} cases", cases.len());
    let authenticators: BTreeMap<_, _> =
        PROFILES.iter().map(|profile| (profile.name, profile.authenticator())).collect();
    let theirs = run_pyjwt(&cases);
    assert_eq!(theirs.len(), cases.len(), "one answer per token is required");

    let (mut wrong, mut seen, mut counts) =
        (Vec::new(), BTreeSet::new(), BTreeMap::<_, usize>::new());
    for (case, (theirs, reason)) in cases.iter().zip(&theirs) {
        let ours = authenticate(&authenticators[case.profile.name], &case.token);
        let kind = match ours {
            Answer::Accept(_) => "accept",
            Answer::Forbid(_) => "forbid",
            Answer::Refuse => "refuse",
        };
        *counts.entry(kind).or_default() += 1;
        if ours == *theirs {
            continue;
        }
        let fits = |line: &Allowed| {
            line.ours == Side::of(&ours)
                && line.theirs == Side::of(theirs)
                && is_in(&line.category, &case.profile, &case.token)
        };
        match allowed.iter().position(fits) {
            Some(at) => {
                seen.insert(at);
            }
            None => wrong.push(format!(
                "{}: ours {ours:?}, PyJWT {theirs:?} ({reason}): {}",
                case.name,
                show(&case.token)
            )),
        }
    }
    println!("{} tokens: {counts:?}; used lines: {seen:?}", cases.len());
    assert!(
        wrong.is_empty(),
        "{} differences that no line allows, the first: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(40)]
    );
    assert!(
        counts.len() == 3 && counts.values().all(|count| *count >= 10),
        "too few tokens of one result: {counts:?}"
    );
    let idle: Vec<_> = allowed.iter().enumerate().filter(|(at, _)| !seen.contains(at)).collect();
    assert!(idle.is_empty(), "no token needed these lines: {idle:#?}");
}

/// Returns the named cases of `auth-jwt`.
fn corpus() -> Vec<Case> {
    let lines = CORPUS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split(" | ").collect();
            let [name, settings, _, header, claims] = columns[..] else {
                panic!("not five columns: {line}")
            };
            let header = if header == "-" { r#"{"alg":"HS256","typ":"JWT"}"# } else { header };
            let profile = *Profile::named(settings);
            Case {
                name: name.to_owned(),
                profile,
                token: sign(&profile, header, claims, Signer::Own),
            }
        })
        .collect()
}

/// Generates tokens from the seeds 0, 1, 2 and so on. Their number grows with `FUZZ_SECONDS`.
fn made() -> impl Iterator<Item = Case> {
    let plans = plans(PROFILES.len());
    let tokens = TOKENS * (seconds() / 5).clamp(1, 12);
    (0..tokens).map(move |seed| {
        let plan = input(seed, &plans).current();
        Case { name: format!("seed {seed}"), profile: plan.profile, token: plan.token() }
    })
}

/// Returns PyJWT's answers in order, each with its reason.
fn run_pyjwt(cases: &[Case]) -> Vec<(Answer, String)> {
    let folder = workspace_root().join("tests/differential");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace_root().join("target"), Into::into);
    let venv = target.join("venv");
    let make_venv = workspace_root().join("tests/make-venv");
    let made = Command::new(make_venv).args([&folder, &venv]).output().expect("make-venv starts");
    assert!(made.status.success(), "no PyJWT: {}", String::from_utf8_lossy(&made.stderr));
    let mut python = Command::new(venv.join("bin/python3"))
        .arg(folder.join("pyjwt_policy.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut questions = python.stdin.take().expect("stdin is piped");
    let answers = BufReader::new(python.stdout.take().expect("stdout is piped"));
    let answers = std::thread::scope(|scope| {
        scope.spawn(move || {
            let profiles: Vec<Value> = PROFILES.iter().map(Profile::to_json).collect();
            writeln!(questions, "{}", json!({ "profiles": profiles })).expect("python reads");
            for case in cases {
                writeln!(
                    questions,
                    "{}",
                    json!({ "profile": case.profile.name, "token": case.token })
                )
                .expect("python reads");
            }
        });
        answers.lines().map(|line| answer(&line.expect("python writes"))).collect()
    });
    assert!(python.wait().expect("python ends").success(), "python failed");
    answers
}

fn answer(line: &str) -> (Answer, String) {
    let answer: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let verdict = match answer["answer"].as_str() {
        Some("accept") => Answer::Accept(text("subject")),
        Some("forbid") => Answer::Forbid(text("subject")),
        Some("refuse") => Answer::Refuse,
        _ => panic!("no answer: {line}"),
    };
    (verdict, text("reason"))
}

/// Formats a token with decoded header and claims.
fn show(token: &str) -> String {
    use base64::Engine as _;
    let part = |text: &str| match base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).chars().take(400).collect(),
        Err(_) => text.chars().take(80).collect::<String>(),
    };
    token.split('.').map(part).collect::<Vec<_>>().join(" . ")
}

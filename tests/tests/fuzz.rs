//! Fuzz targets. For every input, the code must not panic, must agree with a second implementation,
//! and must parse its own output to the same value. `workspace_tests::fuzz` documents time and
//! seeds.

use std::sync::Arc;

use auth_api_key::{ApiKeyPorts, ApiKeySettings, ApiKeys, Argon2Pool, OsRandom, PoolLimits};
use axum::body::Body;
use axum::extract::FromRequest;
use billing_domain::ports::{ApiKeyRepo, AuthError, Authenticator, InsertOutcome, KeyMinter};
use billing_domain::{
    Credential, Mode, OriginPattern, ReturnUrl, ReturnUrlPolicy, StoredApiKey, Timestamp,
};
use billing_testkit::{FixedClock, InMemoryApiKeyRepo, InMemoryApiKeyUsage, samples};
use http_edge::{StrictJson, bearer};
use secrecy::ExposeSecret;
use workspace_tests::fuzz::profile::{PROFILES, SHARED, authenticate};
use workspace_tests::fuzz::{
    Verdict, api_key, bearer as header, body, return_url, run, token, token_oracle,
};
use workspace_tests::runtime;
use workspace_tests::shared_fixture::PEPPER;

#[test]
fn c4_c5_authenticator_agrees_with_the_token_oracle() {
    let authenticators =
        PROFILES[..SHARED].iter().map(|profile| (profile.name, profile.authenticator()));
    let authenticators: Vec<_> = authenticators.collect();
    run("token", &token::plans(SHARED), |plan| {
        let text = plan.token();
        let (_, authenticator) =
            authenticators.iter().find(|(name, _)| *name == plan.profile.name).expect("one each");
        let ours = authenticate(authenticator, &text);
        assert_eq!(ours, token_oracle::expected_answer(&plan.profile, &text), "{text}");
        assert_eq!(
            ours,
            authenticate(authenticator, &text),
            "the second call returned another answer: {text}"
        );
        if ours == workspace_tests::fuzz::profile::Answer::Refuse {
            Verdict::Refused
        } else {
            Verdict::Accepted
        }
    });
}

#[test]
fn c6_only_the_exact_key_is_accepted() {
    let (keys, good) = runtime::wait(keys_with_one());
    run("api_key", &api_key::plans(), |plan| {
        let text = plan.text(&good);
        let credential = Credential::new(text.clone());
        let id = keys.authenticator().presented_key_id(&credential);
        assert_eq!(id.as_ref().map(|id| id.as_str()), api_key::id(&text), "{text}");
        match runtime::wait(keys.authenticator().authenticate(&credential)) {
            Ok(_) => {
                assert_eq!(text, good, "another text was accepted");
                Verdict::Accepted
            }
            Err(AuthError::Invalid { .. }) => {
                assert_ne!(text, good, "the key was rejected");
                Verdict::Refused
            }
            Err(other) => panic!("{other:?}"),
        }
    });
}

/// Creates an empty store with one key. Only this key is ever hashed, once.
async fn keys_with_one() -> (ApiKeys, String) {
    let read =
        ApiKeySettings::read(&mut |name| (name == "API_KEY_PEPPER").then(|| PEPPER.to_owned()));
    let settings = read.expect("the settings are valid");
    let repo = Arc::new(InMemoryApiKeyRepo::default());
    let ports = ApiKeyPorts {
        repo: repo.clone(),
        usage: Arc::new(InMemoryApiKeyUsage::of(repo.clone())),
        clock: Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000))),
        random: Arc::new(OsRandom),
    };
    let pool = Arc::new(Argon2Pool::new(PoolLimits::for_cores(std::num::NonZeroUsize::MIN)));
    let (keys, _idle_tasks) = ApiKeys::start(&settings, ports, pool).expect("there is randomness");
    let minted = keys.minter().mint().await.expect("a key");
    let sample = samples::stored_key(
        minted.id.as_str(),
        &samples::user("user_1"),
        Timestamp::from_seconds(1_700_000_000),
    );
    let stored = StoredApiKey { verifier: minted.verifier, ..sample };
    assert!(matches!(
        repo.insert(&stored, None, samples::record()).await,
        Ok(InsertOutcome::Inserted)
    ));
    (keys, minted.text.expose_secret().to_owned())
}

#[test]
fn c1_authorization_parser_agrees_with_the_oracle() {
    run("bearer", &header::headers(), |values| {
        let headers = header::to_map(values);
        let expected = header::credential(&headers);
        let Ok(credential) = bearer(&headers) else {
            assert_eq!(expected, None, "a good header was rejected");
            return Verdict::Refused;
        };
        let expected = expected.expect("a bad header was accepted");
        assert_eq!(credential, String::from_utf8_lossy(&expected));
        let again = header::to_map(&[[b"Bearer ".as_slice(), credential.as_bytes()].concat()]);
        assert_eq!(
            bearer(&again),
            Ok(credential),
            "parsing the result again returns another value"
        );
        Verdict::Accepted
    });
}

#[test]
fn r1_r2_other_url_parsers_see_the_allowed_origin() {
    let patterns: Vec<OriginPattern> =
        return_url::ORIGINS.iter().map(|text| text.parse().expect("an origin")).collect();
    let default = ReturnUrl::configured("https://dash.example.com/").expect("a URL");
    let policy =
        ReturnUrlPolicy::new(default, patterns, Mode::Live).expect("no pattern is too broad");
    run("return_url", &return_url::texts(), |raw| {
        let Ok(url) = policy.resolve(Some(raw), &[]) else { return Verdict::Refused };
        let normalised = url.as_str();
        let parsed = url::Url::parse(normalised).expect("the normalised form is a URL");
        let ours = return_url::Seen {
            scheme: parsed.scheme().to_owned(),
            host: parsed.host_str().expect("it has a host").to_owned(),
            port: parsed.port_or_known_default().expect("it has a port"),
        };
        assert!(
            raw.len() <= 2048 && normalised.len() <= 2048 && normalised.is_ascii(),
            "{normalised}"
        );
        assert_eq!(return_url::by_rfc_3986(normalised), ours, "{raw}");
        assert_eq!(return_url::by_http(normalised), ours, "{raw}");
        assert!(return_url::is_listed(&ours), "{raw} leads to {normalised}");
        assert_eq!(
            policy.resolve(Some(normalised), &[]).as_ref(),
            Ok(&url),
            "parsing the result again returns another value"
        );
        Verdict::Accepted
    });
}

#[test]
fn h3_body_parser_agrees_with_the_oracle() {
    let extract = |bytes: Vec<u8>| {
        let request = http::Request::post("/")
            .header("content-type", "application/json")
            .body(Body::from(bytes));
        let request = request.expect("a request");
        runtime::wait(StrictJson::<body::PortalBody>::from_request(request, &()))
            .ok()
            .map(|StrictJson(body)| body)
    };
    run("body", &body::texts(), |body::Sent(bytes)| {
        let ours = extract(bytes.clone());
        assert_eq!(ours, body::read(bytes));
        let Some(ours) = ours else { return Verdict::Refused };
        let written = serde_json::to_vec(&ours).expect("the body is serialised");
        // A body at the size limit may be longer after serialisation.
        if written.len() <= body::MAX_BYTES {
            assert_eq!(
                extract(written).as_ref(),
                Some(&ours),
                "parsing the result again returns another value"
            );
        }
        Verdict::Accepted
    });
}

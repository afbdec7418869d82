//! Tests of minted tokens.

use std::time::Duration;

use auth_jwt::{MintError, mint};
use billing_domain::{AuthMethod, Permissions, UserId};
use secrecy::ExposeSecret;

use crate::support::{ISSUED, NOW, SECRET, authenticator, judge, settings};

const PUBLIC_KEY: &str = include_str!("../data/keys/ed25519.public.pem");

fn user() -> UserId {
    "user_1 \"q\" ü".parse().unwrap()
}

#[test]
fn a_minted_token_is_accepted_by_the_settings_it_was_minted_with() {
    let two_secrets = format!("{},{SECRET}", "n".repeat(32));
    for more in [
        vec![("JWT_HS256_SECRET", SECRET)],
        vec![("JWT_HS256_SECRET", two_secrets.as_str())],
        vec![("JWT_HS256_SECRET", SECRET), ISSUED[0], ISSUED[1]],
        vec![
            ("JWT_HS256_SECRET", SECRET),
            ("JWT_SUBJECT_CLAIM", "org_id"),
            ("JWT_REQUIRED_CLAIMS", "role=owner|admin,sub=a=b"),
        ],
    ] {
        let settings = settings(&more);
        for lifetime in [Duration::from_secs(1), settings.max_lifetime()] {
            let token = mint(&settings, &user(), lifetime, NOW).unwrap();
            let principal = judge(&authenticator(&more), token.expose_secret()).unwrap();
            assert_eq!(principal.owner, user());
            assert_eq!(principal.method, AuthMethod::AccessToken);
            assert_eq!(principal.permissions, Permissions::All);
            assert!(principal.return_origins.is_empty());
        }
    }
}

#[test]
fn the_first_secret_signs_so_that_the_second_can_be_removed() {
    let new = "n".repeat(32);
    let token = mint(
        &settings(&[("JWT_HS256_SECRET", &format!("{new},{SECRET}"))]),
        &user(),
        Duration::from_secs(60),
        NOW,
    )
    .unwrap();
    assert!(judge(&authenticator(&[("JWT_HS256_SECRET", &new)]), token.expose_secret()).is_ok());
    assert!(judge(&authenticator(&[("JWT_HS256_SECRET", SECRET)]), token.expose_secret()).is_err());
}

#[test]
fn a_lifetime_beyond_the_maximum_or_below_a_second_is_refused() {
    let settings = settings(&[("JWT_HS256_SECRET", SECRET), ("JWT_MAX_LIFETIME_SECONDS", "60")]);
    let max = Duration::from_secs(60);
    for bad in
        [Duration::ZERO, Duration::from_millis(999), Duration::from_millis(60_001), Duration::MAX]
    {
        let refused = mint(&settings, &user(), bad, NOW).map(drop);
        assert_eq!(refused, Err(MintError::LifetimeOutOfRange { max }), "{bad:?}");
    }
}

#[test]
fn mint_fails_with_a_public_key() {
    let settings = settings(&[("JWT_PUBLIC_KEY", PUBLIC_KEY), ISSUED[0], ISSUED[1]]);
    assert_eq!(
        mint(&settings, &user(), Duration::from_secs(60), NOW).map(drop),
        Err(MintError::NoSecret)
    );
}

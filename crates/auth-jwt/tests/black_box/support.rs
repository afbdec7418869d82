//! Shared test helpers: settings, a fixed clock, and hand-crafted tokens.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use auth_jwt::{JwtAuthenticator, JwtSettings};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billing_domain::ports::{AuthError, Authenticator};
use billing_domain::{Credential, Permissions, Principal, Timestamp};
use billing_testkit::FixedClock;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, EncodingKey};

/// The time of all tests: 2027-01-15T08:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub(crate) const SECRET: &str = "a secret of the tests with 32 bytes or more";

/// Claims that are valid if neither issuer nor audience is configured.
pub(crate) const GOOD_CLAIMS: &str = r#"{"sub":"user_1","exp":1800000600}"#;

/// The other settings that a public key requires, and matching claims.
pub(crate) const ISSUED: [(&str, &str); 2] =
    [("JWT_ISSUER", "https://issuer.test"), ("JWT_AUDIENCE", "billing")];
pub(crate) const ISSUED_CLAIMS: &str =
    r#"{"sub":"user_1","exp":1800000600,"iss":"https://issuer.test","aud":"billing"}"#;

pub(crate) fn settings(given: &[(&str, &str)]) -> JwtSettings {
    JwtSettings::read(&mut |name| {
        given.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
    .unwrap_or_else(|faults| panic!("{faults:?}"))
}

pub(crate) fn authenticator(given: &[(&str, &str)]) -> JwtAuthenticator {
    start(settings(given), Arc::new(FixedClock::at(NOW)))
}

/// Starts an authenticator, and its background tasks if the test has a runtime.
pub(crate) fn start(settings: JwtSettings, clock: Arc<FixedClock>) -> JwtAuthenticator {
    let (authenticator, tasks) = JwtAuthenticator::start(settings, clock).unwrap();
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        tasks.into_iter().for_each(|task| drop(runtime.spawn(task.run)));
    }
    authenticator
}

/// Authenticates a token in one poll; panics if the authenticator waits.
pub(crate) fn judge(authenticator: &JwtAuthenticator, token: &str) -> Result<Principal, AuthError> {
    let credential = Credential::new(token);
    let mut judging = authenticator.authenticate(&credential);
    match judging.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the authenticator waited"),
    }
}

/// Returns the status and code of the HTTP response.
pub(crate) fn answer(result: &Result<Principal, AuthError>) -> &'static str {
    match result {
        Ok(principal) if principal.permissions == Permissions::All => "200",
        Ok(_) => "403 insufficient_permission",
        Err(AuthError::Invalid { .. }) => "401 invalid_token",
        Err(AuthError::Expired) => "401 expired_token",
        Err(_) => "503",
    }
}

/// Encodes header and claims unchanged, without a signature.
pub(crate) fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

pub(crate) fn with_signature(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(crate) fn signature(message: &str, algorithm: Algorithm, key: &EncodingKey) -> Vec<u8> {
    (DEFAULT_PROVIDER.signer_factory)(&algorithm, key)
        .unwrap()
        .try_sign(message.as_bytes())
        .unwrap()
}

/// Returns a token with exactly this header and these claims, signed with the secret.
pub(crate) fn hs256(header: &str, claims: &str) -> String {
    let message = unsigned(header, claims);
    let signature =
        signature(&message, Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()));
    with_signature(&message, &signature)
}

//! Reads and checks the settings of access tokens.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::claims::ClaimPolicy;
use crate::keys::KeySet;
use crate::public_key;
use crate::required_claims::RequiredClaims;

const HS256_SECRET: &str = "JWT_HS256_SECRET";
const PUBLIC_KEY: &str = "JWT_PUBLIC_KEY";
const JWKS_URL: &str = "JWT_JWKS_URL";
const ISSUER: &str = "JWT_ISSUER";
const AUDIENCE: &str = "JWT_AUDIENCE";
const LEEWAY: &str = "JWT_LEEWAY_SECONDS";
const MAX_LIFETIME: &str = "JWT_MAX_LIFETIME_SECONDS";
const SUBJECT_CLAIM: &str = "JWT_SUBJECT_CLAIM";
const REQUIRED_CLAIMS: &str = "JWT_REQUIRED_CLAIMS";

/// Names of all settings of this crate, without the environment's prefix.
pub const SETTINGS: &[&str] = &[
    HS256_SECRET,
    PUBLIC_KEY,
    JWKS_URL,
    ISSUER,
    AUDIENCE,
    LEEWAY,
    MAX_LIFETIME,
    SUBJECT_CLAIM,
    REQUIRED_CLAIMS,
];

/// Names of the settings that may come from a file. The public key is not secret, but is usually a
/// file.
pub const SECRETS: &[&str] = &[HS256_SECRET, PUBLIC_KEY];

/// Minimum length of an HS256 secret, in bytes: the length of the hash (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// Maximum leeway, in seconds. RFC 7519, 4.1.4 recommends a few minutes; a larger value is probably
/// in milliseconds.
const MAX_LEEWAY: u64 = 3600;

/// Registered claims that cannot contain the owner.
const NO_SUBJECT: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// The settings of access tokens. `Debug` redacts the secrets.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    pub(crate) keys: KeySettings,
    pub(crate) policy: ClaimPolicy,
    pub(crate) required: RequiredClaims,
}

/// Which keys verify tokens.
#[derive(Clone, Debug)]
pub(crate) enum KeySettings {
    /// Keys from the settings.
    Configured(KeySet),
    /// Keys published at this URL.
    Published(Url),
}

impl JwtSettings {
    /// Reads the settings named in [`SETTINGS`] through `get`. Exactly one of the three key
    /// settings must be set.
    ///
    /// HS256 secrets are used as bytes, without base64 decoding. A comma separates two. White space
    /// at either end is a fault, because the issuer's secret would hardly have it.
    ///
    /// # Errors
    /// All faults: each setting's name with one sentence that contains no secret.
    pub fn read(
        get: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Result<Self, Vec<(&'static str, String)>> {
        let mut faults = Faults::default();
        let given = GivenKeys::read(get);
        let by_public_key = given.public_key.is_some() || given.jwks_url.is_some();
        let keys = given.check(&mut faults);

        let issuer = read_identity(ISSUER, by_public_key, get, &mut faults);
        let audience = read_identity(AUDIENCE, by_public_key, get, &mut faults);
        let leeway = read_seconds(LEEWAY, 30, 0..=MAX_LEEWAY, get, &mut faults);
        let max_lifetime =
            read_seconds(MAX_LIFETIME, 86_400, 1..=u64::from(u32::MAX), get, &mut faults);

        let subject_claim = get(SUBJECT_CLAIM).unwrap_or_else(|| "sub".to_owned());
        faults.take(SUBJECT_CLAIM, check_subject_claim(&subject_claim));
        let required =
            get(REQUIRED_CLAIMS).map(|text| RequiredClaims::parse(&text, &subject_claim));
        let required =
            required.and_then(|parsed| faults.take(REQUIRED_CLAIMS, parsed)).unwrap_or_default();

        match keys {
            Some(keys) if faults.0.is_empty() => Ok(Self {
                keys,
                policy: ClaimPolicy { issuer, audience, leeway, max_lifetime, subject_claim },
                required,
            }),
            _ => Err(faults.0),
        }
    }

    /// Returns the maximum lifetime of a token, also for [`mint`](crate::mint).
    #[must_use]
    pub fn max_lifetime(&self) -> Duration {
        self.policy.max_lifetime
    }
}

/// Collected faults.
#[derive(Default)]
struct Faults(Vec<(&'static str, String)>);

impl Faults {
    fn add(&mut self, setting: &'static str, fault: impl Into<String>) {
        self.0.push((setting, fault.into()));
    }

    fn take<T>(&mut self, setting: &'static str, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|fault| self.add(setting, fault)).ok()
    }
}

/// The key settings before their check.
struct GivenKeys {
    secrets: Option<SecretString>,
    public_key: Option<String>,
    jwks_url: Option<String>,
}

impl GivenKeys {
    fn read(get: &mut dyn FnMut(&str) -> Option<String>) -> Self {
        Self {
            secrets: get(HS256_SECRET).map(SecretString::from),
            public_key: get(PUBLIC_KEY),
            jwks_url: get(JWKS_URL),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        let names = [
            self.secrets.as_ref().map(|_| HS256_SECRET),
            self.public_key.as_ref().map(|_| PUBLIC_KEY),
            self.jwks_url.as_ref().map(|_| JWKS_URL),
        ];
        names.into_iter().flatten().collect()
    }

    /// Returns the keys if exactly one setting is set and valid. Checks every setting, even if
    /// there are too many.
    fn check(self, faults: &mut Faults) -> Option<KeySettings> {
        const ONE_OF: &str = "exactly one of BILLING_JWT_HS256_SECRET, BILLING_JWT_PUBLIC_KEY and \
            BILLING_JWT_JWKS_URL";
        match self.names().as_slice() {
            [] => faults
                .add(HS256_SECRET, format!("no key for access tokens is configured: set {ONE_OF}")),
            [_, more @ ..] => {
                for name in more {
                    faults.add(name, format!("another key setting is also set: keep {ONE_OF}"));
                }
            }
        }
        let secrets = self.secrets.and_then(|text| faults.take(HS256_SECRET, parse_secrets(&text)));
        let public_key =
            self.public_key.and_then(|pem| faults.take(PUBLIC_KEY, public_key::parse(&pem)));
        let jwks_url = self.jwks_url.and_then(|url| faults.take(JWKS_URL, parse_jwks_url(&url)));
        let configured =
            secrets.as_deref().map(KeySet::of_secrets).or(public_key).map(KeySettings::Configured);
        configured.or(jwks_url.map(KeySettings::Published))
    }
}

fn parse_secrets(text: &SecretString) -> Result<Vec<SecretString>, String> {
    let secrets: Vec<&str> = text.expose_secret().split(',').collect();
    if secrets.len() > 2 {
        return Err("there are more than two secrets: keep the new one and, during a rotation, \
            the old one (separated by a comma)"
            .to_owned());
    }
    if text.expose_secret().contains("-----BEGIN") {
        return Err(
            "this is a PEM key, not a shared secret: give a public key as BILLING_JWT_PUBLIC_KEY"
                .to_owned(),
        );
    }
    if secrets.iter().any(|secret| secret.trim() != *secret) {
        return Err(
            "a secret starts or ends with white space: remove it, also around the comma".to_owned()
        );
    }
    if secrets.iter().any(|secret| secret.len() < MIN_SECRET_BYTES) {
        return Err(
            "a secret is shorter than 32 bytes: generate one with `openssl rand -base64 48` (a \
            comma separates two)"
                .to_owned(),
        );
    }
    Ok(secrets.into_iter().map(SecretString::from).collect())
}

/// Parses an https URL, or http on a loopback host, without credentials.
fn parse_jwks_url(text: &str) -> Result<Url, String> {
    const FORM: &str = "give an https URL (http on a loopback host) without a user name, from \
        your issuer's metadata (`jwks_uri`)";
    let url = Url::parse(text).map_err(|_| format!("this is not a URL: {FORM}"))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let bare = url.username().is_empty() && url.password().is_none();
    match url.scheme() {
        "https" if bare => Ok(url),
        "http" if bare && loopback => Ok(url),
        _ => Err(format!("this URL is not safe to fetch keys from: {FORM}")),
    }
}

/// Reads an issuer or audience. It is compared exactly, so values that cannot match are faults.
fn read_identity(
    name: &'static str,
    required: bool,
    get: &mut dyn FnMut(&str) -> Option<String>,
    faults: &mut Faults,
) -> Option<String> {
    let value = get(name);
    match &value {
        // RFC 8725, 3.8 and 3.9: the issuer of a public key also signs for other services.
        None if required => faults.add(
            name,
            "it is required with a public key or a key set: set the value in your issuer's tokens",
        ),
        Some(text)
            if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) =>
        {
            faults.add(
                name,
                "it is empty, has control characters, or white space at an end: use the exact \
                value in the tokens",
            );
        }
        _ => {}
    }
    value
}

fn read_seconds(
    name: &'static str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
    get: &mut dyn FnMut(&str) -> Option<String>,
    faults: &mut Faults,
) -> Duration {
    let seconds = match get(name) {
        None => default,
        Some(text) => {
            let digits = text.bytes().all(|b| b.is_ascii_digit()).then_some(text);
            digits
                .and_then(|digits| digits.parse().ok())
                .filter(|seconds| range.contains(seconds))
                .unwrap_or_else(|| {
                    faults.add(
                        name,
                        format!("give whole seconds from {} to {}", range.start(), range.end()),
                    );
                    default
                })
        }
    };
    Duration::from_secs(seconds)
}

fn check_subject_claim(name: &str) -> Result<(), String> {
    if name.is_empty() || name.trim() != name || name.chars().any(char::is_control) {
        Err("it is empty, has control characters, or white space at an end: \
            give the claim's name, for example `org_id`"
            .to_owned())
    } else if NO_SUBJECT.contains(&name) {
        Err(format!(
            "`{name}` cannot identify the owner of the billing account: use another claim, for \
            example `sub`"
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningAlgorithm;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const PEM: &str = include_str!("../tests/data/keys/ed25519.public.pem");

    fn read(given: &[(&str, &str)]) -> Result<JwtSettings, Vec<(&'static str, String)>> {
        JwtSettings::read(&mut |name| {
            given.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn algorithm(settings: &JwtSettings) -> Option<SigningAlgorithm> {
        match &settings.keys {
            KeySettings::Configured(keys) => Some(keys.algorithm()),
            KeySettings::Published(_) => None,
        }
    }

    fn faulty(given: &[(&str, &str)]) -> Vec<&'static str> {
        read(given).expect_err("a fault").into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_secret_alone_uses_the_defaults() {
        let settings = read(&[(HS256_SECRET, SECRET)]).unwrap();
        assert_eq!(algorithm(&settings), Some(SigningAlgorithm::Hs256));
        assert_eq!(settings.policy.leeway, Duration::from_secs(30));
        assert_eq!(settings.max_lifetime(), Duration::from_secs(86_400));
        assert_eq!(settings.policy.subject_claim, "sub");
        assert_eq!((settings.policy.issuer, settings.policy.audience), (None, None));
    }

    #[test]
    fn exactly_one_key_setting_is_accepted() {
        assert_eq!(faulty(&[]), [HS256_SECRET]);
        let both = [(HS256_SECRET, SECRET), (PUBLIC_KEY, PEM), (ISSUER, "i"), (AUDIENCE, "a")];
        assert_eq!(faulty(&both), [PUBLIC_KEY]);
        let all = [(HS256_SECRET, "short"), (PUBLIC_KEY, "x"), (JWKS_URL, "http://example.com/")];
        assert_eq!(
            faulty(&all),
            [PUBLIC_KEY, JWKS_URL, HS256_SECRET, PUBLIC_KEY, JWKS_URL, ISSUER, AUDIENCE]
        );
    }

    #[test]
    fn a_secret_has_at_least_32_bytes_and_no_surrounding_white_space() {
        let two = |first: &str, second: &str| format!("{first},{second}");
        for good in [
            SECRET.to_owned(),
            two(SECRET, SECRET),
            "ü".repeat(16),
            format!("inner white space {SECRET}"),
        ] {
            assert!(read(&[(HS256_SECRET, &good)]).is_ok(), "{good}");
        }
        for bad in [
            String::new(),
            SECRET[1..].to_owned(),
            format!("{SECRET},"),
            format!(",{SECRET}"),
            two(SECRET, "short"),
            format!("{SECRET}, {SECRET}"),
            format!(" {SECRET}"),
            format!("{SECRET}\n"),
            two(SECRET, &two(SECRET, SECRET)),
            " ".repeat(40),
            PEM.to_owned(),
        ] {
            assert_eq!(faulty(&[(HS256_SECRET, &bad)]), [HS256_SECRET], "{bad:?}");
        }
    }

    #[test]
    fn a_public_key_requires_issuer_and_audience() {
        let settings =
            read(&[(PUBLIC_KEY, PEM), (ISSUER, "https://issuer.test"), (AUDIENCE, "billing")])
                .unwrap();
        assert_eq!(algorithm(&settings), Some(SigningAlgorithm::EdDsa));
        assert_eq!(faulty(&[(PUBLIC_KEY, PEM)]), [ISSUER, AUDIENCE]);
        assert_eq!(faulty(&[(PUBLIC_KEY, PEM), (AUDIENCE, "billing")]), [ISSUER]);
    }

    #[test]
    fn a_key_set_requires_a_safe_url_issuer_and_audience() {
        for good in [
            "https://issuer.test/keys",
            "https://issuer.test:8443/keys?tenant=1",
            "http://127.0.0.1:1/k",
            "http://127.9.9.9/k",
            "http://[::1]/k",
            "http://localhost/k",
        ] {
            let settings = read(&[(JWKS_URL, good), (ISSUER, "i"), (AUDIENCE, "a")]).unwrap();
            assert!(
                matches!(&settings.keys, KeySettings::Published(url) if url.as_str() == good),
                "{good}"
            );
        }
        for bad in [
            "http://issuer.test/keys",
            "http://localhost.test/",
            "http://127.0.0.1.issuer.test/",
            "ftp://127.0.0.1/",
            "file:///keys",
            "keys",
            "",
            "https://u:p@issuer.test/",
            "https://u@issuer.test/",
            "http://u@localhost/",
        ] {
            assert_eq!(
                faulty(&[(JWKS_URL, bad), (ISSUER, "i"), (AUDIENCE, "a")]),
                [JWKS_URL],
                "{bad}"
            );
        }
        assert_eq!(faulty(&[(JWKS_URL, "https://issuer.test/keys")]), [ISSUER, AUDIENCE]);
        let and_a_secret = [
            (HS256_SECRET, SECRET),
            (JWKS_URL, "https://issuer.test/keys"),
            (ISSUER, "i"),
            (AUDIENCE, "a"),
        ];
        assert_eq!(faulty(&and_a_secret), [JWKS_URL]);
    }

    #[test]
    fn invalid_numbers_and_names_are_refused() {
        let with = |name: &'static str, value: &str| read(&[(HS256_SECRET, SECRET), (name, value)]);
        for (name, value) in [
            (LEEWAY, "-1"),
            (LEEWAY, "+1"),
            (LEEWAY, ""),
            (LEEWAY, "1.5"),
            (LEEWAY, "30s"),
            (LEEWAY, "3601"),
            (LEEWAY, "99999999999999999999999"),
            (MAX_LIFETIME, "0"),
            (MAX_LIFETIME, "4294967296"),
            (MAX_LIFETIME, "1d"),
            (ISSUER, ""),
            (ISSUER, "https://issuer.test "),
            (AUDIENCE, "a\nb"),
            (SUBJECT_CLAIM, ""),
            (SUBJECT_CLAIM, " sub"),
            (SUBJECT_CLAIM, "aud"),
            (SUBJECT_CLAIM, "exp"),
            (REQUIRED_CLAIMS, "role"),
        ] {
            assert_eq!(with(name, value).expect_err(value)[0].0, name, "{value:?}");
        }
        assert_eq!(with(LEEWAY, "0").unwrap().policy.leeway, Duration::ZERO);
        assert_eq!(with(MAX_LIFETIME, "60").unwrap().max_lifetime(), Duration::from_secs(60));
        assert_eq!(
            with(SUBJECT_CLAIM, "https://issuer.test/org").unwrap().policy.subject_claim,
            "https://issuer.test/org"
        );
    }

    #[test]
    fn read_returns_all_faults_and_none_contains_a_secret() {
        let given = [
            (HS256_SECRET, "s3cr3t"),
            (LEEWAY, "x"),
            (MAX_LIFETIME, "x"),
            (SUBJECT_CLAIM, "iss"),
            (REQUIRED_CLAIMS, "x"),
        ];
        let faults = read(&given).unwrap_err();
        assert_eq!(faults.len(), 5);
        assert!(faults.iter().all(|(_, fault)| !fault.contains("s3cr3t")));
        assert!(faults.iter().all(|(name, _)| SETTINGS.contains(name)));
    }

    #[test]
    fn every_setting_is_read_once() {
        let mut names_read = Vec::new();
        let _ = JwtSettings::read(&mut |name| {
            names_read.push(name.to_owned());
            None
        });
        names_read.sort();
        let mut known: Vec<_> = SETTINGS.to_vec();
        known.sort_unstable();
        assert_eq!(names_read, known);
        assert!(SECRETS.iter().all(|name| SETTINGS.contains(name)));
    }

    #[test]
    fn debug_redacts_the_secret() {
        assert!(!format!("{:?}", read(&[(HS256_SECRET, SECRET)]).unwrap()).contains(SECRET));
    }
}

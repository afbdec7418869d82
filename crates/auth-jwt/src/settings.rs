//! The settings of access tokens, read once and checked all together.

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

/// The names that [`JwtSettings::read`] asks for, without the prefix of the environment.
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

/// Those of [`SETTINGS`] that may come from a file. The public key is no secret, but is usually a file.
pub const SECRETS: &[&str] = &[HS256_SECRET, PUBLIC_KEY];

/// The shortest HS256 secret, in bytes: a key as long as the hash (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The longest leeway, in seconds. RFC 7519, 4.1.4 has "a few minutes" in mind; beyond an hour it is milliseconds by mistake.
const MAX_LEEWAY: u64 = 3600;

/// Registered claims that name no owner.
const NO_SUBJECT: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// What the deployment says about access tokens. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    pub(crate) keys: KeySettings,
    pub(crate) policy: ClaimPolicy,
    pub(crate) required: RequiredClaims,
}

/// Which keys verify tokens.
#[derive(Clone, Debug)]
pub(crate) enum KeySettings {
    /// These.
    Held(KeySet),
    /// Those that are published there.
    Published(Url),
}

impl JwtSettings {
    /// Reads the settings named in [`SETTINGS`] through `get`; exactly one of the three key settings must be given.
    ///
    /// HS256 secrets are the bytes as they stand: no base64 is decoded, a comma separates two, and white space at either
    /// end of one is a fault, because the issuer would hardly have it too.
    ///
    /// # Errors
    /// All faults at once: the setting and one sentence each, never with a secret in it.
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

    /// How far ahead a token may expire: the most that [`mint`](crate::mint) gives.
    #[must_use]
    pub fn max_lifetime(&self) -> Duration {
        self.policy.max_lifetime
    }
}

/// What is wrong so far.
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

/// The key settings as they were given.
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

    /// The keys, if exactly one setting names good ones. Each that is given is checked, also where it is one too many.
    fn check(self, faults: &mut Faults) -> Option<KeySettings> {
        const ONE_OF: &str = "exactly one of BILLING_JWT_HS256_SECRET, BILLING_JWT_PUBLIC_KEY and BILLING_JWT_JWKS_URL";
        match self.names().as_slice() {
            [] => faults.add(HS256_SECRET, format!("no key verifies access tokens: set {ONE_OF}")),
            [_, more @ ..] => {
                for name in more {
                    faults.add(name, format!("another key is set already: keep {ONE_OF}"));
                }
            }
        }
        let secrets = self.secrets.and_then(|text| faults.take(HS256_SECRET, parse_secrets(&text)));
        let public_key =
            self.public_key.and_then(|pem| faults.take(PUBLIC_KEY, public_key::parse(&pem)));
        let jwks_url = self.jwks_url.and_then(|url| faults.take(JWKS_URL, parse_jwks_url(&url)));
        let held = secrets.as_deref().map(KeySet::of_secrets).or(public_key).map(KeySettings::Held);
        held.or(jwks_url.map(KeySettings::Published))
    }
}

fn parse_secrets(text: &SecretString) -> Result<Vec<SecretString>, String> {
    let secrets: Vec<&str> = text.expose_secret().split(',').collect();
    if secrets.len() > 2 {
        return Err("there are more than two secrets: keep the new one and, while rotating, the old one (a comma separates them)".to_owned());
    }
    if text.expose_secret().contains("-----BEGIN") {
        return Err(
            "this is a PEM key, not a shared secret: give a public key as BILLING_JWT_PUBLIC_KEY"
                .to_owned(),
        );
    }
    if secrets.iter().any(|secret| secret.trim() != *secret) {
        return Err(
            "a secret starts or ends with white space: take it away, also around the comma"
                .to_owned(),
        );
    }
    if secrets.iter().any(|secret| secret.len() < MIN_SECRET_BYTES) {
        return Err(
            "a secret is shorter than 32 bytes: make one with `openssl rand -base64 48` (a comma separates two)"
                .to_owned(),
        );
    }
    Ok(secrets.into_iter().map(SecretString::from).collect())
}

/// An https URL, or http on a loopback host, without credentials.
fn parse_jwks_url(text: &str) -> Result<Url, String> {
    const FORM: &str = "give an https URL (http on a loopback host) without a user name, as your issuer's metadata has it (`jwks_uri`)";
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

/// An issuer or an audience: compared as it stands, so nothing that could never be equal is let in.
fn read_identity(
    name: &'static str,
    required: bool,
    get: &mut dyn FnMut(&str) -> Option<String>,
    faults: &mut Faults,
) -> Option<String> {
    let value = get(name);
    match &value {
        // RFC 8725, 3.8 and 3.9: a public key's issuer signs for others too.
        None if required => {
            faults.add(name, "it is required with a public key or a key set: set what your issuer puts into its tokens")
        }
        Some(text) if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) => {
            faults.add(
                name,
                "it is empty, has control characters, or white space at an end: give it exactly as tokens have it",
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
        Err("it is empty, has control characters, or white space at an end: give the claim's name, for instance `org_id`".to_owned())
    } else if NO_SUBJECT.contains(&name) {
        Err(format!(
            "`{name}` does not say who owns the billing account: give the claim that does, for instance `sub`"
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
            KeySettings::Held(keys) => Some(keys.algorithm()),
            KeySettings::Published(_) => None,
        }
    }

    fn faulty(given: &[(&str, &str)]) -> Vec<&'static str> {
        read(given).expect_err("a fault").into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_secret_alone_gives_the_defaults() {
        let settings = read(&[(HS256_SECRET, SECRET)]).unwrap();
        assert_eq!(algorithm(&settings), Some(SigningAlgorithm::Hs256));
        assert_eq!(settings.policy.leeway, Duration::from_secs(30));
        assert_eq!(settings.max_lifetime(), Duration::from_secs(86_400));
        assert_eq!(settings.policy.subject_claim, "sub");
        assert_eq!((settings.policy.issuer, settings.policy.audience), (None, None));
    }

    #[test]
    fn exactly_one_key_setting_is_given() {
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
    fn a_secret_has_at_least_32_bytes_and_no_white_space_around_it() {
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
    fn a_key_set_is_named_by_a_safe_url_and_requires_issuer_and_audience() {
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
    fn numbers_and_names_are_checked() {
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
    fn all_faults_come_at_once_and_quote_no_secret() {
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
    fn known_names_are_asked_for_once() {
        let mut asked = Vec::new();
        let _ = JwtSettings::read(&mut |name| {
            asked.push(name.to_owned());
            None
        });
        asked.sort();
        let mut known: Vec<_> = SETTINGS.to_vec();
        known.sort_unstable();
        assert_eq!(asked, known);
        assert!(SECRETS.iter().all(|name| SETTINGS.contains(name)));
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", read(&[(HS256_SECRET, SECRET)]).unwrap()).contains(SECRET));
    }
}

//! Generates good, nearly good and hostile access tokens, each from a plan that shrinks.

mod vocabulary;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use self::vocabulary::{
    CLAIM_NAMES, HEADER_NAMES, HEADER_VALUES, JSON_PIECES, NUMBERS, OFFSETS, TEXTS, TOKEN_PIECES,
};
use super::edit::{self, Edit};
use super::profile::{NOW, OLD_SECRET, PROFILES, Profile, SECRET};
use crate::tokens::pem;

/// A plan for one token.
#[derive(Clone, Debug)]
pub struct TokenPlan {
    /// The profile that it is checked with.
    pub profile: Profile,
    /// Members of the header: name and value in JSON.
    pub header: Vec<(String, String)>,
    /// Members of the claims.
    pub claims: Vec<(String, String)>,
    /// Edits of the header's text before signing.
    pub header_edits: Vec<Edit>,
    /// Edits of the claims' text before signing.
    pub claims_edits: Vec<Edit>,
    /// Edits of the signed token.
    pub token_edits: Vec<Edit>,
    /// The key that signs.
    pub signer: Signer,
}

/// The signing key and algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The profile's own key.
    Own,
    /// The previous HS256 secret.
    Old,
    /// A foreign key of the same type.
    Other,
    /// HS256 with the public key's text as secret, or with an empty secret for HS256 profiles.
    Confused,
    /// The profile's key with another algorithm of its type: HS384, RS512.
    Stronger,
    /// No key: the signature is empty.
    Unsigned,
}

/// A change of a member of the header or claims. It replaces the original unless that is kept.
#[derive(Clone, Debug)]
struct Change {
    name: String,
    /// `None` removes the member.
    value: Option<String>,
    keep_original: bool,
}

/// Generates tokens for the first `profiles` of [`PROFILES`].
pub fn plans(profiles: usize) -> BoxedStrategy<TokenPlan> {
    let profile = select(&PROFILES[..profiles]);
    let signer = prop_oneof![
        12 => Just(Signer::Own), 1 => Just(Signer::Old), 1 => Just(Signer::Other), 1 => Just(Signer::Confused),
        1 => Just(Signer::Stronger), 1 => Just(Signer::Unsigned),
    ];
    let rare = |edits: BoxedStrategy<Vec<Edit>>| prop_oneof![5 => Just(Vec::new()), 1 => edits];
    let header = prop_oneof![3 => Just(Vec::new()), 2 => vec(header_change(), 1..4)];
    (
        profile,
        header,
        vec(claim_change(), 0..5),
        rare(edit::edits(&JSON_PIECES)),
        rare(edit::edits(&JSON_PIECES)),
        rare(edit::edits(&TOKEN_PIECES)),
        signer,
    )
        .prop_map(|(profile, header, claims, header_edits, claims_edits, token_edits, signer)| {
            TokenPlan {
                profile,
                header: changed(good_header(&profile), header),
                claims: changed(good_claims(&profile), claims),
                header_edits,
                claims_edits,
                token_edits,
                signer,
            }
        })
        .boxed()
}

fn header_change() -> BoxedStrategy<Change> {
    change(
        select(&HEADER_NAMES[..]).boxed(),
        prop_oneof![10 => select(&HEADER_VALUES[..]).prop_map(str::to_owned), 1 => deep()].boxed(),
    )
}

fn claim_change() -> BoxedStrategy<Change> {
    let time = select(&OFFSETS[..]).prop_map(|offset| (NOW + offset).to_string());
    let fraction = (select(&OFFSETS[..]), 0_u32..1000)
        .prop_map(|(offset, ms)| format!("{}.{ms:03}", NOW + offset));
    let fit = change(
        select(&["exp", "nbf", "iat"][..]).boxed(),
        prop_oneof![4 => time, 2 => fraction, 1 => select(&NUMBERS[..]).prop_map(str::to_owned)]
            .boxed(),
    );
    let text = prop_oneof![
        12 => select(&TEXTS[..]).prop_map(str::to_owned),
        2 => select(&NUMBERS[..]).prop_map(str::to_owned),
        1 => (253_usize..258).prop_map(|length| format!("\"{}\"", "u".repeat(length))),
        1 => (253_usize..258).prop_map(|length| format!("\"{}\"", "é".repeat(length))),
        1 => (5_000_usize..7_000).prop_map(|length| format!("\"{}\"", "f".repeat(length))),
        1 => deep(),
    ];
    prop_oneof![3 => fit, 4 => change(select(&CLAIM_NAMES[..]).boxed(), text.boxed())].boxed()
}

fn change(
    name: BoxedStrategy<&'static str>,
    value: BoxedStrategy<String>,
) -> BoxedStrategy<Change> {
    let value = prop_oneof![10 => value.prop_map(Some), 1 => Just(None)];
    (name, value, 0_u8..12)
        .prop_map(|(name, value, chance)| Change {
            name: name.to_owned(),
            value,
            keep_original: chance == 0,
        })
        .boxed()
}

/// Generates nested arrays and objects around the depth limit.
fn deep() -> BoxedStrategy<String> {
    (any::<bool>(), 13_usize..19)
        .prop_map(|(array, levels)| {
            if array {
                format!("{}{}", "[".repeat(levels), "]".repeat(levels))
            } else {
                format!("{}0{}", "{\"a\":".repeat(levels), "}".repeat(levels))
            }
        })
        .boxed()
}

fn good_header(profile: &Profile) -> Vec<(String, String)> {
    [("alg", profile.algorithm), ("typ", "JWT")]
        .map(|(name, value)| (name.to_owned(), format!("\"{value}\"")))
        .into()
}

fn good_claims(profile: &Profile) -> Vec<(String, String)> {
    let text = |value: &str| format!("\"{value}\"");
    let mut claims =
        vec![(profile.subject_claim, text("user_1")), ("exp", (NOW + 300).to_string())];
    claims.extend(profile.issuer.map(|issuer| ("iss", text(issuer))));
    claims.extend(profile.audience.map(|audience| ("aud", text(audience))));
    claims.extend(profile.required.iter().map(|(name, values)| (*name, text(values[0]))));
    claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn changed(mut members: Vec<(String, String)>, changes: Vec<Change>) -> Vec<(String, String)> {
    for Change { name, value, keep_original } in changes {
        if !keep_original {
            members.retain(|(known, _)| *known != name);
        }
        members.extend(value.map(|value| (name, value)));
    }
    members
}

impl TokenPlan {
    /// Builds the token.
    #[must_use]
    pub fn token(&self) -> String {
        let header = edit::apply(&object(&self.header), &self.header_edits);
        let claims = edit::apply(&object(&self.claims), &self.claims_edits);
        edit::apply(&sign(&self.profile, &header, &claims, self.signer), &self.token_edits)
    }
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// Signs header and claims without changing them.
///
/// # Panics
/// When signing fails.
#[must_use]
pub fn sign(profile: &Profile, header: &str, claims: &str, signer: Signer) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = match KEYS.choose(profile.algorithm, signer) {
        Some((algorithm, key)) => jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm)
            .expect("the library signs"),
        None => String::new(),
    };
    format!("{message}.{signature}")
}

/// All keys, read once.
struct Keys {
    secret: EncodingKey,
    old: EncodingKey,
    foreign: EncodingKey,
    empty: EncodingKey,
    /// By algorithm: own key, foreign key, and the public key's text as HS256 secret.
    pairs: Vec<(Algorithm, EncodingKey, EncodingKey, EncodingKey)>,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let secret = |text: &str| EncodingKey::from_secret(text.as_bytes());
    let private = |algorithm: Algorithm, name: &str, owner: &str| {
        let text = pem(name, &format!("{owner}.private"));
        match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(text.as_bytes()),
            Algorithm::ES256 => EncodingKey::from_ec_pem(text.as_bytes()),
            _ => EncodingKey::from_ed_pem(text.as_bytes()),
        }
        .expect("a key of the tests")
    };
    let pair = |(algorithm, name): (Algorithm, &str)| {
        let confused = secret(&pem(name, "own.public"));
        (algorithm, private(algorithm, name, "own"), private(algorithm, name, "other"), confused)
    };
    let kinds =
        [(Algorithm::RS256, "RS256"), (Algorithm::ES256, "ES256"), (Algorithm::EdDSA, "EdDSA")];
    Keys {
        secret: secret(SECRET),
        old: secret(OLD_SECRET),
        foreign: secret("a foreign secret of the tests with 32 bytes or more"),
        empty: secret(""),
        pairs: kinds.map(pair).into(),
    }
});

impl Keys {
    fn choose(&self, algorithm: &str, signer: Signer) -> Option<(Algorithm, &EncodingKey)> {
        let pair = self.pairs.iter().find(|(kind, ..)| format!("{kind:?}") == algorithm);
        Some(match (pair, signer) {
            (_, Signer::Unsigned) => return None,
            (None, Signer::Own) => (Algorithm::HS256, &self.secret),
            (_, Signer::Old) => (Algorithm::HS256, &self.old),
            (None, Signer::Other) => (Algorithm::HS256, &self.foreign),
            (None, Signer::Confused) => (Algorithm::HS256, &self.empty),
            (None, Signer::Stronger) => (Algorithm::HS384, &self.secret),
            (Some((kind, own, _, _)), Signer::Own) => (*kind, own),
            (Some((kind, _, other, _)), Signer::Other) => (*kind, other),
            (Some((.., confused)), Signer::Confused) => (Algorithm::HS256, confused),
            (Some((Algorithm::RS256, own, ..)), Signer::Stronger) => (Algorithm::RS512, own),
            (Some((kind, own, ..)), Signer::Stronger) => (*kind, own),
        })
    }
}

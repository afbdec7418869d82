//! An oracle for rules C4 and C5, written from the contract's text. It covers tokens with a shared
//! secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::json::{Json, member};
use super::profile::{Answer, NOW, Profile};

/// Values of the type claims that are not access tokens.
const OTHER_USES: [&str; 6] = ["refresh", "refresh_token", "offline", "id", "id_token", "logout"];
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Returns the answer that the contract requires for a token.
#[must_use]
pub fn expected_answer(profile: &Profile, token: &str) -> Answer {
    answer_if_valid(profile, token).unwrap_or(Answer::Refuse)
}

fn answer_if_valid(profile: &Profile, token: &str) -> Option<Answer> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { return None };
    if token.len() > 8192
        || !is_signed(profile, &format!("{header}.{claims}"), &base64url(signature)?)
    {
        return None;
    }
    let (header, claims) = (Json::object(&base64url(header)?)?, Json::object(&base64url(claims)?)?);
    (is_header_valid(profile, &header) && are_claims_valid(profile, &claims)).then_some(())?;
    let Some(Json::Text(subject)) = member(&claims, profile.subject_claim) else { return None };
    if !(1..=255).contains(&subject.chars().count()) || subject.chars().any(char::is_control) {
        return None;
    }
    let met = profile.required.iter().all(
        |(name, values)| matches!(member(&claims, name), Some(Json::Text(text)) if values.contains(&text.as_str())),
    );
    Some(if met { Answer::Accept(subject.clone()) } else { Answer::Forbid(subject.clone()) })
}

fn is_signed(profile: &Profile, message: &str, signature: &[u8]) -> bool {
    profile.secrets.iter().any(|secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .expect("HMAC takes keys of any length");
        mac.chain_update(message).verify_slice(signature).is_ok()
    })
}

fn is_header_valid(profile: &Profile, header: &[(String, Json)]) -> bool {
    let texts = ["alg", "typ", "cty", "kid"]
        .iter()
        .all(|name| matches!(member(header, name), None | Some(Json::Text(_))));
    let text = |name: &str| match member(header, name) {
        Some(Json::Text(text)) => Some(text.to_ascii_lowercase()),
        _ => None,
    };
    let nested = text("cty").is_some_and(|cty| {
        let essence = cty.split(';').next().unwrap_or_default().trim();
        essence == "jwt" || essence == "application/jwt"
    });
    let typed = text("typ")
        .is_none_or(|typ| ["jwt", "at+jwt", "application/at+jwt"].contains(&typ.as_str()));
    let alg = matches!(member(header, "alg"), Some(Json::Text(alg)) if alg == profile.algorithm);
    let rejected = ["crit", "b64", "zip"].iter().any(|name| member(header, name).is_some());
    texts && typed && alg && !nested && !rejected
}

fn are_claims_valid(profile: &Profile, claims: &[(String, Json)]) -> bool {
    let texts = ["sub", "jti", "iss"]
        .iter()
        .all(|name| matches!(member(claims, name), None | Some(Json::Text(_))));
    let issuer = profile.issuer.is_none_or(
        |wanted| matches!(member(claims, "iss"), Some(Json::Text(iss)) if iss == wanted),
    );
    texts
        && issuer
        && is_audience_valid(profile, claims)
        && is_for_access(claims)
        && are_times_valid(profile, claims)
}

fn is_audience_valid(profile: &Profile, claims: &[(String, Json)]) -> bool {
    let listed: Vec<&Json> = match member(claims, "aud") {
        None => return profile.audience.is_none(),
        Some(Json::Array(several)) => several.iter().collect(),
        Some(one) => vec![one],
    };
    let texts: Option<Vec<&str>> = listed
        .iter()
        .map(|one| if let Json::Text(text) = one { Some(text.as_str()) } else { None })
        .collect();
    matches!((texts, profile.audience), (Some(texts), Some(wanted)) if texts.contains(&wanted))
}

fn is_for_access(claims: &[(String, Json)]) -> bool {
    let other = |value: &Json| matches!(value, Json::Text(text) if OTHER_USES.contains(&text.to_ascii_lowercase().as_str()));
    ["type", "token_use", "token_type", "typ"].iter().all(|name| match member(claims, name) {
        None => true,
        Some(Json::Array(several)) => !several.iter().any(other),
        Some(one) => !other(one),
    })
}

fn are_times_valid(profile: &Profile, claims: &[(String, Json)]) -> bool {
    // Integer milliseconds make sums exact. The last valid second is in the year 9999.
    let date = |name: &str| match member(claims, name) {
        None => Ok(None),
        Some(Json::Number(s)) if (0.0..=253_402_300_799.0).contains(s) => {
            Ok(Some((s * 1000.0).floor() as i64))
        }
        Some(_) => Err(()),
    };
    let (Ok(Some(exp)), Ok(nbf), Ok(iat)) = (date("exp"), date("nbf"), date("iat")) else {
        return false;
    };
    let (now, leeway, lifetime) = (NOW * 1000, profile.leeway * 1000, profile.max_lifetime * 1000);
    let has_started = [nbf, iat].into_iter().flatten().all(|start| start <= now + leeway);
    has_started && now < exp + leeway && exp <= now + leeway + lifetime
}

/// Decodes base64url. Returns `None` if unused bits are set (RFC 4648, section 3.5).
fn base64url(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for character in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == character)?;
        bits = (bits << 6) | u32::try_from(value).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
        bits &= (1 << held) - 1;
    }
    (held < 6 && bits == 0).then_some(bytes)
}

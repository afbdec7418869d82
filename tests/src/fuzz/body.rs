//! Generates JSON bodies of the portal's routes.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy};
use proptest::prop_oneof;
use proptest::sample::select;
use serde::{Deserialize, Serialize};

use super::edit;
use super::json::{Json, member};

/// The bytes of a body.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent(pub Vec<u8>);

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Maximum size of a body in bytes (E1, 413).
pub const MAX_BYTES: usize = 16 * 1024;

/// A body by rule H3.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortalBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    return_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<Flow>,
}

/// A deep link.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    r#type: String,
    subscription_id: Option<String>,
}

const NAMES: [&str; 12] = [
    "returnUrl",
    "returnUrl",
    "locale",
    "locale",
    "flow",
    "flow",
    "return_url",
    "ReturnUrl",
    "return\\u0055rl",
    "",
    "type",
    "x",
];
const VALUES: [&str; 22] = [
    r#""https://app.example.com/""#,
    r#""de""#,
    "null",
    r#""""#,
    "1",
    "true",
    "[]",
    "{}",
    r#"{"type":"payment_method_update"}"#,
    r#"{"type":"subscription_cancel","subscriptionId":"sub_1"}"#,
    r#"{"type":"x","subscriptionId":null}"#,
    r#"{"type":1}"#,
    r#"{"type":"x","type":"y"}"#,
    r#"["payment_method_update"]"#,
    r#"{"subscriptionId":"sub_1"}"#,
    r#"{"type":"x","more":1}"#,
    r#""\ud800""#,
    r#""\ud83d\ude00""#,
    "1e400",
    "-0",
    r#"{"type":"x","subscriptionId":["a"]}"#,
    r#"["https://app.example.com/"]"#,
];
const PIECES: [&str; 24] = [
    "\"", "{", "}", "[", "]", ",", ":", "\\", " ", "\n", "\t", "\u{b}", "\u{a0}", "\u{feff}", "0",
    "-", "e", ".", "null", "\\u0000", "//", "NaN", "'", "\0",
];

/// Generates good and bad bodies.
pub fn texts() -> BoxedStrategy<Sent> {
    let deep =
        (14_usize..19).prop_map(|levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    let long = (16_300_usize..16_500).prop_map(|length| format!("\"{}\"", "a".repeat(length)));
    let value =
        prop_oneof![20 => select(&VALUES[..]).prop_map(str::to_owned), 1 => deep, 1 => long];
    let members = vec((select(&NAMES[..]), value), 0..4);
    let object = members.prop_map(|members| {
        let members: Vec<_> =
            members.into_iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{{}}}", members.join(", "))
    });
    let fit = select(
        &[
            "",
            "{}",
            r#"{"returnUrl":"https://app.example.com/","locale":null}"#,
            r#"{"flow":{"type":"payment_method_update"}}"#,
            r#" {"locale":"ko-KR","flow":{"subscriptionId":"sub_1","type":"subscription_cancel"}} "#,
        ][..],
    );
    let text = prop_oneof![2 => object, 1 => fit.prop_map(str::to_owned)];
    let raw = prop_oneof![12 => Just(None), 1 => (0_usize..64, 128_u8..=255).prop_map(Some)];
    (text, edit::edits(&PIECES), raw)
        .prop_map(|(text, edits, raw)| {
            let mut bytes = edit::apply(&text, &edits).into_bytes();
            // A byte that is most likely not valid UTF-8.
            if let (Some((at, byte)), false) = (raw, bytes.is_empty()) {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            Sent(bytes)
        })
        .boxed()
}

/// Parses a body by rule H3 with the second JSON parser. Returns `None` for an invalid body.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<PortalBody> {
    if bytes.is_empty() {
        return Some(PortalBody::default());
    }
    let members = Json::object(bytes).filter(|_| bytes.len() <= MAX_BYTES)?;
    only(&members, &["returnUrl", "locale", "flow"])?;
    let flow = match member(&members, "flow") {
        None | Some(Json::Null) => None,
        Some(Json::Object(flow)) => {
            only(flow, &["type", "subscriptionId"])?;
            Some(Flow {
                r#type: text(flow, "type")??,
                subscription_id: text(flow, "subscriptionId")?,
            })
        }
        Some(_) => return None,
    };
    Some(PortalBody {
        return_url: text(&members, "returnUrl")?,
        locale: text(&members, "locale")?,
        flow,
    })
}

fn only(members: &[(String, Json)], known: &[&str]) -> Option<()> {
    members.iter().all(|(name, _)| known.contains(&name.as_str())).then_some(())
}

/// Returns a member that is a string, `null` or absent; `None` for other types.
fn text(members: &[(String, Json)], name: &str) -> Option<Option<String>> {
    match member(members, name) {
        None | Some(Json::Null) => Some(None),
        Some(Json::Text(text)) => Some(Some(text.clone())),
        Some(_) => None,
    }
}

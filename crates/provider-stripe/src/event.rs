//! Parses Stripe's snapshot events (`event`) and thin events (`v2.core.event`): id, type, time and
//! subject only.

use billing_domain::ports::VerifiedEvent;
use billing_domain::{EventSubject, Mode, ProviderEvent, Timestamp};
use serde::Deserialize;
use strict_json::{Object, Value};

use crate::object;

/// The relevant fields of both kinds, without the subject.
#[derive(Deserialize)]
struct Event {
    object: String,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    livemode: bool,
    created: EventTime,
}

/// The time: seconds in a snapshot event, RFC 3339 in a thin event.
#[derive(Deserialize)]
#[serde(untagged)]
enum EventTime {
    Seconds(i64),
    Text(String),
}

/// Parses an event.
///
/// # Errors
/// The reason why the body is not an event. It contains no text of the body.
pub(crate) fn parse(body: &[u8], mode: Mode) -> Result<VerifiedEvent, String> {
    let body = object::parse(body)?;
    let (snapshot_subject, related_subject) = (snapshot_subject(&body), related_subject(&body));
    let event: Event = object::fit(body, "event")?;
    let (created, subject) = match (event.object.as_str(), event.created) {
        ("event", EventTime::Seconds(seconds)) => {
            (Timestamp::from_seconds(seconds), snapshot_subject?)
        }
        ("v2.core.event", EventTime::Text(text)) => (rfc_3339(&text)?, related_subject?),
        ("event" | "v2.core.event", _) => {
            return Err("the time of the event has the wrong format".to_owned());
        }
        _ => return Err("the object is not an event".to_owned()),
    };
    if event.livemode != (mode == Mode::Live) {
        return Ok(VerifiedEvent::OtherMode);
    }
    Ok(VerifiedEvent::ThisMode(ProviderEvent {
        id: object::id(&event.id, "event")?,
        kind: event.kind.parse().map_err(|_| "the type of the event is malformed".to_owned())?,
        subject,
        created,
    }))
}

/// Returns the subject of a snapshot: a customer or a subscription.
fn snapshot_subject(event: &Object) -> Result<EventSubject, String> {
    let Some(snapshot) = member(event, "data").and_then(|data| member(data, "object")) else {
        return Ok(EventSubject::Unrelated);
    };
    // An expanded reference is the object itself.
    let customer = member(snapshot, "customer")
        .map_or_else(|| text(snapshot, "customer"), |expanded| text(expanded, "id"));
    subject(text(snapshot, "object"), text(snapshot, "id"), customer)
}

fn related_subject(event: &Object) -> Result<EventSubject, String> {
    let Some(related) = member(event, "related_object") else { return Ok(EventSubject::Unrelated) };
    subject(text(related, "type"), text(related, "id"), None)
}

fn subject(
    kind: Option<&str>,
    id: Option<&str>,
    customer: Option<&str>,
) -> Result<EventSubject, String> {
    match (kind, id, customer) {
        (Some("customer"), Some(id), _) | (_, _, Some(id)) => {
            object::id(id, "customer").map(EventSubject::Customer)
        }
        (Some("subscription"), Some(id), None) => {
            object::id(id, "subscription").map(EventSubject::Subscription)
        }
        _ => Ok(EventSubject::Unrelated),
    }
}

fn member<'a>(object: &'a Object, name: &str) -> Option<&'a Object> {
    object.get(name).and_then(Value::as_object)
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn rfc_3339(text: &str) -> Result<Timestamp, String> {
    let moment: jiff::Timestamp =
        text.parse().map_err(|_| "the time of the event is not RFC 3339".to_owned())?;
    Ok(Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use billing_domain::EventSubject::{Customer, Subscription, Unrelated};
    use proptest::prelude::*;

    use super::*;

    fn event(kind: &str, object: &str) -> String {
        format!(
            r#"{{"id":"evt_1","object":"event","api_version":"2026-05-27.dahlia","created":1700000000,"livemode":false,
            "type":"{kind}","data":{{"object":{object},"previous_attributes":{{}}}},"pending_webhooks":1}}"#
        )
    }

    fn thin(related: &str) -> String {
        format!(
            r#"{{"id":"evt_test_1","object":"v2.core.event","created":"2026-01-02T03:04:05.678Z","livemode":false,
            "type":"v1.customer.updated"{related}}}"#
        )
    }

    fn parsed(body: &str) -> ProviderEvent {
        match parse(body.as_bytes(), Mode::Test) {
            Ok(VerifiedEvent::ThisMode(event)) => event,
            other => panic!("{other:?} of {body}"),
        }
    }

    fn parse_error(body: &str) -> String {
        parse(body.as_bytes(), Mode::Test).expect_err(body)
    }

    #[test]
    fn snapshot_subject_is_the_customer_of_the_object() {
        let customer = || Customer("cus_1".parse().unwrap());
        let subscription = Subscription("sub_1".parse().unwrap());
        for (kind, object, subject) in [
            ("customer.deleted", r#"{"object":"customer","id":"cus_1"}"#, customer()),
            (
                "customer.subscription.updated",
                r#"{"object":"subscription","id":"sub_1","customer":"cus_1"}"#,
                customer(),
            ),
            (
                "checkout.session.completed",
                r#"{"object":"checkout.session","id":"cs_1","customer":"cus_1"}"#,
                customer(),
            ),
            (
                "invoice.paid",
                r#"{"object":"invoice","customer":{"object":"customer","id":"cus_1","x":[]}}"#,
                customer(),
            ),
            (
                "payment_method.attached",
                r#"{"object":"payment_method","id":"pm_1","customer":"cus_1"}"#,
                customer(),
            ),
            (
                "customer.subscription.updated",
                r#"{"object":"subscription","id":"sub_1","customer":null}"#,
                subscription,
            ),
            (
                "checkout.session.completed",
                r#"{"object":"checkout.session","id":"cs_1","customer":null}"#,
                Unrelated,
            ),
            ("product.updated", r#"{"object":"product","id":"prod_1"}"#, Unrelated),
            ("odd", r#"{"object":"odd","customer":["cus_1"]}"#, Unrelated),
            ("odd", r#"{"object":"odd","customer":7}"#, Unrelated),
            ("odd", r#"["customer","cus_1"]"#, Unrelated),
            ("odd", "null", Unrelated),
        ] {
            let event = parsed(&event(kind, object));
            assert_eq!((event.kind.as_str(), event.subject), (kind, subject), "{object}");
            assert_eq!(
                (event.id.as_str(), event.created),
                ("evt_1", Timestamp::from_seconds(1_700_000_000))
            );
        }
    }

    #[test]
    fn thin_event_subject_is_the_related_object() {
        let related = |kind: &str, id: &str| {
            format!(r#","related_object":{{"id":"{id}","type":"{kind}","url":"/v1/x"}}"#)
        };
        for (related, subject) in [
            (related("customer", "cus_1"), Customer("cus_1".parse().unwrap())),
            (related("subscription", "sub_1"), Subscription("sub_1".parse().unwrap())),
            (related("billing.meter", "mtr_1"), Unrelated),
            (String::new(), Unrelated),
            (r#","related_object":null"#.to_owned(), Unrelated),
            (r#","related_object":["cus_1","customer"]"#.to_owned(), Unrelated),
        ] {
            let event = parsed(&thin(&related));
            assert_eq!(
                (event.subject, event.created.as_millis()),
                (subject, 1_767_323_045_678),
                "{related}"
            );
        }
        let brackets =
            thin("").replace("v1.customer.updated", "v2.core.account[requirements].updated");
        assert_eq!(parsed(&brackets).kind.as_str(), "v2.core.account[requirements].updated");
    }

    #[test]
    fn event_of_the_other_mode_is_other_mode() {
        for body in [event("customer.created", r#"{"object":"customer","id":"cus_1"}"#), thin("")] {
            assert_eq!(parse(body.as_bytes(), Mode::Live), Ok(VerifiedEvent::OtherMode));
            assert_eq!(
                parse(
                    body.replace("\"livemode\":false", "\"livemode\":true").as_bytes(),
                    Mode::Test
                ),
                Ok(VerifiedEvent::OtherMode)
            );
        }
    }

    #[test]
    fn invalid_events_are_rejected_without_quoting_them() {
        let good = event("customer.created", r#"{"object":"customer","id":"cus_hidden"}"#);
        for (from, to) in [
            ("\"object\":\"event\"", "\"object\":\"customer\""),
            ("\"evt_1\"", "\"evt hidden\""),
            ("\"evt_1\"", "1"),
            ("1700000000", "\"1700000000\""),
            ("1700000000", "17e8"),
            ("1700000000", "170000000099999999999999999"),
            ("\"livemode\":false", "\"livemode\":0"),
            ("\"livemode\":false", "\"livemode\":false,\"livemode\":false"),
            ("\"livemode\":false,", ""),
            ("customer.created", "Hidden"),
            ("cus_hidden", "cus hidden"),
        ] {
            assert!(good.contains(from), "{from}");
            let fault = parse_error(&good.replacen(from, to, 1));
            assert!(!fault.to_lowercase().contains("hidden"), "{fault}");
        }
        let late = thin("").replace("2026-01-02T03:04:05.678Z", "2026-01-02 hidden");
        assert!(!parse_error(&late).contains("hidden"));
        for bad in [
            "",
            "null",
            "[]",
            "\"event\"",
            "{}",
            "[\"event\",\"evt_1\"]",
            &format!("{good}{good}"),
            "\u{feff}{}",
        ] {
            parse_error(bad);
        }
        assert!(parse(b"{\"id\":\"\xff\"}", Mode::Test).is_err());
    }

    #[test]
    fn deep_nesting_is_rejected() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        parse_error(&event("odd", &format!(r#"{{"object":"odd","customer":{}}}"#, deep(500_000))));
        parse_error(&deep(500_000));
        parse_error(&"{\"data\":".repeat(100_000));
    }

    /// Values in the place of an object, and whether they are JSON.
    const OBJECTS: &[(&str, bool)] = &[
        ("null", true),
        ("true", true),
        ("-1.5e3", true),
        ("\"x\"", true),
        ("[]", true),
        ("{}", true),
        ("{\"a\":1}", true),
        ("{\"object\":7}", true),
        ("{\"id\":\"x\",\"customer\":{}}", true),
        (",", false),
        ("nul", false),
        ("07", false),
        ("{", false),
        ("{\"a\"}", false),
        ("[1,]", false),
        ("\"\u{1}\"", false),
    ];

    proptest! {
        #[test]
        fn event_is_accepted_with_any_json_object(
            (object, is_json) in prop::sample::select(OBJECTS),
            levels in 0_usize..20,
        ) {
            let object = format!("{}{object}{}", "[".repeat(levels), "]".repeat(levels));
            let found = parse(event("odd", &object).as_bytes(), Mode::Test);
            match found {
                Ok(VerifiedEvent::ThisMode(event)) => prop_assert!(is_json && event.subject == Unrelated),
                other => prop_assert!(!is_json && other.is_err(), "{}", object),
            }
        }

        #[test]
        fn random_bytes_are_rejected(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(parse(&body, Mode::Test).is_err());
        }
    }
}

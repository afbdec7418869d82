//! Stripe's events, snapshots (`event`) and thin ones (`v2.core.event`): whom they are about, and nothing else of them.

use billing_domain::ports::VerifiedEvent;
use billing_domain::{EventSubject, Mode, ProviderEvent, Timestamp};
use serde::Deserialize;
use strict_json::{Object, Value};

use crate::object;

/// The fields of both kinds that count, next to the event's subject.
#[derive(Deserialize)]
struct Event {
    object: String,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    livemode: bool,
    created: Moment,
}

/// Seconds in a snapshot, RFC 3339 in a thin event.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Seconds(i64),
    Text(String),
}

/// Reads the event in a body.
///
/// # Errors
/// Why there is none, without any of its text.
pub(crate) fn parse(body: &[u8], mode: Mode) -> Result<VerifiedEvent, String> {
    let body = object::parse(body)?;
    let (of_snapshot, of_related) = (of_snapshot(&body), of_related(&body));
    let event: Event = object::fit(body, "event")?;
    let (created, subject) = match (event.object.as_str(), event.created) {
        ("event", Moment::Seconds(seconds)) => (Timestamp::from_seconds(seconds), of_snapshot?),
        ("v2.core.event", Moment::Text(text)) => (rfc_3339(&text)?, of_related?),
        ("event" | "v2.core.event", _) => {
            return Err("the time of the event has another form".to_owned());
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

/// A customer, an object that belongs to one, or a subscription.
fn of_snapshot(event: &Object) -> Result<EventSubject, String> {
    let Some(snapshot) = member(event, "data").and_then(|data| member(data, "object")) else {
        return Ok(EventSubject::Unrelated);
    };
    // Expanded, a reference is the object itself.
    let customer = member(snapshot, "customer")
        .map_or_else(|| text(snapshot, "customer"), |expanded| text(expanded, "id"));
    subject(text(snapshot, "object"), text(snapshot, "id"), customer)
}

fn of_related(event: &Object) -> Result<EventSubject, String> {
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

    fn ours(body: &str) -> ProviderEvent {
        match parse(body.as_bytes(), Mode::Test) {
            Ok(VerifiedEvent::ThisMode(event)) => event,
            other => panic!("{other:?} of {body}"),
        }
    }

    fn refused(body: &str) -> String {
        parse(body.as_bytes(), Mode::Test).expect_err(body)
    }

    #[test]
    fn an_event_is_about_the_customer_of_its_object() {
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
            let event = ours(&event(kind, object));
            assert_eq!((event.kind.as_str(), event.subject), (kind, subject), "{object}");
            assert_eq!(
                (event.id.as_str(), event.created),
                ("evt_1", Timestamp::from_seconds(1_700_000_000))
            );
        }
    }

    #[test]
    fn a_thin_event_is_about_its_related_object() {
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
            let event = ours(&thin(&related));
            assert_eq!(
                (event.subject, event.created.as_millis()),
                (subject, 1_767_323_045_678),
                "{related}"
            );
        }
        let brackets =
            thin("").replace("v1.customer.updated", "v2.core.account[requirements].updated");
        assert_eq!(ours(&brackets).kind.as_str(), "v2.core.account[requirements].updated");
    }

    #[test]
    fn an_event_of_the_other_mode_is_no_event_of_ours() {
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
    fn what_is_no_event_is_refused_without_showing_it() {
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
            let fault = refused(&good.replacen(from, to, 1));
            assert!(!fault.to_lowercase().contains("hidden"), "{fault}");
        }
        let late = thin("").replace("2026-01-02T03:04:05.678Z", "2026-01-02 hidden");
        assert!(!refused(&late).contains("hidden"));
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
            refused(bad);
        }
        assert!(parse(b"{\"id\":\"\xff\"}", Mode::Test).is_err());
    }

    #[test]
    fn depth_is_bounded_where_it_is_looked_at_and_harmless_where_not() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        refused(&event("odd", &format!(r#"{{"object":"odd","customer":{}}}"#, deep(500_000))));
        refused(&deep(500_000));
        refused(&"{\"data\":".repeat(100_000));
    }

    /// What can stand where Stripe sends an object, and whether it is JSON.
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
        fn event_is_taken_whatever_its_object_is_as_long_as_it_is_json(
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
        fn bytes_that_are_no_event_are_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(parse(&body, Mode::Test).is_err());
        }
    }
}

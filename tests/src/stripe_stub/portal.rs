//! Creates correct and wrong sessions of the customer portal.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::accounts::Accounts;
use super::answer::{self, Response};
use super::fault::SessionVariant;
use super::{CONFIGURATION, OTHER_CUSTOMER, schema};
use crate::stripe_form::Param;

/// Rejects unknown customers, configurations and subscriptions, like Stripe.
pub(super) fn look_up(accounts: &Accounts, form: &[(String, String)]) -> Result<(), Box<Response>> {
    let field =
        |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let missing = |kind: &str, id: &str, param: &str| {
        let message = format!("No such {kind}: '{id}'");
        Err(Box::new(answer::refusal(400, Some("resource_missing"), Some(param), &message)))
    };
    let customer = field("customer").unwrap_or_default();
    if !accounts.has(customer) {
        return missing("customer", customer, "customer");
    }
    if let Some(id) = field("configuration").filter(|id| *id != CONFIGURATION) {
        return missing("configuration", id, "configuration");
    }
    for flow in ["subscription_cancel", "subscription_update", "subscription_update_confirm"] {
        let param = format!("flow_data[{flow}][subscription]");
        if let Some(id) = field(&param).filter(|id| accounts.customer_of(id) != Some(customer)) {
            return missing("subscription", id, &param);
        }
    }
    Ok(())
}

/// Returns a response with a session that is wrong by this variant.
pub(super) fn wrong_answer(variant: SessionVariant, mut session: Value) -> Response {
    let with = |mut session: Value, field: &str, value: Value| {
        session[field] = value;
        answer::json_answer(200, &session)
    };
    let without = |mut session: Value, field: &str| {
        session.as_object_mut().expect("a session is an object").remove(field);
        answer::json_answer(200, &session)
    };
    let url = session["url"].as_str().unwrap_or_default().to_owned();
    let other_mode = json!(session["livemode"] == false);
    match variant {
        SessionVariant::Created => answer::json_answer(201, &session),
        SessionVariant::ContentType => answer::sized(200, "text/html", session.to_string()),
        SessionVariant::NoContentType => {
            let mut response = answer::json_answer(200, &session);
            response.headers_mut().remove(CONTENT_TYPE);
            response
        }
        SessionVariant::Charset => {
            answer::sized(200, "Application/JSON; charset=UTF-8", session.to_string())
        }
        SessionVariant::NotJson => answer::sized(200, "application/json", "<html>not JSON</html>"),
        SessionVariant::Empty => answer::sized(200, "application/json", ""),
        SessionVariant::Array => {
            let values = json!([
                "billing_portal.session",
                session["customer"],
                session["livemode"],
                url,
                session["id"]
            ]);
            answer::json_answer(200, &values)
        }
        SessionVariant::Customer => with(session, "customer", json!(OTHER_CUSTOMER)),
        SessionVariant::NoCustomer => without(session, "customer"),
        SessionVariant::Livemode => with(session, "livemode", other_mode),
        SessionVariant::NoLivemode => without(session, "livemode"),
        SessionVariant::Object => with(session, "object", json!("checkout.session")),
        SessionVariant::HttpUrl => with(session, "url", json!(url.replace("https://", "http://"))),
        SessionVariant::LoopbackHttpUrl => {
            with(session, "url", json!("http://127.0.0.1:12111/p/session/x"))
        }
        SessionVariant::UserUrl => {
            with(session, "url", json!(url.replace("https://", "https://user@")))
        }
        SessionVariant::NotAUrl => with(session, "url", json!("/p/session/x")),
        SessionVariant::UrlTwice => {
            let text = session.to_string().replacen(
                '{',
                "{\"url\":\"https://billing.stripe.com/p/session/first\",",
                1,
            );
            answer::sized(200, "application/json", text)
        }
        SessionVariant::NoUrl => without(session, "url"),
        SessionVariant::NullUrl => with(session, "url", Value::Null),
        SessionVariant::UnknownField => {
            session["added_in_a_later_version"] = json!({ "deep": [1, { "deeper": null }] });
            answer::json_answer(200, &session)
        }
    }
}

/// Creates the session object number `number` of a form, by the schema `billing_portal.session`.
pub(super) fn session(form: &[(String, String)], livemode: bool, number: usize) -> Value {
    let field =
        |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mode = if livemode { "live" } else { "test" };
    let url =
        format!("https://billing.stripe.com/p/session/{mode}_{}", uuid::Uuid::now_v7().simple());
    let after_completion = json!({
        "type": field("flow_data[after_completion][type]").unwrap_or("portal_homepage"),
        "redirect": field("flow_data[after_completion][redirect][return_url]").map(|url| json!({ "return_url": url })),
        "hosted_confirmation": null,
    });
    let subscription = |flow: &str| {
        let id = field(&format!("flow_data[{flow}][subscription]"))?;
        Some(json!({ "subscription": id }))
    };
    let flow = field("flow_data[type]").map(|kind| {
        json!({
            "type": kind,
            "after_completion": after_completion,
            "subscription_cancel": subscription("subscription_cancel").map(|mut cancel| {
                cancel["retention"] = Value::Null;
                cancel
            }),
            "subscription_update": subscription("subscription_update"),
            "subscription_update_confirm": null,
        })
    });
    json!({
        "id": format!("bps_{:08}", number),
        "object": "billing_portal.session",
        "configuration": field("configuration").unwrap_or(CONFIGURATION),
        "created": 1_780_000_000,
        "customer": field("customer"),
        "customer_account": null,
        "flow": flow,
        "livemode": livemode,
        "locale": field("locale"),
        "on_behalf_of": null,
        "return_url": field("return_url"),
        "url": url,
    })
}

/// Checks rules of Stripe that the schema does not have.
pub(super) fn check_beyond_schema(form: &BTreeMap<String, Param>) -> Result<(), schema::Violation> {
    let fail = |code, param: &str| Err(schema::Violation { code, param: param.to_owned() });
    if !form.contains_key("customer") && !form.contains_key("customer_account") {
        return fail("parameter_missing", "customer");
    }
    if let Some(Param::Text(url)) = form.get("return_url")
        && !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    {
        return fail("url_invalid", "return_url");
    }
    let Some(Param::Map(flow)) = form.get("flow_data") else { return Ok(()) };
    let Some(Param::Text(kind)) = flow.get("type") else { return Ok(()) };
    let subscription_flows =
        ["subscription_cancel", "subscription_update", "subscription_update_confirm"];
    if subscription_flows.contains(&kind.as_str()) && !flow.contains_key(kind) {
        return fail("parameter_missing", &format!("flow_data[{kind}]"));
    }
    if let Some(other) =
        subscription_flows.iter().find(|other| **other != kind && flow.contains_key(**other))
    {
        return fail("parameter_unknown", &format!("flow_data[{other}]"));
    }
    if let Some(Param::Map(after)) = flow.get("after_completion")
        && after.get("type") == Some(&Param::Text("redirect".to_owned()))
        && !after.contains_key("redirect")
    {
        return fail("parameter_missing", "flow_data[after_completion][redirect]");
    }
    Ok(())
}

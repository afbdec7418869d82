//! Checks responses against Stripe's published schema. `scripts/test` checks the responses of all
//! tests, more strictly.

use serde_json::{Value, json};

use crate::support::start;

const SCHEMA: &str = include_str!("../../../../tests/data/stripe/openapi-subset.json");

/// Converts OpenAPI 3.0's `nullable` to JSON Schema.
fn plain(schema: &Value) -> Value {
    match schema {
        Value::Array(parts) => parts.iter().map(plain).collect(),
        Value::Object(fields) => {
            let mut fields = fields.clone();
            let nullable = fields.remove("nullable") == Some(Value::Bool(true));
            let fields: Value =
                fields.into_iter().map(|(name, part)| (name, plain(&part))).collect();
            if nullable { json!({ "anyOf": [fields, { "type": "null" }] }) } else { fields }
        }
        other => other.clone(),
    }
}

pub(crate) fn faults(object: &str, value: &Value) -> Vec<String> {
    let document: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    let schemas = plain(&document["components"]["schemas"]);
    let schema = json!({ "$ref": format!("#/components/schemas/{object}"), "components": { "schemas": schemas } });
    match jsonschema::validator_for(&schema) {
        Ok(validator) => validator
            .iter_errors(value)
            .map(|error| format!("{object}: {error} in {value}"))
            .collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[tokio::test]
async fn an_object_in_a_list_equals_the_object_read_by_id() {
    let sandbox = start().await;
    let me = &sandbox.demo.customer;
    for list in [
        "/v1/billing_portal/configurations",
        "/v1/customers",
        &format!("/v1/customers/{me}/payment_methods"),
        "/v1/invoices",
        "/v1/prices",
        "/v1/products",
        "/v1/subscriptions",
    ] {
        let listed = sandbox.get(list).await.json()["data"].as_array().cloned().unwrap_or_default();
        assert!(!listed.is_empty(), "{list}");
        for object in listed {
            let read =
                sandbox.get(&format!("{list}/{}", object["id"].as_str().unwrap_or_default())).await;
            assert_eq!((read.status, read.json()), (200, object), "{list}");
        }
    }
    let card = &sandbox.get(&format!("/v1/payment_methods?customer={me}")).await.json()["data"][0];
    let read = sandbox
        .get(&format!("/v1/payment_methods/{}", card["id"].as_str().unwrap_or_default()))
        .await;
    assert_eq!((read.status, &read.json()), (200, card));
    sandbox.stop().await;
}

#[tokio::test]
async fn expansion_replaces_an_id_with_its_object() {
    let sandbox = start().await;
    let me = &sandbox.demo.customer;
    let sub = &sandbox.demo.subscription;
    let invoice = sandbox.get("/v1/invoices?limit=1").await.json()["data"][0].clone();
    let invoice = format!("/v1/invoices/{}", invoice["id"].as_str().unwrap_or_default());
    for (path, fields) in [
        (
            format!("/v1/customers/{me}"),
            &["invoice_settings.default_payment_method", "subscriptions", "tax_ids"][..],
        ),
        (format!("/v1/customers/{me}"), &["sources", "subscriptions.data.latest_invoice"]),
        (
            format!("/v1/subscriptions/{sub}"),
            &["customer", "latest_invoice", "items.data.price.product"],
        ),
        (invoice.clone(), &["customer"]),
        (invoice.clone(), &["parent.subscription_details.subscription"]),
        (invoice.clone(), &["lines.data.subscription"]),
        (format!("{invoice}/lines"), &["data.pricing.price_details.price", "data.subscription"]),
        ("/v1/prices".to_owned(), &["data.product"]),
        ("/v1/products".to_owned(), &["data.default_price"]),
        (format!("/v1/customers/{me}/payment_methods"), &["data.customer"]),
    ] {
        let expand: Vec<String> = fields.iter().map(|field| format!("expand[]={field}")).collect();
        let answer = sandbox.get(&format!("{path}?{}", expand.join("&"))).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        for field in fields {
            let pointer = format!("/{}", field.replace("data.", "data.0.").replace('.', "/"));
            let object = answer.json().pointer(&pointer).cloned();
            assert!(
                object.is_some_and(|object| object["object"].is_string()),
                "{path} {field}: {}",
                answer.body
            );
        }
    }
    let nothing = "expand[]=cash_balance&expand[]=discount&expand[]=test_clock&expand[]=sources.data.customer";
    let customer = sandbox.get(&format!("/v1/customers/{me}?{nothing}")).await.json();
    assert_eq!(customer.get("cash_balance"), Some(&Value::Null));
    assert_eq!(faults("customer", &customer), Vec::<String>::new());
    for (field, sentence) in
        [("payments", "does not simulate it"), ("payment_intent", "cannot be expanded")]
    {
        let refusal = sandbox.get(&format!("{invoice}?expand[]={field}")).await;
        assert_eq!(refusal.status, 400);
        assert!(refusal.body.contains(sentence), "{}", refusal.body);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn sessions_customers_and_errors_have_the_published_shape() {
    let sandbox = start().await;
    let me = &sandbox.demo.customer;
    let sub = &sandbox.demo.subscription;
    for flow in [
        String::new(),
        "&flow_data[type]=payment_method_update".to_owned(),
        format!(
            "&flow_data[type]=subscription_cancel&flow_data[subscription_cancel][subscription]={sub}\
             &flow_data[after_completion][type]=redirect\
             &flow_data[after_completion][redirect][return_url]=https://a.example/"
        ),
        format!(
            "&flow_data[type]=subscription_update&flow_data[subscription_update][subscription]={sub}\
             &flow_data[after_completion][type]=hosted_confirmation"
        ),
    ] {
        let session = sandbox
            .post("/v1/billing_portal/sessions", &format!("customer={me}{flow}"))
            .await
            .json();
        assert_eq!(faults("billing_portal.session", &session), Vec::<String>::new());
    }
    let made = sandbox.post("/v1/customers", "name=A&address[city]=B&metadata[c]=d").await.json();
    assert_eq!(faults("customer", &made), Vec::<String>::new());
    assert_eq!(
        faults("customer", &sandbox.get(&format!("/v1/customers/{me}")).await.json()),
        Vec::<String>::new()
    );
    let deleted = sandbox
        .delete(&format!("/v1/customers/{}", made["id"].as_str().unwrap_or_default()))
        .await
        .json();
    assert_eq!(faults("deleted_customer", &deleted), Vec::<String>::new());
    for error in
        [sandbox.get("/v1/customers/cus_none").await, sandbox.post("/v1/customers", "x=1").await]
    {
        assert_eq!(faults("error", &error.json()), Vec::<String>::new());
    }
    // Proves that the check can fail.
    assert!(!faults("customer", &json!({ "id": 5 })).is_empty());
    sandbox.stop().await;
}

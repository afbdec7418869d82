//! The guard refuses what it is there to refuse.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::report::{FEWEST_ANSWERS, FEWEST_REQUESTS};
use super::translate::Translator;
use super::{Judge, Newer, Operations, Report, Subset};
use crate::exchanges::Exchange;

static JUDGE: LazyLock<Judge> = LazyLock::new(|| judge(""));

fn judge(newer: &str) -> Judge {
    Judge::new(Subset::read(), Newer::parse(newer)).unwrap()
}

fn exchange(operation: &str, status: u16, answer: &Value) -> Exchange {
    let (method, path) = operation.split_once(' ').unwrap();
    Exchange {
        method: method.to_owned(),
        operation: Some(path.to_owned()),
        path: path.to_owned(),
        query: String::new(),
        request: String::new(),
        user_agent: None,
        version: None,
        status,
        answer: Some(answer.to_string()),
    }
}

fn faults(operation: &str, status: u16, answer: &Value) -> Vec<String> {
    JUDGE.answer(&exchange(operation, status, answer))
}

#[track_caller]
fn refused(operation: &str, answer: &Value, pointer: &str) {
    let faults = faults(operation, 200, answer);
    let there = format!("{pointer}: ");
    assert!(
        faults.iter().any(|fault| fault.starts_with(&there)),
        "{pointer} is not refused: {faults:?}"
    );
}

fn product() -> Value {
    json!({
        "id": "prod_1", "object": "product", "active": true, "created": 1_780_000_000, "default_price": null,
        "description": null, "images": [], "livemode": false, "marketing_features": [], "metadata": { "a": "b" },
        "name": "Pro", "package_dimensions": null, "shippable": null, "tax_code": null, "updated": 1_780_000_000, "url": null,
    })
}

fn with(mut value: Value, pointer: &str, to: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), to);
    value
}

fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name).unwrap();
    value
}

const PRODUCT: &str = "GET /v1/products/{id}";

#[test]
fn an_answer_as_published_fits() {
    assert_eq!(faults(PRODUCT, 200, &product()), Vec::<String>::new());
    let list =
        json!({ "object": "list", "data": [product()], "has_more": false, "url": "/v1/products" });
    assert_eq!(faults("GET /v1/products", 200, &list), Vec::<String>::new());
    let error = json!({ "error": { "type": "invalid_request_error", "message": "No" } });
    assert_eq!(faults(PRODUCT, 404, &error), Vec::<String>::new());
}

#[test]
fn a_lacking_field_is_refused() {
    for name in
        ["id", "object", "active", "created", "images", "livemode", "metadata", "name", "updated"]
    {
        let faults = faults(PRODUCT, 200, &without(product(), name));
        assert!(!faults.is_empty(), "{name}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_refused() {
    for (pointer, value) in [
        ("/id", json!(1)),
        ("/active", json!("true")),
        ("/active", Value::Null),
        ("/created", json!("1780000000")),
        ("/created", json!(-1)),
        ("/created", json!(1_780_000_000_000_i64)),
        ("/images", json!({})),
        ("/name", json!("x".repeat(5001))),
        ("/metadata/a", json!(1)),
        ("/package_dimensions", json!({ "height": 1, "length": 1, "weight": 1 })),
        ("/object", json!("price")),
    ] {
        refused(PRODUCT, &with(product(), pointer, value), pointer);
    }
}

#[test]
fn a_field_that_the_schema_does_not_know_is_refused_at_every_level() {
    refused(PRODUCT, &with(product(), "/colour", json!("red")), "/");
    let box_ = json!({ "height": 1, "length": 1, "weight": 1, "width": 1, "depth": 1 });
    refused(PRODUCT, &with(product(), "/package_dimensions", box_), "/package_dimensions");
}

#[test]
fn a_bad_value_of_an_enum_and_a_pattern_is_refused() {
    let error = json!({ "error": { "type": "my_error", "message": "No" } });
    assert!(!faults(PRODUCT, 404, &error).is_empty());
    let list = json!({ "object": "list", "data": [], "has_more": false, "url": "/products" });
    refused("GET /v1/products", &list, "/url");
}

#[test]
fn an_expanded_object_has_to_be_what_it_says() {
    let price = json!({
        "id": "price_1", "object": "price", "active": true, "billing_scheme": "per_unit", "created": 1, "currency": "usd",
        "custom_unit_amount": null, "livemode": false, "lookup_key": null, "metadata": {}, "nickname": null,
        "product": "prod_1", "recurring": null, "tax_behavior": null, "tiers_mode": null, "transform_quantity": null,
        "type": "one_time", "unit_amount": 1, "unit_amount_decimal": "1",
    });
    let read = "GET /v1/prices/{price}";
    let deleted = json!({ "id": "prod_1", "object": "product", "deleted": true });
    for expanded in [json!("prod_1"), product(), deleted.clone()] {
        assert_eq!(
            faults(read, 200, &with(price.clone(), "/product", expanded)),
            Vec::<String>::new()
        );
    }
    refused(
        read,
        &with(price.clone(), "/product", with(product(), "/active", json!(1))),
        "/product/active",
    );
    refused(
        read,
        &with(price.clone(), "/product", with(deleted, "/name", json!("Pro"))),
        "/product",
    );
    refused(read, &with(price.clone(), "/product", price.clone()), "/product");
    refused(read, &with(price.clone(), "/currency", json!("USD")), "/currency");
    refused(read, &with(price, "/unit_amount_decimal", json!("1,0")), "/unit_amount_decimal");
}

#[test]
fn what_an_event_is_about_has_to_fit_its_own_schema() {
    let event = |object: Value| {
        json!({
            "id": "evt_1", "object": "event", "api_version": "2026-05-27.dahlia", "created": 1, "data": { "object": object },
            "livemode": false, "pending_webhooks": 0, "request": null, "type": "product.created",
        })
    };
    let read = "GET /v1/events/{id}";
    assert_eq!(faults(read, 200, &event(product())), Vec::<String>::new());
    refused(read, &event(with(product(), "/active", json!(1))), "/data/object/active");
    refused(read, &event(with(product(), "/object", json!("thing"))), "/data/object");
    refused(read, &event(json!({})), "/data/object");
}

#[test]
fn what_is_no_answer_of_this_api_is_refused() {
    let mut exchange = exchange(PRODUCT, 200, &product());
    exchange.status = 302;
    assert_eq!(JUDGE.answer(&exchange).len(), 1);
    exchange.status = 404;
    assert!(!JUDGE.answer(&exchange).is_empty());
    exchange.answer = Some("<html>".to_owned());
    assert!(JUDGE.answer(&exchange)[0].contains("no JSON"));
    // An operation that the schema does not have can only be refused.
    exchange.method = "PUT".to_owned();
    exchange.answer = Some(json!({ "error": { "type": "invalid_request_error" } }).to_string());
    assert_eq!(JUDGE.answer(&exchange), Vec::<String>::new());
    exchange.status = 200;
    assert!(!JUDGE.answer(&exchange).is_empty());
}

#[test]
fn a_request_is_decoded_by_its_schema_and_judged() {
    let mut exchange = exchange("POST /v1/subscriptions", 0, &Value::Null);
    let mut judged = |form: &str| {
        exchange.request = form.to_owned();
        JUDGE.request(&exchange)
    };
    let good = "customer=cus_1&items[0][price]=price_1&items%5B0%5D%5Bquantity%5D=2&cancel_at_period_end=true\
        &metadata[a]=1&default_tax_rates=&trial_end=now&expand[0]=latest_invoice&billing_mode[type]=flexible";
    assert_eq!(judged(good), Vec::<String>::new());
    for (form, pointer) in [
        ("colour=red", "/"),
        ("items[0][colour]=red", "/items/0"),
        ("items[1][price]=x", "/items"),
        ("items[0][quantity]=two", "/items/0/quantity"),
        ("cancel_at_period_end=yes", "/cancel_at_period_end"),
        ("trial_end=soon", "/trial_end"),
        ("billing_mode[proration_discounts]=x", "/billing_mode"),
        ("customer[id]=cus_1", "/customer"),
        ("currency=USD", "/currency"),
    ] {
        let faults = judged(form);
        assert!(
            faults.iter().any(|fault| fault.starts_with(&format!("{pointer}: "))),
            "{form}: {faults:?}"
        );
    }
    assert!(judged("customer=a&customer=b")[0].contains("repeated"));
}

#[test]
fn what_is_newer_passes_once_it_is_listed_and_is_noted() {
    let newer = |more: &str| {
        format!("[[newer]]\nschema = \"product\"\nsince = \"x\"\nsource = \"x\"\n{more}")
    };
    let judge = judge(&newer("property = \"colour\"\nis = { type = \"string\" }"));
    assert_eq!(judge.answer(&exchange(PRODUCT, 200, &product())), Vec::<String>::new());
    assert_eq!(judge.not_needed(), ["product.colour"]);
    let red = with(product(), "/colour", json!("red"));
    assert_eq!(judge.answer(&exchange(PRODUCT, 200, &red)), Vec::<String>::new());
    assert!(
        !judge.answer(&exchange(PRODUCT, 200, &with(product(), "/colour", json!(1)))).is_empty()
    );
    assert_eq!(judge.not_needed(), Vec::<String>::new());
    for misplaced in [
        "property = \"name\"\nis = { type = \"string\" }",
        "property = \"colour\"\nvalue = \"red\"",
    ] {
        let error = Judge::new(Subset::read(), Newer::parse(&newer(misplaced))).unwrap_err();
        assert!(error.contains("product."), "{error}");
    }
}

#[test]
fn a_newer_value_of_an_enum_is_noted_where_it_stands() {
    let entry = "[[newer]]\nschema = \"invoice\"\nproperty = \"status\"\nvalue = \"lost\"\nsince = \"x\"\nsource = \"x\"\n";
    let judge = judge(entry);
    let faults_of = |status: &str| {
        judge.answer(&exchange("GET /v1/invoices/{invoice}", 200, &json!({ "status": status })))
    };
    let at_status = |faults: Vec<String>| {
        faults.into_iter().filter(|fault| fault.starts_with("/status")).count()
    };
    assert_eq!((at_status(faults_of("paid")), at_status(faults_of("found"))), (0, 1));
    assert_eq!(judge.not_needed(), ["invoice.status = lost"]);
    assert_eq!(at_status(faults_of("lost")), 0);
    assert_eq!(judge.not_needed(), Vec::<String>::new());
}

#[test]
fn a_keyword_that_nobody_enforces_is_an_error() {
    let none = Map::new();
    let translated = |schema: &Value| Translator::new(&none).schema(schema);
    for schema in [
        json!({ "type": "integer", "exclusiveMinimum": 0 }),
        json!({ "type": "string", "format": "uri" }),
        json!({ "type": "object", "properties": { "a": { "oneOf": [] } } }),
        json!({ "type": "array", "items": { "minItems": 1 } }),
        json!({ "anyOf": [{ "type": "string" }, { "type": "integer", "x-anything": true }] }),
        json!({ "anyOf": [{}, { "type": "string" }] }),
        json!({ "$ref": "#/components/schemas/none", "anyOf": [{ "$ref": "#/none" }, { "type": "string" }] }),
    ] {
        assert!(translated(&schema).is_err(), "{schema}");
    }
    assert!(translated(&json!({ "type": "string", "title": "A", "nullable": true })).is_ok());
}

#[test]
fn a_run_that_lacks_something_is_told_what() {
    let operation = |method: &str, path: &str| (method.to_owned(), path.to_owned());
    let offered =
        Operations::from([operation("GET", "/v1/products/{id}"), operation("GET", "/v1/nothing")]);
    let known =
        Operations::from([operation("GET", "/v1/products/{id}"), operation("GET", "/v1/prices")]);
    let mut report = Report::default();
    let provider = Exchange {
        user_agent: Some("billing-portal/1".to_owned()),
        ..exchange(PRODUCT, 200, &product())
    };
    (0..FEWEST_ANSWERS.max(FEWEST_REQUESTS)).for_each(|_| report.add(&JUDGE, &provider));
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let complaints = report.complaints(&JUDGE, &offered, &known);
    assert_eq!(
        complaints,
        [
            "GET /v1/nothing was never answered with 200",
            "GET /v1/nothing is offered, and scripts/stripe-schema does not extract it",
            "GET /v1/prices is in openapi-subset.json, and the sandbox does not offer it",
        ]
    );
    assert_eq!(
        report.complaints(&JUDGE, &known, &known),
        ["GET /v1/prices was never answered with 200"]
    );
    report.add(&JUDGE, &exchange(PRODUCT, 200, &json!({ "id": 1 })));
    assert!(
        report
            .faults
            .keys()
            .all(|fault| fault.starts_with("the answer 200 of GET /v1/products/{id}: "))
    );
    let complaints = Report::default().complaints(&JUDGE, &Operations::new(), &Operations::new());
    assert_eq!(complaints.len(), 2, "{complaints:?}");
}

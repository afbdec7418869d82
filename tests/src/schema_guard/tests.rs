//! Tests of the schema guard.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::report::{MIN_ANSWERS, MIN_REQUESTS};
use super::translate::Translator;
use super::{Newer, Operations, Report, SchemaValidator, Subset};
use crate::exchanges::Exchange;

static VALIDATOR: LazyLock<SchemaValidator> = LazyLock::new(|| validator(""));

fn validator(newer: &str) -> SchemaValidator {
    SchemaValidator::new(Subset::read(), Newer::parse(newer)).unwrap()
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
    VALIDATOR.answer_faults(&exchange(operation, status, answer))
}

#[track_caller]
fn rejected(operation: &str, answer: &Value, pointer: &str) {
    let faults = faults(operation, 200, answer);
    let there = format!("{pointer}: ");
    assert!(
        faults.iter().any(|fault| fault.starts_with(&there)),
        "{pointer} is not rejected: {faults:?}"
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
fn published_answer_has_no_fault() {
    assert_eq!(faults(PRODUCT, 200, &product()), Vec::<String>::new());
    let list =
        json!({ "object": "list", "data": [product()], "has_more": false, "url": "/v1/products" });
    assert_eq!(faults("GET /v1/products", 200, &list), Vec::<String>::new());
    let error = json!({ "error": { "type": "invalid_request_error", "message": "No" } });
    assert_eq!(faults(PRODUCT, 404, &error), Vec::<String>::new());
}

#[test]
fn missing_field_is_rejected() {
    for name in
        ["id", "object", "active", "created", "images", "livemode", "metadata", "name", "updated"]
    {
        let faults = faults(PRODUCT, 200, &without(product(), name));
        assert!(!faults.is_empty(), "{name}");
    }
}

#[test]
fn value_of_the_wrong_type_is_rejected() {
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
        rejected(PRODUCT, &with(product(), pointer, value), pointer);
    }
}

#[test]
fn unknown_field_is_rejected_at_every_level() {
    rejected(PRODUCT, &with(product(), "/colour", json!("red")), "/");
    let box_ = json!({ "height": 1, "length": 1, "weight": 1, "width": 1, "depth": 1 });
    rejected(PRODUCT, &with(product(), "/package_dimensions", box_), "/package_dimensions");
}

#[test]
fn bad_enum_and_pattern_values_are_rejected() {
    let error = json!({ "error": { "type": "my_error", "message": "No" } });
    assert!(!faults(PRODUCT, 404, &error).is_empty());
    let list = json!({ "object": "list", "data": [], "has_more": false, "url": "/products" });
    rejected("GET /v1/products", &list, "/url");
}

#[test]
fn expanded_object_is_checked_by_its_own_schema() {
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
    rejected(
        read,
        &with(price.clone(), "/product", with(product(), "/active", json!(1))),
        "/product/active",
    );
    rejected(
        read,
        &with(price.clone(), "/product", with(deleted, "/name", json!("Pro"))),
        "/product",
    );
    rejected(read, &with(price.clone(), "/product", price.clone()), "/product");
    rejected(read, &with(price.clone(), "/currency", json!("USD")), "/currency");
    rejected(read, &with(price, "/unit_amount_decimal", json!("1,0")), "/unit_amount_decimal");
}

#[test]
fn event_object_is_checked_by_its_own_schema() {
    let event = |object: Value| {
        json!({
            "id": "evt_1", "object": "event", "api_version": "2026-05-27.dahlia", "created": 1, "data": { "object": object },
            "livemode": false, "pending_webhooks": 0, "request": null, "type": "product.created",
        })
    };
    let read = "GET /v1/events/{id}";
    assert_eq!(faults(read, 200, &event(product())), Vec::<String>::new());
    rejected(read, &event(with(product(), "/active", json!(1))), "/data/object/active");
    rejected(read, &event(with(product(), "/object", json!("thing"))), "/data/object");
    rejected(read, &event(json!({})), "/data/object");
}

#[test]
fn answer_of_an_unknown_operation_is_rejected() {
    let mut exchange = exchange(PRODUCT, 200, &product());
    exchange.status = 302;
    assert_eq!(VALIDATOR.answer_faults(&exchange).len(), 1);
    exchange.status = 404;
    assert!(!VALIDATOR.answer_faults(&exchange).is_empty());
    exchange.answer = Some("<html>".to_owned());
    assert!(VALIDATOR.answer_faults(&exchange)[0].contains("not JSON"));
    // The only valid answer of an unknown operation is an error.
    exchange.method = "PUT".to_owned();
    exchange.answer = Some(json!({ "error": { "type": "invalid_request_error" } }).to_string());
    assert_eq!(VALIDATOR.answer_faults(&exchange), Vec::<String>::new());
    exchange.status = 200;
    assert!(!VALIDATOR.answer_faults(&exchange).is_empty());
}

#[test]
fn request_is_decoded_and_checked_by_its_schema() {
    let mut exchange = exchange("POST /v1/subscriptions", 0, &Value::Null);
    let mut faults_of = |form: &str| {
        exchange.request = form.to_owned();
        VALIDATOR.request_faults(&exchange)
    };
    let good = "customer=cus_1&items[0][price]=price_1&items%5B0%5D%5Bquantity%5D=2&cancel_at_period_end=true\
        &metadata[a]=1&default_tax_rates=&trial_end=now&expand[0]=latest_invoice&billing_mode[type]=flexible";
    assert_eq!(faults_of(good), Vec::<String>::new());
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
        let faults = faults_of(form);
        assert!(
            faults.iter().any(|fault| fault.starts_with(&format!("{pointer}: "))),
            "{form}: {faults:?}"
        );
    }
    assert!(faults_of("customer=a&customer=b")[0].contains("repeated"));
}

#[test]
fn listed_newer_property_passes_and_is_recorded_as_used() {
    let newer = |more: &str| {
        format!("[[newer]]\nschema = \"product\"\nsince = \"x\"\nsource = \"x\"\n{more}")
    };
    let validator = validator(&newer("property = \"colour\"\nis = { type = \"string\" }"));
    assert_eq!(validator.answer_faults(&exchange(PRODUCT, 200, &product())), Vec::<String>::new());
    assert_eq!(validator.unused_entries(), ["product.colour"]);
    let red = with(product(), "/colour", json!("red"));
    assert_eq!(validator.answer_faults(&exchange(PRODUCT, 200, &red)), Vec::<String>::new());
    assert!(
        !validator
            .answer_faults(&exchange(PRODUCT, 200, &with(product(), "/colour", json!(1))))
            .is_empty()
    );
    assert_eq!(validator.unused_entries(), Vec::<String>::new());
    for misplaced in [
        "property = \"name\"\nis = { type = \"string\" }",
        "property = \"colour\"\nvalue = \"red\"",
    ] {
        let error =
            SchemaValidator::new(Subset::read(), Newer::parse(&newer(misplaced))).unwrap_err();
        assert!(error.contains("product."), "{error}");
    }
}

#[test]
fn listed_newer_enum_value_is_recorded_as_used() {
    let entry = "[[newer]]\nschema = \"invoice\"\nproperty = \"status\"\nvalue = \"lost\"\nsince = \"x\"\nsource = \"x\"\n";
    let validator = validator(entry);
    let faults_of = |status: &str| {
        validator.answer_faults(&exchange(
            "GET /v1/invoices/{invoice}",
            200,
            &json!({ "status": status }),
        ))
    };
    let at_status = |faults: Vec<String>| {
        faults.into_iter().filter(|fault| fault.starts_with("/status")).count()
    };
    assert_eq!((at_status(faults_of("paid")), at_status(faults_of("found"))), (0, 1));
    assert_eq!(validator.unused_entries(), ["invoice.status = lost"]);
    assert_eq!(at_status(faults_of("lost")), 0);
    assert_eq!(validator.unused_entries(), Vec::<String>::new());
}

#[test]
fn unknown_schema_keyword_is_an_error() {
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
fn incomplete_run_reports_the_untested_operations() {
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
    (0..MIN_ANSWERS.max(MIN_REQUESTS)).for_each(|_| report.add(&VALIDATOR, &provider));
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let complaints = report.complaints(&VALIDATOR, &offered, &known);
    assert_eq!(
        complaints,
        [
            "GET /v1/nothing was never answered with 200",
            "GET /v1/nothing is offered, but scripts/stripe-schema does not extract it",
            "GET /v1/prices is in openapi-subset.json, but the sandbox does not offer it",
        ]
    );
    assert_eq!(
        report.complaints(&VALIDATOR, &known, &known),
        ["GET /v1/prices was never answered with 200"]
    );
    report.add(&VALIDATOR, &exchange(PRODUCT, 200, &json!({ "id": 1 })));
    assert!(
        report
            .faults
            .keys()
            .all(|fault| fault.starts_with("the answer 200 of GET /v1/products/{id}: "))
    );
    let complaints =
        Report::default().complaints(&VALIDATOR, &Operations::new(), &Operations::new());
    assert_eq!(complaints.len(), 2, "{complaints:?}");
}

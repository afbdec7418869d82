//! The schema guard rejects real answers of the sandbox after a corruption at any place.

use std::net::SocketAddr;
use std::path::PathBuf;

use sandbox_stripe::{Sandbox, SandboxSettings};
use serde_json::{Value, json};
use workspace_tests::exchanges::{self, Exchange};
use workspace_tests::runtime;
use workspace_tests::schema_guard::{Newer, SchemaValidator, Subset};
use workspace_tests::wire::Request;

/// Objects in which any field name is valid. In all others, an unknown field is a fault.
const FREE: [&str; 2] = ["metadata", "previous_attributes"];

fn start(record: Option<PathBuf>) -> SocketAddr {
    let listen = ([127, 0, 0, 1], 0).into();
    let settings = SandboxSettings { listen, record, ..SandboxSettings::default() };
    runtime::wait(async {
        let sandbox = Sandbox::bind(settings).await.unwrap();
        sandbox.seed_demo().unwrap();
        let address = sandbox.local_addr();
        tokio::spawn(sandbox.serve(std::future::pending()));
        address
    })
}

fn exchange(address: SocketAddr, operation: &str, query: &str) -> Exchange {
    let request = Request::get(format!("{operation}?{query}")).bearer("sk_test_guard");
    let answer = request.send(address).unwrap();
    Exchange {
        method: "GET".to_owned(),
        operation: Some(operation.to_owned()),
        path: operation.to_owned(),
        query: query.to_owned(),
        request: String::new(),
        user_agent: None,
        version: None,
        status: answer.status,
        answer: Some(answer.text()),
    }
}

/// Collects the pointers to all values.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), into))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), into))
        }
        _ => {}
    }
}

/// Returns copies of the answer with an invalid value at this place.
fn corrupt(answer: &Value, place: &str) -> Vec<Value> {
    let with = |corrupted: Value| {
        let mut answer = answer.clone();
        *answer.pointer_mut(place).unwrap() = corrupted;
        answer
    };
    let value = answer.pointer(place).unwrap();
    let mut corrupted =
        vec![with(json!([["unheard of"]])), with(json!({ "object": "unheard of" }))];
    match value {
        Value::Object(fields) => {
            let mut more = fields.clone();
            more.insert("unheard_of".to_owned(), json!(1));
            corrupted.push(with(more.into()));
            let mut less = fields.clone();
            if less.remove("object").is_some() {
                corrupted.push(with(less.into()));
            }
        }
        Value::String(_) => corrupted.push(with(json!(1))),
        Value::Number(_) => corrupted.extend([with(json!("1")), with(json!(1.5))]),
        Value::Bool(_) => corrupted.push(with(json!("true"))),
        Value::Array(items) => corrupted.push(with(json!([items, 1.5]))),
        Value::Null => {}
    }
    corrupted
}

#[test]
fn answer_corrupted_at_any_place_is_rejected() {
    let validator = SchemaValidator::new(Subset::read(), Newer::read()).unwrap();
    let address = start(exchanges::folder());
    let mut tried = 0;
    for (operation, query) in [
        ("/v1/subscriptions", "limit=1&expand[]=data.customer&expand[]=data.latest_invoice"),
        ("/v1/invoices", "limit=1"),
        ("/v1/payment_methods", "limit=1"),
        ("/v1/billing_portal/configurations", "limit=1"),
        ("/v1/products", "limit=1"),
        ("/v1/prices", "limit=100"),
        ("/v1/customers", "created=never"),
    ] {
        let mut exchange = exchange(address, operation, query);
        assert_eq!(validator.answer_faults(&exchange), Vec::<String>::new(), "{operation}");
        let answer: Value = serde_json::from_str(exchange.answer.as_deref().unwrap()).unwrap();
        let mut all = Vec::new();
        places(&answer, "", &mut all);
        let in_free = |place: &String| FREE.iter().any(|name| place.contains(&format!("/{name}")));
        for place in all.iter().filter(|place| !in_free(place)) {
            for corrupted in corrupt(&answer, place) {
                exchange.answer = Some(corrupted.to_string());
                let faults = validator.answer_faults(&exchange);
                assert!(
                    !faults.is_empty(),
                    "{operation} {place}: the guard accepts {:?}",
                    corrupted.pointer(place)
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 1000, "only {tried} corrupted answers were tried");
}

#[test]
fn every_answered_exchange_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let address = start(Some(record.clone()));
    let form = Request::new("POST", "/v1/customers?expand[]=sources")
        .bearer("sk_test_guard")
        .body("name=A");
    let form = form
        .header("content-type", "application/x-www-form-urlencoded")
        .header("user-agent", "guard/1");
    // The page is not part of Stripe's API, so it is not recorded.
    let page = Request::get("/p/session/unheard-of");
    let requests = [form, Request::get("/v2/nothing"), page, Request::new("PUT", "/v1/events")];
    let answers = requests.map(|request| request.send(address).unwrap());
    let mut answered: Vec<_> =
        answers.iter().map(|answer| (answer.status, Some(answer.text()))).collect();
    answered.remove(2);
    let mut recorded = Vec::new();
    exchanges::each(&record, |exchange| recorded.push(exchange.clone())).unwrap();
    let given: Vec<_> =
        recorded.iter().map(|exchange| (exchange.status, exchange.answer.clone())).collect();
    assert_eq!(given, answered);
    let first = &recorded[0];
    assert_eq!(first.operation.as_deref(), Some("/v1/customers"));
    assert_eq!((first.query.as_str(), first.request.as_str()), ("expand[]=sources", "name=A"));
    assert_eq!(first.user_agent.as_deref(), Some("guard/1"));
    assert_eq!(recorded[1].operation, None);
    assert!(!format!("{recorded:?}").contains("sk_test_guard"));
    // This record is outside of the guard's folder.
    let validator = SchemaValidator::new(Subset::read(), Newer::read()).unwrap();
    assert_eq!(
        recorded.iter().flat_map(|exchange| validator.answer_faults(exchange)).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}

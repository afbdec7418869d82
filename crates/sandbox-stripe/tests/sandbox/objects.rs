//! Customers and their objects through the API.

use std::collections::HashSet;

use crate::support::{refused, start};
use serde_json::Value;

fn ids(list: &Value) -> Vec<String> {
    let data = list["data"].as_array().into_iter().flatten();
    data.filter_map(|object| object["id"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_customer_is_created_read_updated_and_deleted() {
    let sandbox = start().await;
    let form = "name=Jenny+Rosen&email=jenny@example.com&metadata[order]=6735&address[line1]=Main%20St&address[city]=X";
    let made = sandbox.post("/v1/customers", form).await.json();
    let path = format!("/v1/customers/{}", made["id"].as_str().expect("id"));
    assert_eq!(
        (made["name"].as_str(), made["metadata"]["order"].as_str()),
        (Some("Jenny Rosen"), Some("6735"))
    );
    assert_eq!(made["address"]["city"], "X");
    assert_eq!(sandbox.get(&path).await.json(), made);
    let changed =
        sandbox.post(&path, "name=Jenny&email=&metadata[order]=&metadata[a]=b").await.json();
    assert_eq!((changed["name"].as_str(), changed["email"].is_null()), (Some("Jenny"), true));
    assert_eq!(changed["metadata"], serde_json::json!({ "a": "b" }));
    let deleted = sandbox.delete(&path).await.json();
    assert_eq!((deleted["deleted"].as_bool(), deleted["name"].is_null()), (Some(true), true));
    assert_eq!(sandbox.get(&path).await.json(), deleted);
    assert_eq!(sandbox.post(&path, "name=x").await.error(), refused(404, "resource_missing", "id"));
    assert_eq!(sandbox.delete(&path).await.error(), refused(404, "resource_missing", "id"));
    assert_eq!(
        sandbox.get("/v1/customers/cus_none").await.error(),
        refused(404, "resource_missing", "id")
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn errors_in_a_customer_name_the_parameter() {
    let sandbox = start().await;
    for (form, error) in [
        ("email=no-at-sign", refused(400, "email_invalid", "email")),
        ("nme=x", refused(400, "parameter_unknown", "nme")),
        ("name=%ff%fe", refused(400, "", "name")),
        ("metadata[a]=b%00c", refused(400, "", "metadata[a]")),
        ("address[town]=x", refused(400, "parameter_unknown", "address[town]")),
        ("shipping[name]=x", refused(400, "parameter_missing", "shipping[address]")),
        ("balance=x", refused(400, "parameter_invalid_integer", "balance")),
        ("tax_exempt=maybe", refused(400, "", "tax_exempt")),
        ("source=tok_visa", refused(400, "", "source")),
        (
            "invoice_settings[default_payment_method]=pm_none",
            refused(400, "resource_missing", "invoice_settings[default_payment_method]"),
        ),
        (
            "invoice_settings[default_payment_method]=pm_1SandboxDemoVisa4242000001",
            refused(400, "resource_missing", "invoice_settings[default_payment_method]"),
        ),
    ] {
        assert_eq!(sandbox.post("/v1/customers", form).await.error(), error, "{form}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_list_is_paged_in_both_directions() {
    let sandbox = start().await;
    for n in 0..7 {
        sandbox.post("/v1/customers", &format!("name=N{n}&email=n{}@example.com", n % 2)).await;
    }
    let first = sandbox.get("/v1/customers?limit=3").await.json();
    assert_eq!(
        (first["has_more"].as_bool(), first["url"].as_str()),
        (Some(true), Some("/v1/customers"))
    );
    let first = ids(&first);
    let second =
        sandbox.get(&format!("/v1/customers?limit=3&starting_after={}", first[2])).await.json();
    let second = ids(&second);
    let third =
        sandbox.get(&format!("/v1/customers?limit=3&starting_after={}", second[2])).await.json();
    assert_eq!((third["has_more"].as_bool(), ids(&third).len()), (Some(false), 2));
    let all: HashSet<_> = first.iter().chain(&second).cloned().chain(ids(&third)).collect();
    assert_eq!(all.len(), 8, "the seven and the demo customer");
    let back = sandbox
        .get(&format!("/v1/customers?limit=3&ending_before={}", ids(&third)[0]))
        .await
        .json();
    assert_eq!(ids(&back), second);
    let found = sandbox.get("/v1/customers?email=n1@example.com").await.json();
    assert_eq!(ids(&found).len(), 3);
    for (query, error) in [
        ("limit=0", refused(400, "parameter_invalid_integer", "limit")),
        ("limit=101", refused(400, "parameter_invalid_integer", "limit")),
        ("starting_after=cus_none", refused(400, "resource_missing", "starting_after")),
        ("foo=1", refused(400, "parameter_unknown", "foo")),
    ] {
        assert_eq!(sandbox.get(&format!("/v1/customers?{query}")).await.error(), error, "{query}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_search_path_is_an_unknown_operation() {
    let sandbox = start().await;
    for kind in ["customers", "prices", "products", "subscriptions", "invoices"] {
        let reply = sandbox.get(&format!("/v1/{kind}/search?query=created%3E0")).await;
        assert_eq!(reply.error(), refused(404, "", ""), "{kind}");
        assert!(reply.body.contains("a part of Stripe's API"), "{}", reply.body);
    }
    assert_eq!(
        sandbox.get("/v1/invoices/upcoming?customer=cus_1").await.error(),
        refused(404, "", "")
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn the_demo_customer_has_a_subscription_two_paid_invoices_and_a_card() {
    let sandbox = start().await;
    let demo = sandbox.demo.clone();
    let subscriptions =
        sandbox.get(&format!("/v1/subscriptions?customer={}", demo.customer)).await.json();
    assert_eq!(ids(&subscriptions), [demo.subscription.as_str()]);
    let subscription = &subscriptions["data"][0];
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["billing_mode"]["type"], "flexible");
    let item = &subscription["items"]["data"][0];
    assert!(item["current_period_end"].as_i64() > subscription["created"].as_i64());
    assert_eq!(item["price"]["id"], demo.price.as_str());
    let invoices =
        sandbox.get(&format!("/v1/invoices?customer={}&status=paid", demo.customer)).await.json();
    assert_eq!(invoices["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(subscription["latest_invoice"], invoices["data"][0]["id"]);
    assert_eq!(invoices["data"][0]["amount_paid"], 2_000);
    let cards = sandbox
        .get(&format!("/v1/customers/{}/payment_methods?type=card", demo.customer))
        .await
        .json();
    assert_eq!(cards["data"][0]["card"]["last4"], "4242");
    assert_eq!(
        ids(&sandbox.get(&format!("/v1/payment_methods?customer={}", demo.customer)).await.json()),
        ids(&cards)
    );
    let path = format!(
        "/v1/subscriptions/{}?expand[]=customer&expand[]=latest_invoice.customer",
        demo.subscription
    );
    let expanded = sandbox.get(&path).await.json();
    assert_eq!(expanded["customer"]["name"], "Demo User");
    assert_eq!(expanded["latest_invoice"]["customer"]["name"], "Demo User");
    for (path, error) in [
        ("/v1/subscriptions/sub_none", refused(404, "resource_missing", "id")),
        ("/v1/subscriptions?customer=cus_none", refused(400, "resource_missing", "customer")),
        ("/v1/invoices/in_none", refused(404, "resource_missing", "invoice")),
        ("/v1/payment_methods/pm_none", refused(404, "resource_missing", "payment_method")),
        ("/v1/products/prod_none", refused(404, "resource_missing", "id")),
        ("/v1/prices/price_none", refused(404, "resource_missing", "price")),
    ] {
        assert_eq!(sandbox.get(path).await.error(), error, "{path}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_customer_is_delinquent_until_a_failed_invoice_is_paid() {
    let sandbox = start().await;
    let card = "pm_card_chargeCustomerFail";
    let form = format!("payment_method={card}&invoice_settings[default_payment_method]={card}");
    let customer = sandbox.make("/v1/customers", &form).await;
    let path = format!("/v1/customers/{customer}");
    let delinquent = async || {
        let listed = sandbox.get("/v1/customers").await.json()["data"][0].clone();
        assert_eq!(listed, sandbox.get(&path).await.json());
        listed["delinquent"].as_bool()
    };
    assert_eq!(delinquent().await, Some(false));
    let form = format!("customer={customer}&items[0][price]={}", sandbox.demo.price);
    let invoice = sandbox.post("/v1/subscriptions", &form).await.json()["latest_invoice"].clone();
    assert_eq!(delinquent().await, Some(true));
    let invoice = invoice.as_str().unwrap_or_default();
    let card = sandbox
        .make("/v1/payment_methods/pm_card_visa/attach", &format!("customer={customer}"))
        .await;
    sandbox.make(&format!("/v1/invoices/{invoice}/pay"), &format!("payment_method={card}")).await;
    assert_eq!(delinquent().await, Some(false));
    sandbox.stop().await;
}

#[tokio::test]
async fn deleting_a_customer_ends_its_subscriptions() {
    let sandbox = start().await;
    let demo = sandbox.demo.clone();
    sandbox.delete(&format!("/v1/customers/{}", demo.customer)).await;
    let subscription =
        sandbox.get(&format!("/v1/subscriptions/{}", demo.subscription)).await.json();
    assert_eq!(subscription["status"], "canceled");
    let running =
        sandbox.get(&format!("/v1/subscriptions?customer={}", demo.customer)).await.json();
    assert!(ids(&running).is_empty());
    let card = sandbox.get(&format!("/v1/payment_methods/{}", demo.payment_method)).await.json();
    assert!(card["customer"].is_null());
    sandbox.stop().await;
}

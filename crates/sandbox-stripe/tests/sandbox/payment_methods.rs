//! Cards through the API: test ids, numbers, tokens and their customers.

use serde_json::Value;

use crate::support::{Running, refused, start};

async fn default_card(sandbox: &Running, customer: &str) -> Value {
    let customer = sandbox.get(&format!("/v1/customers/{customer}")).await.json();
    customer["invoice_settings"]["default_payment_method"].clone()
}

#[tokio::test]
async fn a_test_card_is_attached_listed_made_default_and_detached() {
    let sandbox = start().await;
    let customer = sandbox.make("/v1/customers", "name=A").await;
    let attach = "/v1/payment_methods/pm_card_mastercard/attach";
    let card = sandbox.post(attach, &format!("customer={customer}")).await.json();
    assert_eq!(
        (card["card"]["brand"].as_str(), card["card"]["last4"].as_str()),
        (Some("mastercard"), Some("4444"))
    );
    let id = card["id"].as_str().expect("id");
    let again = sandbox
        .post(&format!("/v1/payment_methods/{id}/attach"), &format!("customer={customer}"))
        .await;
    assert_eq!(again.json()["id"], id);
    let list =
        sandbox.get(&format!("/v1/payment_methods?customer={customer}&type=card")).await.json();
    assert_eq!(list["data"][0]["id"], id);
    assert_eq!(default_card(&sandbox, &customer).await, Value::Null);
    let form = format!("invoice_settings[default_payment_method]={id}");
    sandbox.make(&format!("/v1/customers/{customer}"), &form).await;
    assert_eq!(default_card(&sandbox, &customer).await, id);
    let detached = sandbox.post(&format!("/v1/payment_methods/{id}/detach"), "").await.json();
    assert_eq!(detached["customer"], Value::Null);
    assert_eq!(default_card(&sandbox, &customer).await, Value::Null);
    let back = sandbox
        .post(&format!("/v1/payment_methods/{id}/attach"), &format!("customer={customer}"))
        .await;
    assert_eq!(back.error(), refused(400, "", ""));
    assert_eq!(
        sandbox.post(&format!("/v1/payment_methods/{id}/detach"), "").await.error(),
        refused(400, "", "")
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_customer_can_be_created_with_a_card() {
    let sandbox = start().await;
    let form = "payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa";
    let customer = sandbox.make("/v1/customers", form).await;
    let list = sandbox.get(&format!("/v1/customers/{customer}/payment_methods")).await.json();
    assert_eq!(default_card(&sandbox, &customer).await, list["data"][0]["id"]);
    let form = "payment_method=pm_none";
    let unknown = sandbox.post("/v1/customers", form).await.error();
    assert_eq!(unknown, refused(400, "resource_missing", "payment_method"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_card_cannot_be_used_by_another_customer() {
    let sandbox = start().await;
    let mine = sandbox.make("/v1/customers", "").await;
    let theirs = sandbox.make("/v1/customers", "").await;
    let card =
        sandbox.make("/v1/payment_methods/pm_card_visa/attach", &format!("customer={mine}")).await;
    let attach = format!("/v1/payment_methods/{card}/attach");
    assert_eq!(
        sandbox.post(&attach, &format!("customer={theirs}")).await.error(),
        refused(400, "", "")
    );
    let default = format!("invoice_settings[default_payment_method]={card}");
    let param = "invoice_settings[default_payment_method]";
    let default = sandbox.post(&format!("/v1/customers/{theirs}"), &default).await.error();
    assert_eq!(default, refused(400, "resource_missing", param));
    let read = sandbox.get(&format!("/v1/customers/{theirs}/payment_methods/{card}")).await.error();
    assert_eq!(read, refused(404, "resource_missing", "payment_method"));
    sandbox.stop().await;
}

#[tokio::test]
async fn declined_cards_have_their_documented_codes() {
    let sandbox = start().await;
    let customer = sandbox.make("/v1/customers", "").await;
    for (card, code, decline_code) in [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ] {
        let path = format!("/v1/payment_methods/{card}/attach");
        let reply = sandbox.post(&path, &format!("customer={customer}")).await;
        assert_eq!(reply.error(), refused(402, code, ""), "{card}");
        let error = &reply.json()["error"];
        assert_eq!(
            (error["type"].as_str(), error["decline_code"].as_str()),
            (Some("card_error"), Some(decline_code))
        );
    }
    let unknown = sandbox
        .post("/v1/payment_methods/pm_card_none/attach", &format!("customer={customer}"))
        .await;
    assert_eq!(unknown.error(), refused(404, "resource_missing", "payment_method"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_card_is_created_from_a_number_or_token_and_its_number_is_never_returned() {
    let sandbox = start().await;
    let number = "type=card&card[number]=4242424242424242&card[exp_month]=8&card[exp_year]=2039&card[cvc]=314\
                  &billing_details[name]=Jenny&metadata[a]=b";
    let made = sandbox.post("/v1/payment_methods", number).await;
    assert!(!made.body.contains("4242424242"), "{}", made.body);
    let card = made.json();
    assert_eq!((card["card"]["exp_month"].as_i64(), card["customer"].is_null()), (Some(8), true));
    assert_eq!(card["billing_details"]["name"], "Jenny");
    let token = sandbox.post("/v1/payment_methods", "type=card&card[token]=tok_visa").await.json();
    assert_eq!(token["card"]["fingerprint"], card["card"]["fingerprint"]);
    for (form, expected) in [
        ("type=card&card[token]=tok_none", refused(400, "resource_missing", "card[token]")),
        (
            "type=card&card[number]=4242424242424241&card[exp_month]=8&card[exp_year]=39",
            refused(402, "incorrect_number", ""),
        ),
        (
            "type=card&card[number]=4242424242424242&card[exp_month]=8&card[exp_year]=20",
            refused(402, "invalid_expiry_year", "card[exp_year]"),
        ),
        (
            "type=card&card[number]=4242424242424242&card[exp_month]=13&card[exp_year]=39",
            refused(402, "invalid_expiry_month", "card[exp_month]"),
        ),
        (
            "type=card&card[number]=4111111111111111&card[exp_month]=8&card[exp_year]=39",
            refused(402, "card_declined", ""),
        ),
        (
            "type=card&card[number]=4242424242424242&card[exp_year]=39",
            refused(400, "parameter_missing", "card[exp_month]"),
        ),
        ("type=card", refused(400, "parameter_missing", "card")),
        ("type=link", refused(400, "", "type")),
        ("card[token]=tok_visa", refused(400, "parameter_missing", "type")),
    ] {
        assert_eq!(sandbox.post("/v1/payment_methods", form).await.error(), expected, "{form}");
    }
    let path = format!("/v1/payment_methods/{}", card["id"].as_str().expect("id"));
    assert_eq!(sandbox.post(&path, "metadata[a]=c").await.error(), refused(400, "", ""));
    let customer = sandbox.make("/v1/customers", "").await;
    sandbox.make(&format!("{path}/attach"), &format!("customer={customer}")).await;
    for (form, code, param) in [
        ("card[exp_year]=2001", "invalid_expiry_year", "card[exp_year]"),
        ("card[exp_month]=0", "invalid_expiry_month", "card[exp_month]"),
    ] {
        assert_eq!(sandbox.post(&path, form).await.error(), refused(402, code, param), "{form}");
    }
    let form = "card[exp_month]=9&metadata[a]=c&billing_details[name]=&billing_details[address][city]=Seoul";
    let changed = sandbox.post(&path, form).await.json();
    assert_eq!(
        (changed["card"]["exp_month"].as_i64(), changed["metadata"]["a"].as_str()),
        (Some(9), Some("c"))
    );
    assert_eq!(changed["billing_details"]["address"]["city"], "Seoul");
    assert_eq!(changed["billing_details"]["name"], Value::Null);
    sandbox.stop().await;
}

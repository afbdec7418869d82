//! Portal configurations through the API.

use serde_json::json;

use crate::support::{refused, start};

const PATH: &str = "/v1/billing_portal/configurations";

#[tokio::test]
async fn a_new_configuration_has_exactly_the_requested_features() {
    let sandbox = start().await;
    let form = "features[invoice_history][enabled]=true&business_profile[headline]=Hello\
                &business_profile[privacy_policy_url]=https://a.example/p&default_return_url=https://a.example/";
    let made = sandbox.post(PATH, form).await.json();
    assert_eq!(made["is_default"], false);
    assert_eq!(made["business_profile"]["headline"], "Hello");
    let on = |feature: &str| made["features"][feature]["enabled"].as_bool();
    assert_eq!(on("invoice_history"), Some(true));
    for off in
        ["customer_update", "payment_method_update", "subscription_cancel", "subscription_update"]
    {
        assert_eq!(on(off), Some(false), "{off}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn an_update_keeps_fields_that_it_does_not_contain() {
    let sandbox = start().await;
    let product = &sandbox.demo.product;
    let price = &sandbox.demo.price;
    let form = format!(
        "features[customer_update][enabled]=true&features[customer_update][allowed_updates][]=email\
         &features[customer_update][allowed_updates][]=address\
         &features[subscription_cancel][enabled]=true&features[subscription_cancel][mode]=immediately\
         &features[subscription_cancel][proration_behavior]=always_invoice\
         &features[subscription_cancel][cancellation_reason][enabled]=true\
         &features[subscription_cancel][cancellation_reason][options][]=unused\
         &features[subscription_update][enabled]=true&features[subscription_update][default_allowed_updates][]=price\
         &features[subscription_update][proration_behavior]=create_prorations\
         &features[subscription_update][products][0][product]={product}\
         &features[subscription_update][products][0][prices][]={price}\
         &features[subscription_update][products][0][adjustable_quantity][enabled]=true\
         &features[subscription_update][products][0][adjustable_quantity][maximum]=5"
    );
    let made = sandbox.post(PATH, &form).await.json();
    assert_eq!(made["features"]["customer_update"]["allowed_updates"], json!(["email", "address"]));
    assert_eq!(
        made["features"]["subscription_cancel"]["cancellation_reason"]["options"],
        json!(["unused"])
    );
    let offered = json!([{
        "adjustable_quantity": { "enabled": true, "maximum": 5, "minimum": 1 },
        "prices": [price],
        "product": product,
    }]);
    assert_eq!(made["features"]["subscription_update"]["products"], offered);
    let path = format!("{PATH}/{}", made["id"].as_str().expect("id"));
    let form = "features[subscription_cancel][mode]=at_period_end&features[customer_update][allowed_updates]=\
                &active=false&name=Second&metadata[a]=b";
    let changed = sandbox.post(&path, form).await.json();
    let mut expected = made.clone();
    expected["features"]["subscription_cancel"]["mode"] = json!("at_period_end");
    expected["features"]["customer_update"]["allowed_updates"] = json!([]);
    expected["active"] = json!(false);
    expected["name"] = json!("Second");
    expected["metadata"] = json!({ "a": "b" });
    expected["updated"] = changed["updated"].clone();
    assert_eq!(changed, expected);
    let customer = &sandbox.demo.customer;
    let session = format!("customer={customer}&configuration={}", made["id"].as_str().expect("id"));
    let inactive = sandbox.post("/v1/billing_portal/sessions", &session).await;
    assert_eq!(inactive.error(), refused(400, "", "configuration"));
    let list = sandbox.get(&format!("{PATH}?active=false")).await.json();
    assert_eq!(list["data"][0]["id"], made["id"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn errors_in_a_configuration_name_the_parameter() {
    let sandbox = start().await;
    let product = &sandbox.demo.product;
    let update = "features[subscription_update]";
    for (form, expected) in [
        (String::new(), refused(400, "parameter_missing", "features")),
        (
            "features[invoice_history][x]=1".to_owned(),
            refused(400, "parameter_unknown", "features[invoice_history][x]"),
        ),
        ("features[invoice_history][enabled]=maybe".to_owned(), refused(400, "", "features[invoice_history][enabled]")),
        (
            "features[subscription_cancel][mode]=immediately".to_owned(),
            refused(400, "parameter_missing", "features[subscription_cancel][enabled]"),
        ),
        (
            "features[customer_update][enabled]=true&features[customer_update][allowed_updates][0]=shoes".to_owned(),
            refused(400, "", "features[customer_update][allowed_updates][0]"),
        ),
        (
            format!("{update}[enabled]=true&{update}[products][0][product]=prod_x&{update}[products][0][prices][]=p"),
            refused(400, "resource_missing", "features[subscription_update][products][0][product]"),
        ),
        (
            format!(
                "{update}[enabled]=true&{update}[products][0][product]={product}&{update}[products][0][prices][]=p"
            ),
            refused(400, "resource_missing", "features[subscription_update][products][0][prices][0]"),
        ),
        (
            "features[invoice_history][enabled]=true&default_return_url=nowhere".to_owned(),
            refused(400, "url_invalid", "default_return_url"),
        ),
        (
            "features[invoice_history][enabled]=true&login_page[enabled]=true".to_owned(),
            refused(400, "", "login_page[enabled]"),
        ),
    ] {
        assert_eq!(sandbox.post(PATH, &form).await.error(), expected, "{form}");
    }
    let default = sandbox.get(&format!("{PATH}?is_default=true")).await.json();
    let path = format!("{PATH}/{}", default["data"][0]["id"].as_str().expect("id"));
    assert_eq!(sandbox.post(&path, "active=false").await.error(), refused(400, "", "active"));
    assert_eq!(sandbox.post(&format!("{PATH}/bpc_x"), "name=x").await.error().0, 404);
    sandbox.stop().await;
}

//! Products and prices through the API.

use serde_json::json;

use crate::support::{refused, start};

#[tokio::test]
async fn a_product_is_created_with_a_price_updated_and_deleted() {
    let sandbox = start().await;
    let form = "name=Tea&description=Green&images[]=https://a.example/t.png&marketing_features[0][name]=Hot\
                &default_price_data[currency]=usd&default_price_data[unit_amount]=500\
                &default_price_data[recurring][interval]=month&expand[]=default_price";
    let made = sandbox.post("/v1/products", form).await.json();
    assert_eq!(made["default_price"]["unit_amount"], 500);
    assert_eq!(made["default_price"]["recurring"]["interval"], "month");
    assert_eq!(made["marketing_features"], json!([{ "name": "Hot" }]));
    let path = format!("/v1/products/{}", made["id"].as_str().expect("id"));
    let changed = sandbox.post(&path, "name=Coffee&images=&description=&active=false").await.json();
    assert_eq!(
        (changed["name"].as_str(), changed["active"].as_bool()),
        (Some("Coffee"), Some(false))
    );
    assert_eq!((&changed["images"], &changed["description"]), (&json!([]), &json!(null)));
    assert_eq!(sandbox.delete(&path).await.error(), refused(400, "", ""));
    let bare = sandbox.make("/v1/products", "id=my-own&name=Bare").await;
    assert_eq!(sandbox.get("/v1/products/my-own").await.json()["id"], bare.as_str());
    assert_eq!(
        sandbox.post("/v1/products", "id=my-own&name=X").await.error(),
        refused(400, "resource_already_exists", "")
    );
    let terms = "currency=usd&unit_amount=1&product_data[name]=X";
    let taken =
        sandbox.post("/v1/prices", &format!("{terms}&product_data[id]=my-own")).await.error();
    assert_eq!(taken, refused(400, "resource_already_exists", ""));
    assert_eq!(sandbox.get("/v1/products/my-own").await.json()["name"], "Bare");
    for id in ["a/b", "a%20b", "%ED%95%9C", "cus_1", "price_1", "bpc_1"] {
        let refusal = sandbox.post("/v1/products", &format!("id={id}&name=X")).await.error();
        assert_eq!(refusal, refused(400, "", "id"), "{id}");
        let refusal =
            sandbox.post("/v1/prices", &format!("{terms}&product_data[id]={id}")).await.error();
        assert_eq!(refusal, refused(400, "", "product_data[id]"), "{id}");
    }
    let gone = sandbox.delete("/v1/products/my-own").await.json();
    assert_eq!(gone, json!({ "id": "my-own", "object": "product", "deleted": true }));
    assert_eq!(
        sandbox.get("/v1/products/my-own").await.error(),
        refused(404, "resource_missing", "id")
    );
    assert_eq!(
        sandbox.post("/v1/products", "").await.error(),
        refused(400, "parameter_missing", "name")
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_price_is_created_for_a_product_and_found_by_its_lookup_key() {
    let sandbox = start().await;
    let product = sandbox.make("/v1/products", "name=Tea").await;
    let form = format!(
        "product={product}&currency=KRW&unit_amount=9900&recurring[interval]=month&recurring[interval_count]=3\
         &lookup_key=tea_quarterly&nickname=Quarterly"
    );
    let made = sandbox.post("/v1/prices", &form).await.json();
    assert_eq!(
        (made["currency"].as_str(), made["recurring"]["interval_count"].as_i64()),
        (Some("krw"), Some(3))
    );
    let found = sandbox.get("/v1/prices?lookup_keys[]=tea_quarterly").await.json();
    assert_eq!(found["data"][0]["id"], made["id"]);
    let listed = sandbox.get(&format!("/v1/prices?product={product}")).await.json();
    assert_eq!(listed["data"], json!([made]));
    let path = format!("/v1/prices/{}", made["id"].as_str().expect("id"));
    // A price that changes its lookup key frees the old one.
    for (path, status) in [("/v1/prices", 400), (path.as_str(), 200), ("/v1/prices", 200)] {
        let key = if path == "/v1/prices" { "tea_quarterly" } else { "tea_old" };
        let form = format!("lookup_key={key}");
        let terms = format!("{form}&product={product}&currency=krw&unit_amount=1");
        let reply = sandbox.post(path, if path == "/v1/prices" { &terms } else { &form }).await;
        assert_eq!(reply.status, status, "{}", reply.body);
    }
    let changed = sandbox.post(&path, "active=false&metadata[a]=b&nickname=").await.json();
    assert_eq!((changed["active"].as_bool(), changed["nickname"].is_null()), (Some(false), true));
    let base = format!("product={product}&currency=usd");
    for (form, expected) in [
        ("currency=usd&unit_amount=1".to_owned(), refused(400, "parameter_missing", "product")),
        (format!("product={product}&unit_amount=1"), refused(400, "parameter_missing", "currency")),
        (base.clone(), refused(400, "parameter_missing", "unit_amount")),
        (format!("product={product}&currency=dollar&unit_amount=1"), refused(400, "", "currency")),
        (
            format!("{base}&unit_amount=-1"),
            refused(400, "parameter_invalid_integer", "unit_amount"),
        ),
        (format!("{base}&unit_amount_decimal=0.5"), refused(400, "", "unit_amount_decimal")),
        (
            format!("{base}&unit_amount=1&recurring[interval]=decade"),
            refused(400, "", "recurring[interval]"),
        ),
        (
            format!("{base}&unit_amount=1&recurring[interval]=year&recurring[interval_count]=4"),
            refused(400, "", "recurring[interval_count]"),
        ),
        (format!("{base}&unit_amount=1&lookup_key=tea_quarterly"), refused(400, "", "lookup_key")),
        (
            "product=prod_x&currency=usd&unit_amount=1".to_owned(),
            refused(400, "resource_missing", "product"),
        ),
        (format!("{base}&unit_amount=1&tiers[0][up_to]=inf"), refused(400, "", "tiers")),
    ] {
        assert_eq!(sandbox.post("/v1/prices", &form).await.error(), expected, "{form}");
    }
    sandbox.stop().await;
}

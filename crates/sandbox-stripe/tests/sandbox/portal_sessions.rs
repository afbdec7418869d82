//! `POST /v1/billing_portal/sessions` through the API.

use std::sync::Arc;

use crate::support::{KEY, Running, bearer, refused, settings, start, start_with};
use sandbox_stripe::{API_VERSION, SystemClock};

const PATH: &str = "/v1/billing_portal/sessions";

#[tokio::test]
async fn a_session_has_a_link_and_the_requested_values() {
    let sandbox = start().await;
    let form = format!(
        "customer={}&locale=ko&return_url=https%3A%2F%2Fapp.example.com%2Fbilling",
        sandbox.demo.customer
    );
    let reply = sandbox.post(PATH, &form).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let json = reply.json();
    assert_eq!(json["object"], "billing_portal.session");
    assert_eq!(json["customer"], sandbox.demo.customer.as_str());
    assert_eq!(json["livemode"], false);
    assert_eq!(json["locale"], "ko");
    assert_eq!(json["return_url"], "https://app.example.com/billing");
    assert!(json["id"].as_str().is_some_and(|id| id.starts_with("bps_")));
    assert!(json["configuration"].as_str().is_some_and(|id| id.starts_with("bpc_")));
    let prefix = format!("http://{}/p/session/test_", sandbox.address);
    let token = json["url"].as_str().and_then(|url| url.strip_prefix(&prefix)).expect("link");
    assert_eq!(token.len(), 43, "256 bits in base64");
    assert_eq!(reply.header("Stripe-Version"), Some(API_VERSION));
    assert!(reply.header("Request-Id").is_some_and(|id| id.starts_with("req_")));
    sandbox.stop().await;
}

#[tokio::test]
async fn each_flow_is_accepted_with_raw_and_with_encoded_brackets() {
    let sandbox = start().await;
    let customer = sandbox.demo.customer.clone();
    let subscription = sandbox.demo.subscription.clone();
    for form in [
        "flow_data[type]=payment_method_update".to_owned(),
        format!(
            "flow_data[type]=subscription_cancel&flow_data[subscription_cancel][subscription]={subscription}"
        ),
        format!(
            "flow_data[type]=subscription_update&flow_data[subscription_update][subscription]={subscription}"
        ),
        format!(
            "flow_data[type]=subscription_update_confirm&flow_data[subscription_update_confirm][subscription]=\
             {subscription}&flow_data[subscription_update_confirm][items][0][id]=si_SandboxDemo0001&\
             flow_data[subscription_update_confirm][items][0][quantity]=2"
        ),
    ] {
        let form = format!(
            "customer={customer}&{form}&flow_data[after_completion][type]=redirect\
             &flow_data[after_completion][redirect][return_url]=https://app.example.com/done"
        );
        for form in [form.clone(), form.replace('[', "%5B").replace(']', "%5D")] {
            let reply = sandbox.post(PATH, &form).await;
            assert_eq!(reply.status, 200, "{form}: {}", reply.body);
            let flow = &reply.json()["flow"];
            let kind = flow["type"].as_str().expect("type").to_owned();
            assert!(form.contains(&kind));
            assert_eq!(
                flow["after_completion"]["redirect"]["return_url"],
                "https://app.example.com/done"
            );
            if kind != "payment_method_update" {
                assert_eq!(flow[&kind]["subscription"], subscription.as_str());
            }
        }
    }
    sandbox.stop().await;
}

/// Creates a session with each form and expects Stripe's error.
async fn expect_refusals(sandbox: &Running, cases: Vec<(String, (u16, String, String))>) {
    for (form, error) in cases {
        let reply = sandbox.post(PATH, &form).await;
        assert_eq!(reply.error(), error, "{form}: {}", reply.body);
        assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
        if !error.1.is_empty() {
            let page = format!("https://stripe.com/docs/error-codes/{}", error.1.replace('_', "-"));
            assert_eq!(reply.json()["error"]["doc_url"], page.as_str());
        }
    }
}

#[tokio::test]
async fn invalid_parameters_have_stripes_errors() {
    let sandbox = start().await;
    let gone = sandbox.post("/v1/customers", "name=Gone").await.json()["id"].clone();
    let gone = gone.as_str().expect("id");
    assert_eq!(sandbox.delete(&format!("/v1/customers/{gone}")).await.status, 200);
    let me = &sandbox.demo.customer;
    let cases = vec![
        (String::new(), refused(400, "parameter_missing", "customer")),
        ("customer=".to_owned(), refused(400, "parameter_invalid_empty", "customer")),
        ("customer=cus_none".to_owned(), refused(400, "resource_missing", "customer")),
        (format!("customer={gone}"), refused(400, "resource_missing", "customer")),
        (format!("customer={me}&retrun_url=x"), refused(400, "parameter_unknown", "retrun_url")),
        (format!("customer={me}&on_behalf_of=acct_1"), refused(400, "", "on_behalf_of")),
        (format!("customer={me}&locale=xx"), refused(400, "", "locale")),
        (
            format!("customer={me}&return_url=app.example.com"),
            refused(400, "url_invalid", "return_url"),
        ),
        (
            format!("customer={me}&return_url=javascript:alert(1)"),
            refused(400, "url_invalid", "return_url"),
        ),
        (
            format!("customer={me}&configuration=bpc_none"),
            refused(400, "resource_missing", "configuration"),
        ),
        (format!("customer={me}&expand[]=customer"), refused(400, "", "")),
    ];
    expect_refusals(&sandbox, cases).await;
    let expanded =
        sandbox.post(PATH, &format!("customer={me}&expand[]=configuration")).await.json();
    assert_eq!(expanded["configuration"]["is_default"], true);
    sandbox.stop().await;
}

#[tokio::test]
async fn invalid_flows_have_stripes_errors() {
    let sandbox = start().await;
    let other = sandbox.make("/v1/customers", "name=Other+Customer").await;
    let me = &sandbox.demo.customer;
    let sub = &sandbox.demo.subscription;
    let cancel = "flow_data[type]=subscription_cancel&flow_data[subscription_cancel][subscription]";
    let cases = vec![
        (format!("customer={me}&flow_data=x"), refused(400, "", "flow_data")),
        (
            format!("customer={me}&flow_data[typ]=x"),
            refused(400, "parameter_unknown", "flow_data[typ]"),
        ),
        (
            format!("customer={me}&flow_data[after_completion][type]=redirect"),
            refused(400, "parameter_missing", "flow_data[type]"),
        ),
        (format!("customer={me}&flow_data[type]=x"), refused(400, "", "flow_data[type]")),
        (
            format!("customer={me}&flow_data[type]=subscription_cancel"),
            refused(400, "parameter_missing", "flow_data[subscription_cancel]"),
        ),
        (
            format!(
                "customer={me}&flow_data[type]=subscription_update&flow_data[subscription_update][x]=1"
            ),
            refused(400, "parameter_unknown", "flow_data[subscription_update][x]"),
        ),
        (
            format!(
                "customer={me}&flow_data[type]=payment_method_update&flow_data[after_completion][type]=redirect"
            ),
            refused(400, "parameter_missing", "flow_data[after_completion][redirect]"),
        ),
        (
            format!(
                "customer={me}&flow_data[type]=payment_method_update&flow_data[after_completion][type]=redirect\
                 &flow_data[after_completion][redirect][return_url]=nowhere"
            ),
            refused(400, "url_invalid", "flow_data[after_completion][redirect][return_url]"),
        ),
        (
            format!("customer={me}&{cancel}=sub_none"),
            refused(400, "resource_missing", "flow_data[subscription_cancel][subscription]"),
        ),
        (
            format!("customer={other}&{cancel}={sub}"),
            refused(400, "resource_missing", "flow_data[subscription_cancel][subscription]"),
        ),
        (
            format!(
                "customer={me}&flow_data[type]=subscription_update_confirm\
                 &flow_data[subscription_update_confirm][subscription]={sub}\
                 &flow_data[subscription_update_confirm][items][0][id]=si_none"
            ),
            refused(
                400,
                "resource_missing",
                "flow_data[subscription_update_confirm][items][0][id]",
            ),
        ),
    ];
    expect_refusals(&sandbox, cases).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn an_account_without_a_portal_configuration_gets_stripes_error() {
    let mut settings = settings(None);
    settings.without_portal_configuration = true;
    let sandbox = start_with(settings, Arc::new(SystemClock)).await;
    let reply = sandbox.post(PATH, &format!("customer={}", sandbox.demo.customer)).await;
    assert_eq!(reply.error(), refused(400, "", ""));
    let message = reply.json()["error"]["message"].as_str().expect("message").to_owned();
    assert!(
        message.starts_with("No configuration provided and your test mode default configuration"),
        "{message}"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn only_test_keys_are_accepted() {
    let sandbox = start().await;
    let form = format!("customer={}", sandbox.demo.customer);
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    for authorization in ["", "Bearer sk_live_abc", "Bearer pk_test_abc", "Bearer x", "Basic eDo="]
    {
        let headers = [("Authorization", authorization), form_type];
        let reply = sandbox.send("POST", PATH, &headers, &form).await;
        assert_eq!(reply.error(), refused(401, "", ""), "{authorization}");
        assert!(reply.header("WWW-Authenticate").is_some());
        assert!(!reply.body.contains("sk_live_abc"));
    }
    for authorization in
        [bearer(KEY), bearer("rk_test_restricted"), "Basic c2tfdGVzdF8xOg==".to_owned()]
    {
        let headers = [("Authorization", authorization.as_str()), form_type];
        assert_eq!(
            sandbox.send("POST", PATH, &headers, &form).await.status,
            200,
            "{authorization}"
        );
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_replays_the_first_outcome_for_the_same_request_only() {
    let sandbox = start().await;
    let form = format!("customer={}", sandbox.demo.customer);
    let key = [("Idempotency-Key", "key-1")];
    // Failed validation leaves the key unused.
    assert_eq!(sandbox.post_with(PATH, "custome=x", &key).await.status, 400);
    let first = sandbox.post_with(PATH, &form, &key).await;
    assert_eq!((first.status, first.header("Idempotent-Replayed")), (200, None));
    let again = sandbox.post_with(PATH, &form, &key).await;
    assert_eq!((again.status, again.header("Idempotent-Replayed")), (200, Some("true")));
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("Original-Request"), first.header("Request-Id"));
    assert_ne!(again.header("Request-Id"), first.header("Request-Id"));
    let other = sandbox.post_with(PATH, &format!("{form}&locale=ko"), &key).await;
    assert_eq!(
        (other.status, other.json()["error"]["type"].as_str()),
        (400, Some("idempotency_error"))
    );
    // An error after validation is stored like a success.
    let key = [("Idempotency-Key", "key-2")];
    let missing = sandbox.post_with(PATH, "customer=cus_none", &key).await;
    let again = sandbox.post_with(PATH, "customer=cus_none", &key).await;
    assert_eq!((&again.body, again.header("Idempotent-Replayed")), (&missing.body, Some("true")));
    sandbox.stop().await;
}

#[tokio::test]
async fn invalid_bodies_and_headers_are_refused() {
    let sandbox = start().await;
    let authorization = bearer(KEY);
    let json = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    assert_eq!(sandbox.send("POST", PATH, &json, r#"{"customer":"x"}"#).await.status, 400);
    assert_eq!(
        sandbox.post(PATH, &format!("customer={}", "x".repeat(1_100_000))).await.status,
        413
    );
    assert_eq!(sandbox.post(PATH, "customer[a=1").await.status, 400);
    let version = |version: &'static str| [("Stripe-Version", version)];
    let form = format!("customer={}", sandbox.demo.customer);
    assert_eq!(sandbox.post_with(PATH, &form, &version("latest")).await.status, 400);
    let newer = sandbox.post_with(PATH, &form, &version("2027-01-01.next")).await;
    assert_eq!((newer.status, newer.header("Stripe-Version")), (200, Some("2027-01-01.next")));
    assert_eq!(sandbox.get("/v1/nothing").await.error(), refused(404, "", ""));
    assert_eq!(sandbox.get(PATH).await.error(), refused(404, "", ""));
    sandbox.stop().await;
}

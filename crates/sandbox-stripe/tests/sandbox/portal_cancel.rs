//! Cancelling on the pages, giving a reason, and undoing the cancellation.

use serde_json::{Value, json};

use crate::browser::{Form, SUBSCRIPTION};
use crate::support::{Running, start};

async fn open(sandbox: &Running) -> String {
    sandbox.session_url(&format!("customer={}", sandbox.demo.customer)).await
}

async fn subscription(sandbox: &Running) -> Value {
    sandbox.get(&format!("/v1/subscriptions/{SUBSCRIPTION}")).await.json()
}

#[tokio::test]
async fn a_plan_is_cancelled_at_period_end_with_a_reason_and_then_kept() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let end = subscription(&sandbox).await["items"]["data"][0]["current_period_end"].clone();
    let page = sandbox.page(&format!("{url}/subscriptions/{SUBSCRIPTION}/cancel"), &[]).await;
    assert!(page.body.contains("Your plan remains available until"), "{}", page.body);
    let form = Form::find(&page, "/cancel");
    let reason = sandbox.follow(&sandbox.submit(&form, &[]).await).await;
    assert!(reason.body.contains("Why did you cancel?"), "{}", reason.body);
    let now = subscription(&sandbox).await;
    assert_eq!(
        (&now["cancel_at"], &now["cancel_at_period_end"], &now["status"]),
        (&end, &json!(false), &json!("active"))
    );
    let why = [("reason", "too_expensive"), ("comment", "Too <much>")];
    let home = sandbox.follow(&sandbox.submit(&Form::find(&reason, "/reason"), &why).await).await;
    assert!(
        home.body.contains("Your plan was canceled.") && home.body.contains("Ends soon"),
        "{}",
        home.body
    );
    let details = subscription(&sandbox).await["cancellation_details"].clone();
    let expected = json!({ "comment": "Too <much>", "feedback": "too_expensive", "reason": "cancellation_requested" });
    assert_eq!(details, expected);
    // A second submit and the page itself show the plan as cancelled.
    assert_eq!(sandbox.submit(&form, &[]).await.status, 303);
    let again = sandbox.page(&format!("{url}/subscriptions/{SUBSCRIPTION}/cancel"), &[]).await;
    assert!(again.body.contains("This plan is already canceled") && !again.body.contains("<form"));
    let change = sandbox.page(&format!("{url}/subscriptions/{SUBSCRIPTION}/change"), &[]).await;
    assert!(change.body.contains("cannot be changed here right now"));
    let keep = Form::find(&home, "/keep");
    for _ in 0..2 {
        let kept = sandbox.follow(&sandbox.submit(&keep, &[]).await).await;
        assert!(
            kept.body.contains("The cancellation was undone.") && kept.body.contains("Cancel plan")
        );
    }
    let now = subscription(&sandbox).await;
    assert_eq!(
        (&now["cancel_at"], &now["cancellation_details"]["feedback"]),
        (&Value::Null, &Value::Null)
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn only_offered_reasons_are_accepted_and_the_comment_is_limited() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let reasons = format!("{url}/subscriptions/{SUBSCRIPTION}/reason");
    assert_eq!(sandbox.page(&reasons, &[]).await.status, 303, "nothing is cancelled yet");
    sandbox.fill(&format!("{url}/subscriptions/{SUBSCRIPTION}/cancel"), &[]).await;
    let long = "x".repeat(5_001);
    let page = sandbox.fill(&reasons, &[("comment", &long)]).await;
    assert!(page.status == 422 && page.body.contains("at most 5,000 characters"));
    sandbox.fill(&reasons, &[("reason", "because")]).await;
    assert_eq!(subscription(&sandbox).await["cancellation_details"]["feedback"], Value::Null);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_cancellation_applies_only_as_shown() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let form = Form::find(
        &sandbox.page(&format!("{url}/subscriptions/{SUBSCRIPTION}/cancel"), &[]).await,
        "/cancel",
    );
    let page = sandbox.follow(&sandbox.submit(&form, &[("ends", "1")]).await).await;
    assert!(
        page.body.contains("The details changed in the meantime")
            && page.body.contains("Confirm cancellation")
    );
    assert_eq!(subscription(&sandbox).await["cancel_at"], Value::Null);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_cancellation_pages_are_available_in_korean() {
    let sandbox = start().await;
    let url = sandbox.session_url(&format!("customer={}&locale=ko", sandbox.demo.customer)).await;
    let reply = sandbox.fill(&format!("{url}/subscriptions/{SUBSCRIPTION}/cancel"), &[]).await;
    let reason = sandbox.follow(&reply).await;
    for shown in [
        "해지하신 이유가 무엇인가요?",
        "가격이 너무 비쌉니다",
        "의견 보내기",
        "요금제를 해지했습니다.",
    ] {
        assert!(reason.body.contains(shown), "{shown}");
    }
    let home = sandbox.follow(&sandbox.submit(&Form::find(&reason, "/reason"), &[]).await).await;
    assert!(home.body.contains("해지 취소") && home.body.contains("종료 예정"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_reason_is_accepted_once() {
    let sandbox = start().await;
    let flow = format!(
        "customer={}&flow_data[type]=subscription_cancel&flow_data[subscription_cancel][subscription]={SUBSCRIPTION}\
         &flow_data[after_completion][type]=hosted_confirmation",
        sandbox.demo.customer
    );
    let url = sandbox.session_url(&flow).await;
    let reply = sandbox.fill(&format!("{url}/subscriptions/{SUBSCRIPTION}/cancel"), &[]).await;
    let form = Form::find(&sandbox.follow(&reply).await, "/reason");
    for reason in ["unused", "too_complex"] {
        let done = sandbox.follow(&sandbox.submit(&form, &[("reason", reason)]).await).await;
        assert!(done.body.contains("Your plan is canceled"), "{}", done.body);
    }
    assert_eq!(subscription(&sandbox).await["cancellation_details"]["feedback"], "unused");
    let again = sandbox.page(&format!("{url}/subscriptions/{SUBSCRIPTION}/reason"), &[]).await;
    assert!(
        again.header("Location").is_some_and(|address| address.ends_with("/done")),
        "{}",
        again.body
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_customer_cannot_undo_an_end_scheduled_by_the_merchant() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    sandbox.fill(&format!("{url}/subscriptions/{SUBSCRIPTION}/cancel"), &[]).await;
    let keep = Form::find(&sandbox.page(&url, &[]).await, "/keep");
    let end = subscription(&sandbox).await["cancel_at"].as_i64().unwrap_or_default() + 86_400;
    sandbox.make(&format!("/v1/subscriptions/{SUBSCRIPTION}"), &format!("cancel_at={end}")).await;
    let home = sandbox.page(&url, &[]).await;
    assert!(
        home.body.contains("Ends soon") && !home.body.contains("Don’t cancel plan"),
        "{}",
        home.body
    );
    let refused = sandbox.follow(&sandbox.submit(&keep, &[]).await).await;
    assert!(refused.body.contains("The details changed in the meantime"), "{}", refused.body);
    assert_eq!(subscription(&sandbox).await["cancel_at"], end);
    for form in ["cancel_at=", "cancel_at_period_end=true"] {
        sandbox.make(&format!("/v1/subscriptions/{SUBSCRIPTION}"), form).await;
    }
    let kept = sandbox.follow(&sandbox.submit(&keep, &[]).await).await;
    assert!(kept.body.contains("The cancellation was undone."), "{}", kept.body);
    sandbox.stop().await;
}

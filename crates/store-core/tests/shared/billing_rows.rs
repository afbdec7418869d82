//! Invalid rows in the tables of events, mirror and checkout, and rows that the database refuses.

use crate::fixture::Fixture;
use billing_domain::ports::RepoError;
use billing_domain::{
    CustomerReading, CustomerState, FreshReading, InboxQuery, InboxState, InboxStatus, Mode,
    NamedOwner, ProviderAccount, SubscriptionStatus, Timestamp,
};
use billing_testkit::samples::{
    account, checkout_request, claimed, customer, provider_event, provider_key, subscription,
    subscription_id, token, user,
};
use sqlx::AssertSqlSafe;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

const ALL: InboxQuery = InboxQuery { state: None, limit: 100 };

fn stripe() -> ProviderAccount {
    account("stripe", Mode::Test)
}

/// Returns a reading that links Ann to `cus_1`.
fn purchase() -> FreshReading {
    FreshReading {
        account: stripe(),
        customer: customer("cus_1"),
        expected_version: 0,
        reading: CustomerReading {
            state: CustomerState::Present(vec![subscription(
                "sub_1",
                SubscriptionStatus::Active,
                NOW,
            )]),
            owner: NamedOwner::User(user("ann")),
        },
        read_at: NOW,
        settled_events: None,
    }
}

fn corrupt<T: std::fmt::Debug>(result: Result<T, RepoError>) -> (&'static str, &'static str) {
    match result {
        Err(RepoError::Corrupt { table, column, .. }) => (table, column),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn invalid_event_names_column_and_does_not_block_others() {
    let fixture = Fixture::new().await;
    let inbox = fixture.migrated().await.inbox();
    for (column, bad) in [
        ("event_id", "'evt 1'"),
        ("kind", "'Customer.Created'"),
        ("subject_id", "'cus 1'"),
        ("attempts", "5000000000"),
    ] {
        inbox
            .accept(&stripe(), &provider_event("evt_1", &customer("cus_1"), NOW), NOW)
            .await
            .unwrap();
        fixture.execute(&format!("UPDATE webhook_events SET {column} = {bad}")).await;
        inbox
            .accept(&stripe(), &provider_event("evt_2", &customer("cus_1"), NOW), NOW)
            .await
            .unwrap();
        assert_eq!(corrupt(inbox.list(&stripe(), &ALL).await), ("webhook_events", column));
        // The first claim reports the error; the second claim gets the other events.
        let first = inbox.claim(&stripe(), &token("one"), 10, NOW, NOW).await;
        assert_eq!(corrupt(first), ("webhook_events", column));
        let second = inbox.claim(&stripe(), &token("two"), 10, NOW, NOW).await.unwrap();
        assert_eq!((second.len(), second[0].event.id.as_str()), (1, "evt_2"));
        let dead = InboxQuery { state: Some(InboxStatus::Dead), ..ALL };
        assert_eq!(corrupt(inbox.list(&stripe(), &dead).await), ("webhook_events", column));
        fixture.execute("DELETE FROM webhook_events").await;
    }
}

#[tokio::test]
async fn invalid_reading_names_column() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let mirror = store.mirror();
    for (column, bad) in
        [("subscription_id", "sub 1"), ("status", "weird"), ("prices", "a  b"), ("prices", "a,b")]
    {
        purchase().save(&*mirror, &*store.customers()).await.unwrap();
        fixture.execute(&format!("UPDATE subscription_mirror SET {column} = '{bad}'")).await;
        assert_eq!(
            corrupt(mirror.find(&stripe(), &customer("cus_1")).await),
            ("subscription_mirror", column)
        );
        assert_eq!(corrupt(mirror.list(&stripe(), None, 9).await), ("subscription_mirror", column));
        fixture.execute("DELETE FROM subscription_mirror").await;
        fixture.execute("DELETE FROM customer_mirror").await;
    }
    purchase().save(&*mirror, &*store.customers()).await.unwrap();
    fixture.execute("UPDATE subscription_mirror SET customer_id = 'cus 1'").await;
    let customer = mirror.customer_of(&stripe(), &subscription_id("sub_1")).await;
    assert_eq!(corrupt(customer), ("subscription_mirror", "customer_id"));
    fixture.execute("UPDATE customer_mirror SET customer_id = 'cus 1'").await;
    assert_eq!(corrupt(mirror.list(&stripe(), None, 9).await), ("customer_mirror", "customer_id"));
}

#[tokio::test]
async fn invalid_claim_names_column() {
    let fixture = Fixture::new().await;
    let claims = fixture.migrated().await.claims();
    let (ann, key) = (user("ann"), provider_key("key"));
    for (column, bad) in [("provider_key", "a b"), ("customer_id", "cus 1")] {
        claims.claim(&ann, &stripe(), &key, NOW).await.unwrap();
        fixture.execute(&format!("UPDATE customer_claims SET {column} = '{bad}'")).await;
        assert_eq!(corrupt(claims.find(&ann, &stripe()).await), ("customer_claims", column));
        assert_eq!(
            corrupt(claims.claim(&ann, &stripe(), &key, NOW).await),
            ("customer_claims", column)
        );
        assert_eq!(
            corrupt(claims.replace_key(&ann, &stripe(), &key, &key, NOW).await),
            ("customer_claims", column)
        );
        let fulfilled =
            claims.fulfil(&ann, &stripe(), &provider_key("other"), &customer("cus_1")).await;
        assert_eq!(corrupt(fulfilled), ("customer_claims", column));
        fixture.execute("DELETE FROM customer_claims").await;
    }
}

#[tokio::test]
async fn invalid_request_names_column() {
    let fixture = Fixture::new().await;
    let checkouts = fixture.migrated().await.checkouts();
    let request = checkout_request(&user("ann"), &stripe(), "key");
    for (change, column) in [
        ("provider_key = 'a b'", "provider_key"),
        ("customer_id = 'cus 1', session_id = 'cs_1'", "customer_id"),
        ("customer_id = 'cus_1', session_id = 'cs/1'", "session_id"),
    ] {
        checkouts.begin(&request, NOW).await.unwrap();
        fixture.execute(&format!("UPDATE checkout_requests SET {change}")).await;
        assert_eq!(corrupt(checkouts.begin(&request, NOW).await), ("checkout_requests", column));
        fixture.execute("DELETE FROM checkout_requests").await;
    }
}

#[tokio::test]
async fn invalid_link_rolls_back_reading_that_would_remove_it() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let mirror = store.mirror();
    fixture
        .execute(
            "INSERT INTO billing_customers VALUES ('a\u{7f}', 'stripe', 'test', 'cus_1', 0, 0)",
        )
        .await;
    let mut gone = purchase();
    gone.reading.state = CustomerState::Gone;
    assert_eq!(
        corrupt(gone.save(&*mirror, &*store.customers()).await),
        ("billing_customers", "user_id")
    );
    assert_eq!(mirror.find(&stripe(), &customer("cus_1")).await.unwrap(), None);
}

#[tokio::test]
async fn refused_row_rolls_back_the_whole_reading() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    fixture.refuse_audit_rows("action", "customer.linked").await;
    store
        .inbox()
        .accept(&stripe(), &provider_event("evt_1", &customer("cus_1"), NOW), NOW)
        .await
        .unwrap();
    store.inbox().claim(&stripe(), &token("one"), 1, NOW, NOW).await.unwrap();
    store.claims().claim(&user("ann"), &stripe(), &provider_key("key"), NOW).await.unwrap();
    let update = FreshReading { settled_events: Some(claimed("one", &["evt_1"])), ..purchase() };
    // The refused audit record is the last row.
    let refused = update.save(&*store.mirror(), &*store.customers()).await;
    assert!(matches!(refused, Err(RepoError::Refused(_))), "{refused:?}");
    assert_eq!(store.mirror().list(&stripe(), None, 9).await.unwrap(), []);
    assert_eq!(
        store.mirror().customer_of(&stripe(), &subscription_id("sub_1")).await.unwrap(),
        None
    );
    assert_eq!(store.customers().list(&user("ann")).await.unwrap(), []);
    assert_eq!(store.claims().find(&user("ann"), &stripe()).await.unwrap().unwrap().customer, None);
    assert_eq!(
        store.inbox().list(&stripe(), &ALL).await.unwrap()[0].state,
        InboxState::Pending(NOW)
    );
}

#[tokio::test]
async fn constraints_refuse_invalid_rows() {
    let fixture = Fixture::new().await;
    fixture.migrated().await;
    let event =
        "INSERT INTO webhook_events (provider, mode, event_id, kind, created_at, received_at, state_at, attempts,
                                             subject_kind, subject_id, state, claimed_until)
                 VALUES ('stripe', 'test', 'evt_1', 'kind', 0, 0, 0, 0";
    let subscription = "INSERT INTO subscription_mirror (provider, mode, subscription_id, customer_id, status, prices,
                                                         created_at, cycle, cancel_at_period_end)
                        VALUES ('stripe', 'test', 'sub_1', 'cus_1', 'active', '', 0";
    let request = "INSERT INTO checkout_requests (user_id, provider, mode, idempotency_key, content, provider_key,
                                                  created_at, customer_id, session_id)
                   VALUES ('ann', 'stripe', 'test', 'key', '', 'key', 0";
    for (insert, values, constraint) in [
        (event, "'cat', 'x', 'pending', NULL", "webhook_events_subject_kind_known"),
        (event, "'nobody', 'x', 'pending', NULL", "webhook_events_subject_form"),
        (event, "'customer', NULL, 'pending', NULL", "webhook_events_subject_form"),
        (event, "'nobody', NULL, 'new', NULL", "webhook_events_state_known"),
        (event, "'nobody', NULL, 'pending', 1", "webhook_events_claim_form"),
        (subscription, "'daily', 0", "subscription_mirror_cycle_known"),
        (subscription, "NULL, 2", "subscription_mirror_cancel_at_period_end_form"),
        (request, "'cus_1', NULL", "checkout_requests_made_form"),
    ] {
        let sql = format!("{insert}, {values})");
        let refused = sqlx::query(AssertSqlSafe(sql))
            .execute(&mut fixture.connect().await)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains(constraint), "{refused}");
    }
}

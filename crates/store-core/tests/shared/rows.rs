//! Invalid rows of links, keys and audit records, and rows that the database refuses.

use crate::fixture::Fixture;
use billing_domain::ports::{LinkChange, RepoError};
use billing_domain::{AuditQuery, Mode, Timestamp};
use billing_testkit::samples::{
    account, audit_event, customer, key_id, link, record, stored_key, user,
};
use secrecy::SecretString;
use sqlx::AssertSqlSafe;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn corrupt<T: std::fmt::Debug>(result: Result<T, RepoError>) -> (&'static str, &'static str) {
    match result {
        Err(RepoError::Corrupt { table, column, .. }) => (table, column),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn invalid_link_names_column() {
    let fixture = Fixture::new().await;
    let customers = fixture.migrated().await.customers();
    fixture
        .execute("INSERT INTO billing_customers VALUES ('ann', 'stripe', 'test', 'cus 1', 0, 0)")
        .await;
    fixture
        .execute("INSERT INTO billing_customers VALUES ('bob', 'Stripe', 'test', 'cus_1', 0, 0)")
        .await;
    let (ann, at) = (user("ann"), account("stripe", Mode::Test));
    let id = ("billing_customers", "customer_id");
    assert_eq!(corrupt(customers.find(&ann, &at).await), id);
    assert_eq!(corrupt(customers.list(&ann).await), id);
    assert_eq!(corrupt(customers.list(&user("bob")).await), ("billing_customers", "provider"));
}

#[tokio::test]
async fn invalid_key_names_column_and_hides_value() {
    let fixture = Fixture::new().await;
    let keys = fixture.migrated().await.api_keys();
    for (column, bad) in [
        ("user_id", "a\u{7f}"),
        ("name", "line\nbreak"),
        ("permissions", "everything"),
        ("permissions", "a:b  c:d"),
        ("return_origins", "https://example.com/path"),
        ("description", "a\u{7f}"),
    ] {
        let key = stored_key("000000000001", &user("ann"), NOW);
        keys.insert(&key, None, record()).await.unwrap();
        fixture.execute(&format!("UPDATE api_keys SET {column} = '{bad}'")).await;
        let error = keys.find(&key.key.id).await.unwrap_err();
        assert!(!error.to_string().contains(bad), "{error}");
        assert_eq!(corrupt(keys.find(&key.key.id).await), ("api_keys", column));
        assert_eq!(corrupt(keys.list(None).await), ("api_keys", column));
        fixture.execute("DELETE FROM api_keys").await;
    }
    keys.insert(&stored_key("000000000001", &user("ann"), NOW), None, record()).await.unwrap();
    fixture.execute("UPDATE api_keys SET id = 'no-base62-id'").await;
    assert_eq!(corrupt(keys.list(Some(&user("ann"))).await), ("api_keys", "id"));
    assert!(keys.find(&key_id("000000000001")).await.unwrap().is_none());
}

#[tokio::test]
async fn refused_row_names_constraint_and_hides_values() {
    let fixture = Fixture::new().await;
    let keys = fixture.migrated().await.api_keys();
    let mut key = stored_key("000000000001", &user("ann"), NOW);
    key.verifier.gate = SecretString::from("canary-gate");
    let error = keys.insert(&key, None, record()).await.unwrap_err();
    let shown = format!("{error:?} {error} {:?}", std::error::Error::source(&error));
    assert!(matches!(error, RepoError::Refused(_)), "{shown}");
    assert!(shown.contains("api_keys_secret_gate_length"), "{shown}");
    for secret in ["canary-gate", "argon2id"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn constraint_refuses_unknown_mode() {
    let fixture = Fixture::new().await;
    fixture.migrated().await;
    let sql = "INSERT INTO billing_customers VALUES ('ann', 'stripe', 'demo', 'cus_1', 0, 0)";
    let refused = sqlx::query(sql).execute(&mut fixture.connect().await).await.unwrap_err();
    assert!(refused.to_string().contains("billing_customers_mode_known"), "{refused}");
}

#[tokio::test]
async fn replaced_link_keeps_creation_time() {
    let fixture = Fixture::new().await;
    let customers = fixture.migrated().await.customers();
    let (ann, at) = (user("ann"), account("stripe", Mode::Live));
    let (first, second) = (customer("cus_1"), customer("cus_2"));
    let replace = LinkChange::Replace { old: first.clone(), new: link(&ann, &at, &second) };
    for (change, millis) in [(LinkChange::Add(link(&ann, &at, &first)), 5), (replace, 7)] {
        let now = Timestamp::from_millis(millis);
        assert!(customers.change(&change, now, &[]).await.unwrap());
    }
    let times: (i64, i64) = sqlx::query_as("SELECT created_at, updated_at FROM billing_customers")
        .fetch_one(&mut fixture.connect().await)
        .await
        .unwrap();
    assert_eq!(times, (5, 7));
}

#[tokio::test]
async fn invalid_pepper_id_names_column() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    fixture.execute("UPDATE api_keys SET pepper_id = 'no-hexadecimal-x'").await;
    assert_eq!(corrupt(store.usage().count_by_pepper(NOW).await), ("api_keys", "pepper_id"));
    assert_eq!(
        corrupt(store.api_keys().find(&key_id("000000000001")).await),
        ("api_keys", "pepper_id")
    );
}

#[tokio::test]
async fn invalid_audit_record_names_column() {
    let fixture = Fixture::new().await;
    let audit = fixture.migrated().await.audit();
    let query = AuditQuery { limit: 10, ..AuditQuery::default() };
    let row = "INSERT INTO audit_log (at, kind, action, actor, cause, count, user_id, key_id, provider, mode, customer_id)";
    for (values, column) in [
        ("0, 'event', 'portal.closed', 'user', NULL, NULL, NULL, NULL, NULL, NULL, NULL", "action"),
        ("0, 'event', 'portal.opened', 'cat', NULL, NULL, NULL, NULL, NULL, NULL, NULL", "actor"),
        ("0, 'event', 'portal.opened', 'user', NULL, NULL, '', NULL, NULL, NULL, NULL", "user_id"),
        ("0, 'event', 'portal.opened', 'user', NULL, NULL, NULL, 'x', NULL, NULL, NULL", "key_id"),
        (
            "0, 'event', 'portal.opened', 'user', NULL, NULL, NULL, NULL, 'Stripe', 'test', 'cus_1'",
            "provider",
        ),
        (
            "0, 'event', 'portal.opened', 'user', NULL, NULL, NULL, NULL, 'stripe', 'test', 'cus 1'",
            "customer_id",
        ),
        ("0, 'denials', NULL, NULL, 'a', 1, NULL, 'x', NULL, NULL, NULL", "key_id"),
    ] {
        fixture.execute(&format!("{row} VALUES ({values})")).await;
        assert_eq!(corrupt(audit.read(&query).await), ("audit_log", column));
        fixture.execute("DELETE FROM audit_log").await;
    }
}

#[tokio::test]
async fn constraints_refuse_invalid_audit_records() {
    let fixture = Fixture::new().await;
    fixture.migrated().await;
    for (columns, values, constraint) in [
        ("at, kind", "0, 'event'", "audit_log_event_form"),
        ("at, kind, cause", "0, 'denials', 'a'", "audit_log_denials_form"),
        ("at, kind, cause, count", "0, 'denials', 'a', -1", "audit_log_count_not_negative"),
        (
            "at, kind, action, actor, customer_id",
            "0, 'event', 'a', 'b', 'cus_1'",
            "audit_log_customer_form",
        ),
    ] {
        let sql = format!("INSERT INTO audit_log ({columns}) VALUES ({values})");
        let refused = sqlx::query(AssertSqlSafe(sql))
            .execute(&mut fixture.connect().await)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains(constraint), "{refused}");
    }
}

#[tokio::test]
async fn refused_event_does_not_fail_other_events() {
    let fixture = Fixture::new().await;
    let audit = fixture.migrated().await.audit();
    // No valid event breaks a constraint, so the test adds a constraint.
    fixture.refuse_audit_rows("source", "nowhere").await;
    let events: Vec<_> = (0..20)
        .map(|n| {
            let mut event = audit_event(&user("ann"), Timestamp::from_millis(n));
            event.origin.source = (n == 7).then(|| "nowhere".to_owned());
            event
        })
        .collect();
    let results =
        futures_util::future::join_all(events.iter().map(|event| audit.append(event))).await;
    let refused: Vec<_> = (0..).zip(&results).filter(|(_, result)| result.is_err()).collect();
    assert!(matches!(refused[..], [(7, Err(RepoError::Refused(_)))]), "{refused:?}");
    let query = AuditQuery { limit: 100, ..AuditQuery::default() };
    assert_eq!(audit.read(&query).await.unwrap().len(), 19);
}

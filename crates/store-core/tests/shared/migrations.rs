//! Migrations with other releases, concurrent processes and conflicting tables.

use std::process::{Command, Stdio};

use crate::fixture::Fixture;
use crate::shared::fixture::open;
use billing_domain::ports::{Disposition, KeyChange, LinkChange, RepoError, SchemaState};
use billing_domain::{
    ApiKey, AuditQuery, CustomerReading, CustomerState, Denials, FreshReading, InboxQuery, Mode,
    NamedOwner, ReplayScope, Timestamp,
};
use billing_testkit::samples::{
    account, audit_event, checkout_request, claimed, customer, key_id, link, permissions,
    provider_event, record, records, session_id, stored_key, subscription_id, token, user,
};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

const LATER_RELEASE: &str =
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    SELECT 9999, 'of a later release', success, checksum, 0 FROM _sqlx_migrations LIMIT 1";

#[tokio::test]
async fn every_call_fails_with_schema_error_before_migration() {
    let fixture = Fixture::new().await;
    let store = fixture.store();
    let (customers, keys, usage, audit) =
        (store.customers(), store.api_keys(), store.usage(), store.audit());
    let (ann, at, id) = (user("ann"), account("stripe", Mode::Test), key_id("000000000001"));
    let to = link(&ann, &at, &customer("cus_1"));
    let (key, event) = (stored_key("000000000001", &ann, NOW), audit_event(&ann, NOW));
    let (inbox, mirror, claims, checkouts) =
        (store.inbox(), store.mirror(), store.claims(), store.checkouts());
    let (hint, request) =
        (provider_event("evt_1", &to.customer, NOW), checkout_request(&ann, &at, "key"));
    let reading = FreshReading {
        account: at.clone(),
        customer: to.customer.clone(),
        expected_version: 0,
        reading: CustomerReading { state: CustomerState::Gone, owner: NamedOwner::None },
        read_at: NOW,
        settled_events: None,
    };
    let denials =
        Denials { at: NOW, cause: "invalid_token".to_owned(), source: None, key: None, count: 1 };
    let results = [
        customers.find(&ann, &at).await.err(),
        customers.change(&LinkChange::Add(to.clone()), NOW, &[]).await.err(),
        customers.change(&LinkChange::Remove(to.clone()), NOW, &[]).await.err(),
        customers.owners(&at, &to.customer).await.err(),
        customers.list(&ann).await.err(),
        keys.insert(&key, None, record()).await.err(),
        keys.insert(&key, Some(20), record()).await.err(),
        keys.find(&id).await.err(),
        keys.list(None).await.err(),
        keys.list(Some(&ann)).await.err(),
        keys.revoke(&id, NOW, record()).await.err(),
        keys.revoke_all(&ann, NOW, record()).await.err(),
        keys.rotate(&id, &key, NOW, Some(20), records()).await.err(),
        usage.record_use(&[(id.clone(), NOW)]).await.err(),
        usage.replace_verifier(&id, &key.verifier, &key.verifier).await.err(),
        usage.count_by_pepper(NOW).await.err(),
        audit.append(&event).await.err(),
        audit.append_denials(&[denials]).await.err(),
        audit.read(&AuditQuery { limit: 1, ..AuditQuery::default() }).await.err(),
        audit.prune(NOW).await.err(),
        audit.forget(&ann).await.err(),
        inbox.accept(&at, &hint, NOW).await.err(),
        inbox.claim(&at, &token("one"), 1, NOW, NOW).await.err(),
        inbox.release(&at, &claimed("one", &["evt_1"]), &Disposition::Ignored(NOW)).await.err(),
        inbox.replay(&at, &ReplayScope::AllDead, NOW).await.err(),
        inbox.list(&at, &InboxQuery { state: None, limit: 1 }).await.err(),
        inbox.counts(&at).await.err(),
        inbox.has_pending(&at, &to.customer).await.err(),
        inbox.prune(NOW).await.err(),
        mirror.find(&at, &to.customer).await.err(),
        reading.save(&*mirror, &*customers).await.err(),
        mirror.list(&at, None, 1).await.err(),
        mirror.customer_of(&at, &subscription_id("sub_1")).await.err(),
        claims.find(&ann, &at).await.err(),
        claims.claim(&ann, &at, &request.provider_key, NOW).await.err(),
        claims.fulfil(&ann, &at, &request.provider_key, &to.customer).await.err(),
        claims
            .replace_key(&ann, &at, &request.provider_key, &request.provider_key, NOW)
            .await
            .err(),
        checkouts.begin(&request, NOW).await.err(),
        checkouts.complete(&request, &to.customer, &session_id("cs_1")).await.err(),
        checkouts.prune(NOW).await.err(),
        store.leadership().acquire("duty", "holder", NOW, NOW).await.err(),
    ];
    for error in results {
        assert!(matches!(error, Some(RepoError::Schema(_))), "{error:?}");
    }
    // The store works after the migration of another process, without a restart.
    open(&fixture.url()).database().migrate().await.unwrap();
    assert_eq!(customers.find(&ann, &at).await.unwrap(), None);
}

#[tokio::test]
async fn migrations_of_a_later_release_are_accepted() {
    let fixture = Fixture::new().await;
    let database = fixture.migrated().await.database();
    fixture.execute(LATER_RELEASE).await;
    assert_eq!(database.schema().await.unwrap(), SchemaState::Newer);
    assert!(database.schema().await.unwrap().is_compatible());
    assert_eq!(database.migrate().await.unwrap(), 0);
}

/// Uses the statements of the previous release.
#[tokio::test]
async fn previous_release_works_on_current_tables() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let gate = "0123456789abcdef".repeat(4);
    fixture
        .execute(&format!(
            "INSERT INTO api_keys (id, user_id, name, permissions, return_origins, secret_gate, secret_hash, created_at,
                                   expires_at, revoked_at)
             VALUES ('000000000001', 'ann', 'a key', 'subscriptions:portal', '', '{gate}',
                     '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2g', {}, NULL, NULL)",
            NOW.as_millis(),
        ))
        .await;
    let id = key_id("000000000001");
    let found = store.api_keys().find(&id).await.unwrap().unwrap();
    let expected = stored_key("000000000001", &user("ann"), NOW).key;
    assert_eq!(
        found.key,
        ApiKey { permissions: permissions(&["subscriptions:portal"]), ..expected }
    );
    assert_eq!(found.verifier.pepper, None);
    assert_eq!(store.usage().count_by_pepper(NOW).await.unwrap(), [(None, 1)]);
    // This release detects changes by the previous one.
    let usage = store.usage();
    usage.next_change().await.unwrap();
    fixture
        .execute(
            "UPDATE api_keys SET revoked_at = 1 WHERE id = '000000000001' AND revoked_at IS NULL",
        )
        .await;
    assert!(matches!(usage.next_change().await.unwrap(), KeyChange::Unknown | KeyChange::Key(_)));
}

#[tokio::test]
async fn changed_migration_is_a_schema_error() {
    let fixture = Fixture::new().await;
    let database = fixture.migrated().await.database();
    fixture.execute("UPDATE _sqlx_migrations SET checksum = checksum || checksum").await;
    assert!(matches!(database.schema().await, Err(RepoError::Schema(_))));
    assert!(matches!(database.migrate().await, Err(RepoError::Schema(_))));
}

#[tokio::test]
async fn failed_migration_is_rolled_back() {
    let fixture = Fixture::new().await;
    let database = fixture.store().database();
    let SchemaState::Behind { missing } = database.schema().await.unwrap() else {
        panic!("an empty database")
    };
    // The migration creates billing_customers before it conflicts with this table.
    fixture.execute("CREATE TABLE api_keys (id text)").await;
    assert!(matches!(database.migrate().await, Err(RepoError::Schema(_))));
    assert!(!fixture.has_table("billing_customers").await);
    assert_eq!(database.schema().await.unwrap(), SchemaState::Behind { missing });
    // Without the table, the same store migrates: the lock was released, too.
    fixture.execute("DROP TABLE api_keys").await;
    assert_eq!(database.migrate().await.unwrap(), missing);
    assert_eq!(database.schema().await.unwrap(), SchemaState::Current);
}

/// Runs itself in several processes, which migrate the same database concurrently.
#[tokio::test]
async fn concurrent_processes_apply_each_migration_once() {
    const CHILD: &str = "MIGRATIONS_TEST_DATABASE";
    if let Ok(url) = std::env::var(CHILD) {
        let applied = open(&url).database().migrate().await.unwrap();
        println!("\napplied={applied};");
        return;
    }
    let fixture = Fixture::new().await;
    let children: Vec<_> = (0..6)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "shared::migrations::concurrent_processes_apply_each_migration_once",
                    "--nocapture",
                ])
                .env(CHILD, fixture.url())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut total = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let applied = text.split_once("applied=").unwrap().1.split_once(';').unwrap().0;
        total += applied.parse::<usize>().unwrap();
    }
    let database = fixture.store().database();
    assert_eq!(database.schema().await.unwrap(), SchemaState::Current);
    let steps: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations")
        .fetch_one(&mut fixture.connect().await)
        .await
        .unwrap();
    assert_eq!(i64::try_from(total).unwrap(), steps);
}

//! Contract of every [`AuditLog`](billing_domain::ports::AuditLog) for forgetting users.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use billing_domain::ports::InsertOutcome;
use billing_domain::{
    AuditEntry, AuditEvent, AuditQuery, CustomerReading, CustomerState, Denials, EventSubject,
    FreshReading, InboxQuery, Mode, NamedOwner, ProviderAccount, ProviderEvent, ReadingOutcome,
    RequestOrigin, SubscriptionStatus,
};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::audit_log_contract::{EPOCH, MANY, all, append, denials, event, full_event, read};
use crate::samples::{
    account, add_link, checkout_request, customer, event_id, key_id, link, provider_event,
    provider_key, record, session_id, stored_key, subscription, subscription_id, user,
};

/// Runs every case against a new database: `forgetting_contract!(make)`. `make` is an async
/// function that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! forgetting_contract {
    ($make:path) => {
        $crate::contract_tests!(
            forgetting_contract,
            $make,
            [
                a_forgotten_user_is_in_no_table,
                forget_keeps_other_users_data,
                forget_removes_the_source_from_denials_of_the_users_keys,
                forget_rewrites_more_than_one_batch,
                forget_removes_the_source_from_more_than_one_batch_of_denials,
                a_second_forget_changes_nothing,
                the_placeholder_user_cannot_be_forgotten,
                a_forgotten_users_customer_is_in_no_table,
                a_shared_customer_is_kept,
                claims_and_requests_of_other_users_are_kept,
                a_deleted_customer_is_forgotten_with_the_user,
                a_customer_of_another_mode_is_kept,
            ]
        );
    };
}

async fn add_links_and_key(ports: &BillingPorts, owner: &str, key: &str, to: &str) {
    for mode in [Mode::Test, Mode::Live] {
        let to = link(&user(owner), &account("stripe", mode), &customer(to));
        add_link(&*ports.customers, &to).await.unwrap();
    }
    let key = stored_key(key, &user(owner), EPOCH);
    assert_eq!(ports.keys.insert(&key, None, record()).await.unwrap(), InsertOutcome::Inserted);
}

/// Returns all entries of the log except the records of inserted keys.
async fn entries(ports: &BillingPorts) -> Vec<AuditEntry> {
    let of_key = AuditEntry::Event(record().clone());
    read(ports, &all()).await.into_iter().filter(|entry| *entry != of_key).collect()
}

pub async fn a_forgotten_user_is_in_no_table(ports: &BillingPorts) {
    add_links_and_key(ports, "ann", "000000000001", "cus_ann").await;
    let named = AuditEvent {
        customer: Some((account("stripe", Mode::Live), customer("cus_ann"))),
        ..full_event("ann")
    };
    append(ports, &[named.clone(), event("ann", 1)]).await;
    // Two links, a key, two events.
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 5);
    assert_eq!(ports.customers.list(&user("ann")).await.unwrap(), []);
    assert_eq!(ports.keys.list(Some(&user("ann"))).await.unwrap(), []);
    assert_eq!(read(ports, &AuditQuery { owner: Some(user("ann")), ..all() }).await, []);
    let forgotten = AuditEvent {
        owner: Some(user("forgotten")),
        customer: Some((account("stripe", Mode::Live), customer("forgotten"))),
        origin: RequestOrigin::default(),
        ..named
    };
    let expected = [forgotten, event("forgotten", 1)];
    assert_eq!(entries(ports).await, expected.map(AuditEntry::Event));
}

pub async fn forget_keeps_other_users_data(ports: &BillingPorts) {
    add_links_and_key(ports, "ann", "000000000001", "cus_1").await;
    add_links_and_key(ports, "Ann", "000000000002", "cus_1").await;
    let other = AuditEvent { key: Some(key_id("000000000002")), ..full_event("Ann") };
    append(ports, &[full_event("ann"), other.clone()]).await;
    let denied = [
        Denials { source: Some("192.0.2.1".to_owned()), ..denials("missing_credential", 1) },
        Denials {
            source: Some("192.0.2.1".to_owned()),
            key: Some(key_id("000000000002")),
            ..denials("invalid_api_key", 1)
        },
    ];
    ports.audit.append_denials(&denied).await.unwrap();
    ports.audit.forget(&user("ann")).await.unwrap();
    assert_eq!(ports.customers.list(&user("Ann")).await.unwrap().len(), 2);
    assert_eq!(ports.keys.list(None).await.unwrap().len(), 1);
    let kept = entries(ports).await;
    assert_eq!(kept[1], AuditEntry::Event(other));
    assert_eq!(kept[2..], denied.map(AuditEntry::Denials));
}

pub async fn forget_removes_the_source_from_denials_of_the_users_keys(ports: &BillingPorts) {
    add_links_and_key(ports, "ann", "000000000001", "cus_1").await;
    let denied = Denials {
        source: Some("192.0.2.1".to_owned()),
        key: Some(key_id("000000000001")),
        ..denials("invalid_api_key", 1)
    };
    let without_source = Denials { source: None, ..denied.clone() };
    ports.audit.append_denials(&[denied, without_source.clone()]).await.unwrap();
    // Two links, a key, the one denial with a source.
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 4);
    assert_eq!(
        entries(ports).await,
        [without_source.clone(), without_source].map(AuditEntry::Denials)
    );
}

pub async fn forget_rewrites_more_than_one_batch(ports: &BillingPorts) {
    let events: Vec<_> = (0..MANY).map(|_| full_event("ann")).collect();
    for chunk in events.chunks(2000) {
        for result in join_all(chunk.iter().map(|event| ports.audit.append(event))).await {
            result.unwrap();
        }
    }
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), MANY);
    assert_eq!(read(ports, &AuditQuery { owner: Some(user("ann")), ..all() }).await, []);
    assert_eq!(
        read(ports, &AuditQuery { owner: Some(user("forgotten")), ..all() }).await.len() as u64,
        MANY
    );
}

pub async fn forget_removes_the_source_from_more_than_one_batch_of_denials(ports: &BillingPorts) {
    add_links_and_key(ports, "ann", "000000000001", "cus_1").await;
    let (source, key) = (Some("192.0.2.1".to_owned()), Some(key_id("000000000001")));
    let denied = Denials { source, key, ..denials("invalid_api_key", 1) };
    ports.audit.append_denials(&vec![denied; MANY as usize]).await.unwrap();
    // Two links, a key.
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), MANY + 3);
    let remaining = entries(ports).await;
    let without_source =
        |entry: &AuditEntry| matches!(entry, AuditEntry::Denials(Denials { source: None, .. }));
    assert_eq!((remaining.len() as u64, remaining.iter().all(without_source)), (MANY, true));
}

pub async fn a_second_forget_changes_nothing(ports: &BillingPorts) {
    add_links_and_key(ports, "ann", "000000000001", "cus_1").await;
    append(ports, &[full_event("ann")]).await;
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 4);
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 0);
}

pub async fn the_placeholder_user_cannot_be_forgotten(ports: &BillingPorts) {
    append(ports, &[full_event("ann"), full_event("bob")]).await;
    for owner in ["ann", "bob"] {
        assert_eq!(ports.audit.forget(&user(owner)).await.unwrap(), 1);
    }
    assert_eq!(ports.audit.forget(&user("forgotten")).await.unwrap(), 0);
    assert_eq!(read(ports, &AuditQuery { owner: Some(user("forgotten")), ..all() }).await.len(), 2);
}

async fn read_customer(
    ports: &BillingPorts,
    at: &ProviderAccount,
    id: &str,
    state: CustomerState,
    expected_version: u64,
) {
    let reading = CustomerReading { state, owner: NamedOwner::None };
    let at = at.clone();
    let customer = customer(id);
    let update = FreshReading {
        account: at,
        customer,
        expected_version,
        reading,
        read_at: EPOCH,
        settled_events: None,
    };
    assert!(matches!(
        update.save(&*ports.mirror, &*ports.customers).await.unwrap(),
        ReadingOutcome::Written(_)
    ));
}

/// Adds a mirrored customer with two subscriptions, and three events: about the customer, about a
/// subscription, and unrelated.
async fn add_customer(ports: &BillingPorts, at: &ProviderAccount, id: &str) {
    let own = ["a", "b"]
        .map(|one| subscription(&format!("sub_{id}_{one}"), SubscriptionStatus::Active, EPOCH));
    let about_customer = provider_event(&format!("evt_{id}"), &customer(id), EPOCH);
    let about_subscription = ProviderEvent {
        id: event_id(&format!("evt_{id}_sub")),
        subject: EventSubject::Subscription(own[0].id.clone()),
        ..about_customer.clone()
    };
    let unrelated = ProviderEvent {
        id: event_id(&format!("evt_{id}_other")),
        subject: EventSubject::Unrelated,
        ..about_customer.clone()
    };
    for event in [about_customer, about_subscription, unrelated] {
        ports.inbox.accept(at, &event, EPOCH).await.unwrap();
    }
    read_customer(ports, at, id, CustomerState::Present(own.to_vec()), 0).await;
}

async fn add_claim(ports: &BillingPorts, at: &ProviderAccount, owner: &str, id: &str) {
    let owner = user(owner);
    let key = provider_key("key");
    ports.claims.claim(&owner, at, &key, EPOCH).await.unwrap();
    ports.claims.fulfil(&owner, at, &key, &customer(id)).await.unwrap();
}

async fn add_request(ports: &BillingPorts, at: &ProviderAccount, owner: &str, id: &str) {
    let request = checkout_request(&user(owner), at, "key");
    ports.checkouts.begin(&request, EPOCH).await.unwrap();
    ports.checkouts.complete(&request, &customer(id), &session_id("cs_1")).await.unwrap();
}

async fn is_mirrored(ports: &BillingPorts, at: &ProviderAccount, id: &str) -> bool {
    ports.mirror.find(at, &customer(id)).await.unwrap().is_some()
}

async fn events(ports: &BillingPorts, at: &ProviderAccount) -> usize {
    ports.inbox.list(at, &InboxQuery { state: None, limit: 100 }).await.unwrap().len()
}

fn stripe() -> ProviderAccount {
    account("stripe", Mode::Test)
}

pub async fn a_forgotten_users_customer_is_in_no_table(ports: &BillingPorts) {
    let at = stripe();
    for id in ["cus_linked", "cus_claimed", "cus_bought"] {
        add_customer(ports, &at, id).await;
    }
    let to = link(&user("ann"), &at, &customer("cus_linked"));
    add_link(&*ports.customers, &to).await.unwrap();
    add_claim(ports, &at, "ann", "cus_claimed").await;
    add_request(ports, &at, "ann", "cus_bought").await;
    // A link, a claim, a request; for each customer its row, two subscriptions and two events.
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 3 + 3 * 5);
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 0);
    for id in ["cus_linked", "cus_claimed", "cus_bought"] {
        assert!(!is_mirrored(ports, &at, id).await, "{id}");
        assert_eq!(
            ports.mirror.customer_of(&at, &subscription_id(&format!("sub_{id}_b"))).await.unwrap(),
            None
        );
    }
    assert_eq!(events(ports, &at).await, 3);
    assert_eq!(ports.claims.find(&user("ann"), &at).await.unwrap(), None);
    let again =
        ports.checkouts.begin(&checkout_request(&user("ann"), &at, "key"), EPOCH).await.unwrap();
    assert_eq!(again.session, None);
}

pub async fn a_shared_customer_is_kept(ports: &BillingPorts) {
    let at = stripe();
    for (id, other) in [("cus_1", "bob"), ("cus_2", "cid")] {
        add_customer(ports, &at, id).await;
        add_claim(ports, &at, other, id).await;
    }
    let to = link(&user("dan"), &at, &customer("cus_1"));
    add_link(&*ports.customers, &to).await.unwrap();
    add_link(&*ports.customers, &link(&user("ann"), &at, &to.customer)).await.unwrap();
    add_claim(ports, &at, "ann", "cus_2").await;
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 2);
    assert!(is_mirrored(ports, &at, "cus_1").await && is_mirrored(ports, &at, "cus_2").await);
    assert_eq!(events(ports, &at).await, 6);
    // Forgetting the last user also deletes the customer.
    ports.audit.forget(&user("bob")).await.unwrap();
    assert!(is_mirrored(ports, &at, "cus_1").await);
    ports.audit.forget(&user("dan")).await.unwrap();
    assert!(!is_mirrored(ports, &at, "cus_1").await);
}

pub async fn claims_and_requests_of_other_users_are_kept(ports: &BillingPorts) {
    let at = stripe();
    for owner in ["ann", "Ann"] {
        add_claim(ports, &at, owner, &format!("cus_{owner}")).await;
        add_request(ports, &at, owner, &format!("cus_{owner}")).await;
    }
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 2);
    assert!(ports.claims.find(&user("Ann"), &at).await.unwrap().is_some());
    let request = checkout_request(&user("Ann"), &at, "key");
    assert!(ports.checkouts.begin(&request, EPOCH).await.unwrap().session.is_some());
}

/// Only the audit log still relates the customer to the user.
pub async fn a_deleted_customer_is_forgotten_with_the_user(ports: &BillingPorts) {
    let at = stripe();
    add_customer(ports, &at, "cus_1").await;
    let to = link(&user("ann"), &at, &customer("cus_1"));
    add_link(&*ports.customers, &to).await.unwrap();
    read_customer(ports, &at, "cus_1", CustomerState::Gone, 1).await;
    assert!(is_mirrored(ports, &at, "cus_1").await);
    // The customer, the event about the customer, the record of the removed link.
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 3);
    assert!(!is_mirrored(ports, &at, "cus_1").await);
}

pub async fn a_customer_of_another_mode_is_kept(ports: &BillingPorts) {
    let live = account("stripe", Mode::Live);
    for at in [stripe(), live.clone()] {
        add_customer(ports, &at, "cus_1").await;
    }
    add_claim(ports, &stripe(), "ann", "cus_1").await;
    ports.audit.forget(&user("ann")).await.unwrap();
    assert!(!is_mirrored(ports, &stripe(), "cus_1").await);
    assert!(is_mirrored(ports, &live, "cus_1").await);
    assert_eq!((events(ports, &stripe()).await, events(ports, &live).await), (1, 3));
}

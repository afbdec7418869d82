//! What every [`AuditLog`](billing_domain::ports::AuditLog) promises about forgetting.

#![expect(missing_docs, reason = "the cases' names are the promises")]

use billing_domain::ports::{InsertOutcome, OnConflict};
use billing_domain::{AuditEntry, AuditEvent, AuditQuery, Denials, Mode, RequestOrigin};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::audit_log_contract::{EPOCH, MANY, all, append, denials, event, full_event, read};
use crate::samples::{account, customer, key_id, link, stored_key, user};

/// Runs every case against fresh databases: `forgetting_contract!(make)`, where `make` is an async function that gives a pair
/// of an `Arc<BillingPorts>` and what must outlive it.
#[macro_export]
macro_rules! forgetting_contract {
    ($make:path) => {
        $crate::contract_tests!(
            forgetting_contract,
            $make,
            [
                a_forgotten_user_is_named_nowhere,
                forgetting_leaves_others_alone,
                forgetting_takes_the_source_of_denials_of_the_users_keys,
                forgetting_rewrites_more_than_one_batch,
                forgetting_takes_the_source_of_more_than_one_batch_of_denials,
                forgetting_again_finds_nothing,
                those_who_were_forgotten_cannot_be_forgotten_again,
            ]
        );
    };
}

async fn give_link_and_key(ports: &BillingPorts, owner: &str, key: &str, to: &str) {
    for mode in [Mode::Test, Mode::Live] {
        let to = link(&user(owner), &account("stripe", mode), &customer(to));
        ports.customers.link(&to, OnConflict::Keep, EPOCH).await.unwrap();
    }
    let key = stored_key(key, &user(owner), EPOCH);
    assert_eq!(ports.keys.insert(&key, None).await.unwrap(), InsertOutcome::Inserted);
}

pub async fn a_forgotten_user_is_named_nowhere(ports: &BillingPorts) {
    give_link_and_key(ports, "ann", "000000000001", "cus_ann").await;
    let named =
        AuditEvent { customer: Some((account("stripe", Mode::Live), customer("cus_ann"))), ..full_event("ann") };
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
    assert_eq!(read(ports, &all()).await, expected.map(AuditEntry::Event));
}

pub async fn forgetting_leaves_others_alone(ports: &BillingPorts) {
    give_link_and_key(ports, "ann", "000000000001", "cus_1").await;
    give_link_and_key(ports, "Ann", "000000000002", "cus_1").await;
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
    let kept = read(ports, &all()).await;
    assert_eq!(kept[1], AuditEntry::Event(other));
    assert_eq!(kept[2..], denied.map(AuditEntry::Denials));
}

pub async fn forgetting_takes_the_source_of_denials_of_the_users_keys(ports: &BillingPorts) {
    give_link_and_key(ports, "ann", "000000000001", "cus_1").await;
    let denied = Denials {
        source: Some("192.0.2.1".to_owned()),
        key: Some(key_id("000000000001")),
        ..denials("invalid_api_key", 1)
    };
    let nowhere = Denials { source: None, ..denied.clone() };
    ports.audit.append_denials(&[denied, nowhere.clone()]).await.unwrap();
    // Two links, a key, the one count that had a source.
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 4);
    assert_eq!(read(ports, &all()).await, [nowhere.clone(), nowhere].map(AuditEntry::Denials));
}

pub async fn forgetting_rewrites_more_than_one_batch(ports: &BillingPorts) {
    let events: Vec<_> = (0..MANY).map(|_| full_event("ann")).collect();
    for some in events.chunks(2000) {
        for result in join_all(some.iter().map(|event| ports.audit.append(event))).await {
            result.unwrap();
        }
    }
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), MANY);
    assert_eq!(read(ports, &AuditQuery { owner: Some(user("ann")), ..all() }).await, []);
    assert_eq!(read(ports, &AuditQuery { owner: Some(user("forgotten")), ..all() }).await.len() as u64, MANY);
}

pub async fn forgetting_takes_the_source_of_more_than_one_batch_of_denials(ports: &BillingPorts) {
    give_link_and_key(ports, "ann", "000000000001", "cus_1").await;
    let (source, key) = (Some("192.0.2.1".to_owned()), Some(key_id("000000000001")));
    let denied = Denials { source, key, ..denials("invalid_api_key", 1) };
    ports.audit.append_denials(&vec![denied; MANY as usize]).await.unwrap();
    // Two links, a key.
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), MANY + 3);
    let left = read(ports, &all()).await;
    let without_source = |entry: &AuditEntry| matches!(entry, AuditEntry::Denials(Denials { source: None, .. }));
    assert_eq!((left.len() as u64, left.iter().all(without_source)), (MANY, true));
}

pub async fn forgetting_again_finds_nothing(ports: &BillingPorts) {
    give_link_and_key(ports, "ann", "000000000001", "cus_1").await;
    append(ports, &[full_event("ann")]).await;
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 4);
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 0);
}

pub async fn those_who_were_forgotten_cannot_be_forgotten_again(ports: &BillingPorts) {
    append(ports, &[full_event("ann"), full_event("bob")]).await;
    for owner in ["ann", "bob"] {
        assert_eq!(ports.audit.forget(&user(owner)).await.unwrap(), 1);
    }
    assert_eq!(ports.audit.forget(&user("forgotten")).await.unwrap(), 0);
    assert_eq!(read(ports, &AuditQuery { owner: Some(user("forgotten")), ..all() }).await.len(), 2);
}

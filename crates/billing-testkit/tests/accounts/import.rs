//! Tests of imports: linked and skipped customers, with the reasons.

use std::sync::Arc;

use billing_domain::ports::ProviderError;
use billing_domain::*;
use billing_testkit::samples::{customer, link, user};

use crate::world::{Shop, at};

fn import(shop: &Shop) -> CustomerImport {
    let provider = &shop.provider;
    CustomerImport::new(
        at(),
        Arc::clone(provider) as _,
        Arc::clone(provider) as _,
        shop.stores.customers(),
    )
}

async fn planned(shop: &Shop, source: ImportSource) -> ImportPlan {
    import(shop).plan(source).await.unwrap()
}

fn named(shop: &Shop, name: &str) -> CustomerId {
    shop.provider.add_customer(NamedOwner::User(user(name)), None).0
}

fn with_email(shop: &Shop, email: &str) -> CustomerId {
    shop.provider.add_customer(NamedOwner::None, Some(email)).0
}

async fn linked(shop: &Shop, name: &str, to: &CustomerId) {
    let link = link(&user(name), &at(), to);
    shop.customer_service().link(&link, OnConflict::Replace).await.unwrap();
}

fn emails(pairs: &[(&str, &str)]) -> ImportSource {
    ImportSource::VerifiedEmails(
        pairs.iter().map(|(name, email)| (user(name), (*email).to_owned())).collect(),
    )
}

fn left(name: Option<&str>, customers: &[&CustomerId], reason: SkipReason) -> SkippedCustomer {
    SkippedCustomer {
        user: name.map(user),
        customers: customers.iter().copied().cloned().collect(),
        reason,
    }
}

#[tokio::test]
async fn customer_is_linked_if_only_its_metadata_contains_the_user_id() {
    let shop = Shop::open();
    let (ann, known, other) =
        (named(&shop, "ann"), named(&shop, "known"), named(&shop, "elsewhere"));
    let (first, second) = (named(&shop, "twice"), named(&shop, "twice"));
    let (unclear, _) = shop.provider.add_customer(NamedOwner::Ambiguous, None);
    with_email(&shop, "unknown@example.com");
    let (gone, _) = shop.provider.add_customer(NamedOwner::User(user("gone")), None);
    shop.provider.delete_customer(&gone);
    linked(&shop, "known", &known).await;
    linked(&shop, "elsewhere", &customer("cus_before")).await;
    let plan = planned(&shop, ImportSource::Metadata).await;
    assert_eq!(plan.links, [(user("ann"), ann)]);
    assert_eq!(plan.unchanged, [user("known")]);
    let expected = [
        left(None, &[&unclear], SkipReason::NoPossibleUser),
        left(Some("elsewhere"), &[&other, &customer("cus_before")], SkipReason::LinkedElsewhere),
        left(Some("twice"), &[&second, &first], SkipReason::SeveralCustomers),
    ];
    assert_eq!(plan.skipped, expected);
    assert_eq!(shop.linked("ann").await, None, "a plan changes nothing");
}

#[tokio::test]
async fn by_list_existing_customers_are_linked_and_may_be_shared() {
    let shop = Shop::open();
    let (shared, other) = (named(&shop, "ann"), named(&shop, "x"));
    let pair = |name: &str, id: &CustomerId| (user(name), id.clone());
    let unknown = customer("cus_unknown");
    let pairs = vec![
        pair("ann", &shared),
        pair("ann", &shared),
        pair("bob", &shared),
        pair("eve", &unknown),
        pair("two", &shared),
        pair("two", &other),
    ];
    let plan = planned(&shop, ImportSource::Pairs(pairs)).await;
    assert_eq!(plan.links, [pair("ann", &shared), pair("bob", &shared)]);
    let expected = [
        left(Some("eve"), &[&unknown], SkipReason::UnknownCustomer),
        left(Some("two"), &[&shared, &other], SkipReason::SeveralCustomers),
    ];
    assert_eq!(plan.skipped, expected);
}

#[tokio::test]
async fn by_email_only_unambiguous_customers_are_linked() {
    let shop = Shop::open();
    let ann = with_email(&shop, "Ann@Example.com");
    let (first, second) =
        (with_email(&shop, "twin@example.com"), with_email(&shop, "twin@example.com"));
    let (bobs, _) =
        shop.provider.add_customer(NamedOwner::User(user("bob")), Some("bob@example.com"));
    let taken = with_email(&shop, "taken@example.com");
    linked(&shop, "owner", &taken).await;
    let family = with_email(&shop, "family@example.com");
    let plan = planned(
        &shop,
        emails(&[
            ("ann", "ann@example.COM"),
            ("mum", "family@example.com"),
            ("dad", "Family@example.com"),
            ("eve", "bob@example.com"),
            ("new", "no@example.com"),
            ("thief", "taken@example.com"),
            ("twin", "twin@example.com"),
        ]),
    )
    .await;
    assert_eq!(plan.links, [(user("ann"), ann)]);
    let expected = [
        left(Some("eve"), &[&bobs], SkipReason::OtherOwner),
        left(Some("dad"), &[&family], SkipReason::SeveralUsers),
        left(Some("mum"), &[&family], SkipReason::SeveralUsers),
        left(Some("new"), &[], SkipReason::NoSuchEmail),
        left(Some("thief"), &[&taken], SkipReason::OtherOwner),
        left(Some("twin"), &[&second, &first], SkipReason::SeveralCustomers),
    ];
    assert_eq!(plan.skipped, expected);
    let own =
        planned(&shop, emails(&[("bob", "bob@example.com"), ("owner", "taken@example.com")])).await;
    assert_eq!((own.links, own.unchanged), (vec![(user("bob"), bobs)], vec![user("owner")]));
}

#[tokio::test]
async fn similar_address_does_not_match() {
    let shop = Shop::open();
    with_email(&shop, "jack@example.com");
    // The Kelvin sign: its lower case is a k.
    let plan = planned(&shop, emails(&[("eve", "jac\u{212a}@example.com")])).await;
    assert_eq!(
        (plan.links, plan.skipped),
        (vec![], vec![left(Some("eve"), &[], SkipReason::NoSuchEmail)])
    );
}

#[tokio::test]
async fn applying_a_plan_links_users_and_skips_those_linked_since() {
    let shop = Shop::open();
    let (ann, bob, eve) = (named(&shop, "ann"), named(&shop, "bob"), named(&shop, "eve"));
    let plan = planned(&shop, ImportSource::Metadata).await;
    linked(&shop, "bob", &customer("cus_since")).await;
    linked(&shop, "eve", &eve).await;
    let applied = import(&shop).apply(plan, &shop.customer_service()).await.unwrap();
    assert_eq!(
        (applied.links, applied.unchanged),
        (vec![(user("ann"), ann.clone())], vec![user("eve")])
    );
    let expected = left(Some("bob"), &[&bob, &customer("cus_since")], SkipReason::LinkedElsewhere);
    assert_eq!((applied.skipped, shop.linked("ann").await), (vec![expected], Some(ann)));
}

#[tokio::test]
async fn planning_fails_when_the_provider_fails() {
    let shop = Shop::open();
    let sources = [
        ImportSource::Metadata,
        ImportSource::Pairs(vec![(user("ann"), customer("cus_1"))]),
        emails(&[("a", "b")]),
    ];
    for source in sources {
        shop.provider.fail_next(ProviderError::Timeout { context: "out".to_owned() });
        assert!(matches!(import(&shop).plan(source).await, Err(ImportError::Provider(_))));
    }
}

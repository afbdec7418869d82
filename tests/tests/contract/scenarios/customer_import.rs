//! W3, W4: links between users and customers: the import from Stripe, and conflicts.

use serde_json::{Value, json};
use workspace_tests::database::Store;
use workspace_tests::poll;
use workspace_tests::sandbox_fixture::SandboxFixture;
use workspace_tests::scenario::{Scenario, scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(import_links_unambiguous_customers_only(store), "W4.import"),
    scenario!(reconcile_reports_a_conflict_when_two_customers_have_one_user(store), "W3.ambiguous"),
];

/// Returns the user and the reason of each pair that the import skipped.
fn skipped(plan: &Value) -> Vec<(String, String)> {
    let left = plan["left"].as_array().unwrap().iter();
    left.map(|left| {
        (
            left["user"].as_str().unwrap_or("-").to_owned(),
            left["reason"].as_str().unwrap().to_owned(),
        )
    })
    .collect()
}

fn import_links_unambiguous_customers_only(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[("BILLING_RECONCILE_INTERVAL_SECONDS", "0")]);
    let _ = fixture.stripe("POST", "/sandbox/deliveries", &[("fault", "lose"), ("times", "5000")]);
    let customer = |form: &[(&str, &str)]| {
        fixture.stripe("POST", "/v1/customers", form)["id"].as_str().unwrap().to_owned()
    };
    let ann = customer(&[("metadata[user_id]", "ann"), ("email", "ann@example.com")]);
    let (bob1, bob2) =
        (customer(&[("metadata[user_id]", "bob")]), customer(&[("metadata[user_id]", "bob")]));
    let carl = customer(&[("email", "Carl@Example.com")]);
    let (twin1, twin2) =
        (customer(&[("email", "twin@example.com")]), customer(&[("email", "twin@example.com")]));
    let import = |more: &[&str]| {
        fixture.command(&[&["customers", "import", "--json"], more].concat()).json()
    };
    let dry = import(&[]);
    assert_eq!(
        (&dry["applied"], &dry["links"]),
        (&json!(false), &json!([{ "user": "ann", "customer": ann }])),
        "{dry}"
    );
    assert_eq!(skipped(&dry), [("bob".to_owned(), "several_customers".to_owned())]);
    assert_eq!(
        dry["left"][0]["customers"],
        json!([bob1, bob2])
            .as_array()
            .map(|both| {
                let mut both = both.clone();
                if dry["left"][0]["customers"][0] != both[0] {
                    both.reverse();
                }
                json!(both)
            })
            .unwrap()
    );
    let _ = fixture.command(&["customers", "show", "--user", "ann"]).expect_code(1);
    assert_eq!(import(&["--apply"])["links"], dry["links"]);
    assert_eq!(fixture.customer("ann"), ann);
    assert_eq!(import(&["--apply"])["unchanged"], 1);

    let file = |name: &str, text: &str| {
        let path = fixture.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let csv =
        file("pairs.csv", &format!("user,customer\nbob,{bob1}\nann,{bob2}\ndora,cus_unknown\n"));
    let plan = import(&["--csv", &csv, "--apply"]);
    assert_eq!(plan["links"], json!([{ "user": "bob", "customer": bob1 }]));
    let expected = [("dora", "unknown_customer"), ("ann", "linked_elsewhere")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(skipped(&plan), expected);

    let emails = file(
        "emails.csv",
        "user,email,email_verified\ncarl,carl@example.com,true\ntwin,twin@example.com,true\nmallory,carl@example.com,false\neve,ann@example.com,true\nunknown,no@example.com,true\n",
    );
    let plan = import(&["--verified-emails", &emails]);
    assert_eq!(plan["links"], json!([{ "user": "carl", "customer": carl }]), "{plan}");
    let mut expected: Vec<_> =
        [("eve", "other_owner"), ("unknown", "no_such_email"), ("twin", "several_customers")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into();
    let mut found = skipped(&plan);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!(plan.to_string().contains(&twin1) && plan.to_string().contains(&twin2));
    let _ = fixture
        .command(&["customers", "import", "--csv", &file("bad.csv", "user,customer\nx,\n")])
        .expect_code(1);
    let _ = fixture
        .command(&["customers", "import", "--csv", &csv, "--verified-emails", &emails])
        .expect_code(2);
}

fn reconcile_reports_a_conflict_when_two_customers_have_one_user(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[("BILLING_RECONCILE_INTERVAL_SECONDS", "0")]);
    let token = fixture.token("fay");
    fixture.buy(&token, "starter");
    poll::until("the purchase", || {
        (fixture.current(&token)["hasSubscription"] == true).then_some(())
    });
    // A second customer has the same user id in its metadata, and a purchase. The link is kept.
    let card = [
        ("payment_method", "pm_card_visa"),
        ("invoice_settings[default_payment_method]", "pm_card_visa"),
        ("metadata[user_id]", "fay"),
    ];
    let second = fixture.stripe("POST", "/v1/customers", &card)["id"].as_str().unwrap().to_owned();
    let form =
        [("customer", second.as_str()), ("items[0][price]", "price_1SandboxDemoStartMonthly1")];
    let _ = fixture.stripe("POST", "/v1/subscriptions", &form);
    let report = poll::until("the second customer in the mirror", || {
        let report = fixture.command(&["customers", "reconcile", "--json"]).json();
        report["conflicts"]
            .as_array()
            .is_some_and(|conflicts| !conflicts.is_empty())
            .then_some(report)
    });
    let first = fixture.customer("fay");
    assert_ne!(first, second);
    assert_eq!(report["conflicts"], json!([{ "customer": second, "linked": first }]));
}

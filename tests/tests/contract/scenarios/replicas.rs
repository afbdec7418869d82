//! W2 and W4 on two replicas: two `serve` processes share a database, and the sandbox delivers
//! every event to both.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use workspace_tests::database::{Database, Store};
use workspace_tests::portal::Portal;
use workspace_tests::process::Launch;
use workspace_tests::sandbox::SandboxProcess;
use workspace_tests::sandbox_fixture::{WEBHOOKS, call};
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::{canary, poll};

use super::command_line::on;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(each_event_is_applied_once_by_two_replicas(store), "W2.once"),
    scenario!(one_replica_reconciles_until_another_takes_over(store), "W4.one_leader"),
];

/// Number of customers that buy a plan.
const CUSTOMERS: usize = 20;
/// The reconcile interval.
const INTERVAL: Duration = Duration::from_secs(2);

/// The replicas, with their database and sandbox, which outlive them.
struct Replicas {
    both: Vec<Portal>,
    provider: SocketAddr,
    _sandbox: SandboxProcess,
    launch: Launch,
    _database: Database,
}

impl Replicas {
    /// Starts the replicas with these settings. Each has its own webhook endpoint at the sandbox.
    fn start(store: Store, settings: &[(&str, &str)]) -> Self {
        let database = Database::create(store);
        let sandbox = SandboxProcess::start(database.folder(), &[]);
        let provider = sandbox.address();
        // The endpoints' secrets are needed before the start. Their addresses are set afterwards.
        let endpoints: Vec<Value> = (0..2)
            .map(|_| {
                let form = [("url", "http://127.0.0.1:9/"), ("enabled_events[]", "*")];
                call(provider, "POST", "/v1/webhook_endpoints", &form)
            })
            .collect();
        let secrets: Vec<&str> =
            endpoints.iter().map(|one| one["secret"].as_str().unwrap()).collect();
        secrets.iter().for_each(|secret| canary::plant(secret));
        let launch = on(&database, &["serve"])
            .env("BILLING_STRIPE_API_BASE", &sandbox.base_url)
            .env("BILLING_STRIPE_WEBHOOK_SECRET", secrets.join(","));
        let launch = settings.iter().fold(launch, |launch, (name, value)| launch.env(name, *value));
        let both: Vec<Portal> = (0..2).map(|_| Portal::start_ready(&launch)).collect();
        for (endpoint, portal) in endpoints.iter().zip(&both) {
            let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
            let _ = call(
                provider,
                "POST",
                &path,
                &[("url", &format!("http://{}{WEBHOOKS}", portal.public))],
            );
        }
        Self { both, provider, _sandbox: sandbox, launch, _database: database }
    }

    /// Runs a command and returns its output.
    fn command(&self, arguments: &[&str]) -> String {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Launch { arguments, ..self.launch.clone() }.run().expect_code(0).stdout
    }

    /// Returns the sum of a counter over the running replicas.
    fn metric(&self, sample: &str) -> u64 {
        self.both.iter().map(|portal| portal.metric(sample)).sum()
    }
}

fn each_event_is_applied_once_by_two_replicas(store: Store) {
    let replicas = Replicas::start(store, &[("BILLING_RECONCILE_INTERVAL_SECONDS", "0")]);
    let user = |number: usize| format!("replicated-{number}");
    for number in 0..CUSTOMERS {
        let form = [
            ("metadata[user_id]", user(number)),
            ("payment_method", "pm_card_visa".to_owned()),
            ("invoice_settings[default_payment_method]", "pm_card_visa".to_owned()),
        ];
        let form: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let customer = call(replicas.provider, "POST", "/v1/customers", &form);
        let form = [
            ("customer", customer["id"].as_str().unwrap()),
            ("items[0][price]", "price_1SandboxDemoStartMonthly1"),
        ];
        let _ = call(replicas.provider, "POST", "/v1/subscriptions", &form);
    }

    let deliveries = poll::until("all deliveries", || {
        let listed = call(replicas.provider, "GET", "/sandbox/deliveries", &[("limit", "1000")]);
        (listed["pending"] == 0).then(|| listed["data"].as_array().unwrap().clone())
    });
    let mut endpoints: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for delivery in &deliveries {
        assert_eq!(delivery["state"], "delivered", "{delivery}");
        endpoints
            .entry(delivery["event"].as_str().unwrap())
            .or_default()
            .insert(delivery["endpoint"].as_str().unwrap());
    }
    assert!(
        endpoints.len() > 4 * CUSTOMERS && endpoints.values().all(|both| both.len() == 2),
        "{endpoints:?}"
    );

    let events = poll::until("all events to be settled", || {
        let listed: Value = serde_json::from_str(
            &replicas.command(&["webhooks", "list", "--limit", "10000", "--json"]),
        )
        .unwrap();
        let events = listed["events"].as_array().unwrap().clone();
        events.iter().all(|event| event["state"] != "pending").then_some(events)
    });
    let ids: Vec<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), endpoints.len(), "an event is missing or duplicated");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), endpoints.keys().copied().collect());
    for event in &events {
        // On a busy machine an event may be retried. It is still applied once.
        assert!(event["state"] == "applied" || event["state"] == "ignored", "{event}");
    }
    // Metrics count the events that a replica has processed.
    let outcome =
        |name: &str| replicas.metric(&format!("webhook_events_total{{outcome=\"{name}\"}}"));
    poll::until("all events to be counted", || {
        (outcome("applied") + outcome("ignored") >= events.len() as u64).then_some(())
    });
    assert_eq!(outcome("applied") + outcome("ignored"), events.len() as u64);
    assert_eq!(outcome("dead"), 0);

    let records = replicas.command(&["audit", "export"]);
    let records: Vec<Value> =
        records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for number in 0..CUSTOMERS {
        let linked = |record: &&Value| {
            record["action"] == "customer.linked" && record["user"] == json!(user(number))
        };
        assert_eq!(records.iter().filter(linked).count(), 1, "{}: {records:?}", user(number));
    }
}

fn one_replica_reconciles_until_another_takes_over(store: Store) {
    let every = INTERVAL.as_secs().to_string();
    let mut replicas = Replicas::start(store, &[("BILLING_RECONCILE_INTERVAL_SECONDS", &every)]);
    let runs = |replicas: &Replicas| -> Vec<u64> {
        replicas
            .both
            .iter()
            .map(|portal| portal.metric("reconcile_runs_total{outcome=\"done\"}"))
            .collect()
    };
    let (begin, first) = (Instant::now(), runs(&replicas).iter().sum::<u64>());
    // Runs of all replicas are at least one interval apart. One more run may have been in progress
    // at the start of the measurement.
    let look = |replicas: &Replicas, ended: u64| {
        let runs = runs(replicas);
        let (made, time) = (ended + runs.iter().sum::<u64>() - first, begin.elapsed());
        assert!(made <= time.as_secs() / INTERVAL.as_secs() + 2, "{made} runs in {time:?}");
        runs
    };
    poll::until("eight runs", || {
        (look(&replicas, 0).iter().sum::<u64>() >= first + 8).then_some(())
    });
    assert_eq!(replicas.metric("reconcile_runs_total{outcome=\"failed\"}"), 0);

    // The current leader is the replica with the newest run.
    let before = look(&replicas, 0);
    let leader = poll::until("the next run", || {
        look(&replicas, 0).iter().zip(&before).position(|(runs, before)| runs > before)
    });
    let ended = look(&replicas, 0)[leader];
    let killed = replicas.both.remove(leader);
    killed.process.signal(Signal::KILL);
    let _ = killed.process.finish();
    let before = look(&replicas, ended)[0];
    poll::until("the other replica to continue", || {
        (look(&replicas, ended)[0] >= before + 3).then_some(())
    });
}

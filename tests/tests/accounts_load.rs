//! Load tests of webhooks: a flood of events to two replicas, one of which is killed, and a flood
//! of large bodies. Memory stays bounded in both.
//!
//! `LOAD_EVENTS` is the number of events, ten per customer (default: 2,000).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use workspace_tests::database::{Database, Store};
use workspace_tests::deliveries::Deliveries;
use workspace_tests::portal::Portal;
use workspace_tests::process::Launch;
use workspace_tests::sandbox::SandboxProcess;
use workspace_tests::sandbox_fixture::WEBHOOKS;
use workspace_tests::shared_fixture::now;
use workspace_tests::simulated_customers::{ExpectedState, SimulatedCustomers};
use workspace_tests::wire::{Connection, Outcome, Request};
use workspace_tests::{canary, poll, settings, stripe_signature};

const SECRET: &str = "whsec_load0000000000000000000001";
const EVENTS_PER_CUSTOMER: usize = 10;
const EVENTS_PER_SECOND: u32 = 1_000;
/// Time until the mirror must match the provider.
const MIRROR_TIMEOUT: Duration = Duration::from_secs(300);
/// Maximum memory of a replica in MiB.
const MEMORY_LIMIT_MIB: u64 = 250;

/// A trigger that records every change of an event's state to `applied`.
const WITNESS: &str = r#"
    CREATE TABLE witness (event_id text COLLATE "C" NOT NULL);
    CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO witness VALUES (NEW.event_id); RETURN NULL; END';
    CREATE TRIGGER witness AFTER UPDATE ON webhook_events
        FOR EACH ROW WHEN (NEW.state = 'applied' AND OLD.state <> 'applied') EXECUTE FUNCTION witness();"#;

fn events() -> usize {
    let given = std::env::var("LOAD_EVENTS").ok();
    given.map_or(2_000, |text| {
        text.parse().unwrap_or_else(|error| panic!("LOAD_EVENTS={text}: {error}"))
    })
}

fn replica(database: &Database, more: &[(&str, &str)]) -> Launch {
    canary::plant(SECRET);
    let base = settings::base(database.folder());
    let own =
        [("BILLING_STRIPE_WEBHOOK_SECRET", SECRET), ("BILLING_RECONCILE_INTERVAL_SECONDS", "0")];
    let launch = Launch::new(database.folder(), &["serve"])
        .envs(&base)
        .env("BILLING_DATABASE_URL", database.url());
    own.iter().chain(more).fold(launch, |launch, (name, value)| launch.env(name, *value))
}

#[test]
fn mirror_matches_the_provider_after_an_event_flood_when_one_replica_is_killed() {
    let (count, database) = (events(), Database::create(Store::Postgres));
    let sandbox = SandboxProcess::for_load(database.folder());
    let with_sandbox = ("BILLING_STRIPE_API_BASE", sandbox.base_url.as_str());
    let first =
        Portal::start_ready(&replica(&database, &[with_sandbox, ("BILLING_AUTO_MIGRATE", "true")]));
    let second = Portal::start_ready(&replica(&database, &[with_sandbox]));
    database.execute(WITNESS);

    let mut simulated_customers =
        SimulatedCustomers::create(sandbox.address(), count / EVENTS_PER_CUSTOMER);
    // Most customers change before the deliveries start. One in five changes during the deliveries.
    let (during, before): (Vec<usize>, Vec<usize>) =
        (0..simulated_customers.len()).partition(|number| number / 10 % 5 == 0);
    before.into_iter().for_each(|number| simulated_customers.advance(number));
    let deliveries = Deliveries::new(SECRET, 5);
    deliveries.add(simulated_customers.new_events());
    let hints = (count - deliveries.added()) / 2;
    deliveries.add((0..hints).map(|number| simulated_customers.hint_event(number)));

    let kill = || first.process.signal(Signal::KILL);
    let (to, posts) = ([first.public, second.public], count + count.div_ceil(10));
    let (seen, truth) = std::thread::scope(|scope| {
        let living = scope.spawn(|| {
            for some in during.chunks(5) {
                some.iter().for_each(|number| simulated_customers.advance(*number));
                deliveries.add(simulated_customers.new_events());
            }
            let rest = count - deliveries.added();
            deliveries
                .add((hints..hints + rest).map(|number| simulated_customers.hint_event(number)));
            deliveries.close();
            simulated_customers.expected_state()
        });
        let seen = deliveries.deliver(to, EVENTS_PER_SECOND, posts / 2, kill);
        (seen, living.join().expect("the sandbox responds"))
    });
    let delivered = Instant::now();
    assert_eq!(first.process.finish().code, None, "the first replica was not killed");
    println!(
        "accepted: {count} events, {} posts in {:?}, {:.0} per second, p99 {:?}; {} without a response, rejected: {:?}",
        seen.posts(),
        seen.lasted,
        seen.posts() as f64 / seen.lasted.as_secs_f64(),
        seen.p99(),
        seen.unanswered,
        seen.rejected
    );
    assert_eq!((seen.accepted.len(), seen.posts()), (count, posts));
    assert!(seen.rejected.values().sum::<usize>() <= posts / 100, "{:?}", seen.rejected);

    let pending = "SELECT state FROM webhook_events WHERE state = 'pending' LIMIT 1";
    let done = poll::at_interval(Duration::from_millis(250), MIRROR_TIMEOUT, || {
        database.texts(pending).is_empty().then_some(())
    });
    assert!(done.is_some(), "{:?}", states(&database));
    println!("the mirror matched the provider {:?} later", delivered.elapsed());
    println!(
        "peak memory of the second replica: {} MiB",
        second.process.memory_kib("VmHWM") / 1024
    );

    println!("states, attempts and events: {:?}", states(&database));
    // Each event is stored and applied once, also if the killed replica had claimed it.
    let accepted: Vec<&String> = seen.accepted.keys().collect();
    let ids = database.texts("SELECT event_id FROM webhook_events ORDER BY event_id");
    assert!(ids.iter().collect::<Vec<_>>() == accepted, "the inbox and the accepted events differ");
    let witnessed = database.texts("SELECT event_id FROM witness ORDER BY event_id");
    assert!(witnessed == ids, "{} events were applied {} times", ids.len(), witnessed.len());
    assert_eq!(mirrored(&database), truth);
    check_writes(&database, count);
    let again = replica(&database, &[with_sandbox]);
    let report = Launch {
        arguments: ["customers", "reconcile", "--dry-run", "--json"].map(str::to_owned).into(),
        ..again
    };
    let report = report.run().json();
    // No event was delivered about the demo's customer, which existed before.
    assert_eq!(
        (&report["differed"], &report["conflicts"]),
        (&json!([sandbox.customer]), &json!([])),
        "{report}"
    );
    assert!(second.process.memory_kib("VmHWM") < MEMORY_LIMIT_MIB * 1024);
    assert_eq!(canary::leaks(), Vec::<String>::new());
}

/// Checks that each write of the mirror processed an event, and that each link was created once.
fn check_writes(database: &Database, count: usize) {
    let number = |sql: &str| database.texts(sql)[0].parse::<usize>().expect("a number");
    let writes = number("SELECT coalesce(sum(version), 0)::text FROM customer_mirror");
    println!("the mirror was written {writes} times");
    assert!(writes <= count, "{writes} writes for {count} events");
    let made =
        database.texts("SELECT action || ' ' || user_id FROM audit_log WHERE actor = 'provider'");
    assert_eq!(
        made.iter().collect::<BTreeSet<_>>().len(),
        made.len(),
        "a link was created or removed twice"
    );
}

fn states(database: &Database) -> Vec<String> {
    database.texts(
        "SELECT concat_ws(' ', state, attempts, count(*), min(error)) FROM webhook_events GROUP BY state, attempts",
    )
}

fn mirrored(database: &Database) -> ExpectedState {
    let rows = |sql: &str| -> Vec<Value> {
        let rows = database.texts(&format!("SELECT row_to_json(r)::text FROM ({sql}) AS r"));
        rows.iter().map(|row| serde_json::from_str(row).expect("JSON")).collect()
    };
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let columns = "subscription_id, customer_id, status, prices, cycle, created_at, period_start, period_end, \
                   cancel_at_period_end, cancel_at";
    let subscriptions = rows(&format!("SELECT {columns} FROM subscription_mirror"));
    let customers = rows("SELECT customer_id, state FROM customer_mirror");
    let links = rows("SELECT user_id, customer_id FROM billing_customers");
    ExpectedState {
        customers: customers
            .iter()
            .map(|row| (text(&row["customer_id"]), text(&row["state"])))
            .collect(),
        subscriptions: subscriptions
            .into_iter()
            .map(|row| (text(&row["subscription_id"]), row))
            .collect(),
        links: links.iter().map(|row| (text(&row["user_id"]), text(&row["customer_id"]))).collect(),
    }
}

#[test]
fn flood_of_unsigned_large_bodies_is_rejected_with_bounded_memory() {
    const CLIENTS: usize = 96;
    const LIMIT: usize = 1024 * 1024;
    let database = Database::create(Store::Sqlite);
    let portal = Portal::start_ready(&replica(&database, &[]));
    let before = portal.process.memory_kib("VmRSS");
    let at_once = Barrier::new(CLIENTS);
    let flood = |client: usize| {
        let mut statuses = Vec::new();
        for round in 0..4 {
            // One in eight is a byte too large, one in eight is chunked. Half of them have a
            // signature.
            let kind = (client + round) % 8;
            let mut request = Request::new("POST", WEBHOOKS);
            if client.is_multiple_of(2) {
                let signature = format!("t={},v1={}", now(), "0".repeat(64));
                request = request.header("stripe-signature", signature);
            }
            let (request, body) = match kind {
                0 => (
                    request.header("content-length", (LIMIT + 1).to_string()),
                    vec![b' '; LIMIT + 1],
                ),
                1 => {
                    let chunk =
                        [format!("{LIMIT:x}\r\n").as_bytes(), &vec![b' '; LIMIT], b"\r\n0\r\n\r\n"]
                            .concat();
                    (request.header("transfer-encoding", "chunked"), chunk)
                }
                _ => (request.header("content-length", LIMIT.to_string()), vec![b' '; LIMIT]),
            };
            let mut connection = Connection::open(portal.public).expect("a connection");
            let (most, last) = body.split_at(body.len() - 1);
            // Clients send the last byte after all clients have sent the others. The connection of
            // a rejected client may be closed.
            let _ = connection.send(&request.to_bytes(portal.public));
            at_once.wait();
            let _ = connection.send(most);
            at_once.wait();
            let _ = connection.send(last);
            match connection.answer("POST", &request.target) {
                Outcome::Answer(answer) => statuses.push(answer.status),
                other => panic!("{other:?}"),
            }
        }
        statuses
    };
    let flood = &flood;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|client| scope.spawn(move || flood(client))).collect();
        clients
            .into_iter()
            .flat_map(|client| client.join().expect("every client gets responses"))
            .collect()
    });
    let mut counts = BTreeMap::new();
    statuses.iter().for_each(|status| *counts.entry(*status).or_insert(0) += 1);
    let peak = portal.process.memory_kib("VmHWM");
    println!(
        "responses: {counts:?}; memory: {} MiB before, {} MiB peak",
        before / 1024,
        peak / 1024
    );
    // 408 occurs on a machine that is slower than the body timeout.
    assert!(counts.keys().all(|status| [400, 408, 413, 503].contains(status)), "{counts:?}");
    assert!(counts.contains_key(&503), "the service buffered all bodies: {counts:?}");
    assert!(peak < MEMORY_LIMIT_MIB * 1024, "{} MiB", peak / 1024);

    let event = json!({ "id": "evt_after", "object": "event", "type": "ping.pong", "created": now(), "livemode": false });
    let body = event.to_string().into_bytes();
    let request = Request::new("POST", WEBHOOKS)
        .header("stripe-signature", stripe_signature::header(SECRET, now(), &body));
    assert_eq!(portal.send(&request.body(body)).status, 200);
}

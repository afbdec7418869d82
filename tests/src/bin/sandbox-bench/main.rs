//! Measures the rate of portal sessions that the sandbox creates with many customers.
//!
//! `scripts/bench-sandbox` builds and starts it. It uses the standard library only, so that an
//! optimised build takes seconds.
//!
//! `sandbox-bench [--quick] PROGRAM`: the program whose command `sandbox` is measured. Exits with 1
//! if a limit is exceeded.

mod sandbox;
#[path = "../auth-bench/wire.rs"]
mod wire;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sandbox::{KEY, Sandbox};
use wire::Connection;

/// Number of connections. Each sends its next request after the previous response.
const CONNECTIONS: usize = 16;
/// Minimum number of sessions per second.
const MIN_SESSIONS_PER_SECOND: usize = 1_000;
/// Number of links that are opened at the end.
const CHECKED_LINKS: usize = 100;

/// The results of one connection.
#[derive(Default)]
struct Seen {
    /// The durations of the successful calls.
    took: Vec<Duration>,
    failed: usize,
    /// Ids or links from the responses.
    values: Vec<String>,
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.first().is_some_and(|first| first == "--quick");
    if quick {
        arguments.remove(0);
    }
    let [program] = &arguments[..] else {
        eprintln!("usage: sandbox-bench [--quick] PROGRAM");
        return ExitCode::from(2);
    };
    let (population, phase) = if quick { (2_000, 1) } else { (100_000, 20) };
    let sandbox = Sandbox::start(program);

    let started = Instant::now();
    let made = at_once(|worker| make_customers(sandbox.address, worker, population / CONNECTIONS));
    let customers = made.values;
    println!(
        "{} customers created, {:.0} per second",
        customers.len(),
        rate(customers.len(), started.elapsed())
    );
    println!("  memory with customers, MiB {:>27}", sandbox.resident_kib() / 1024);

    let started = Instant::now();
    let end = started + Duration::from_secs(phase);
    let opened = at_once(|worker| open_sessions(sandbox.address, worker, &customers, end));
    let per_second = rate(opened.took.len(), started.elapsed());
    let mut took = opened.took;
    took.sort_unstable();
    let percentile = |percent: usize| {
        let at = took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
        at.map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    println!("sessions of random customers, {CONNECTIONS} connections, {phase} s");
    println!("  median, ms {:>43.2}", percentile(50));
    println!("  99th percentile, ms {:>34.2}", percentile(99));
    println!("  slowest, ms {:>42.2}", percentile(100));
    println!("  memory afterwards, MiB {:>31}", sandbox.resident_kib() / 1024);
    let dead = dead_links(sandbox.address, &opened.values);
    let mut missed = false;
    let mut check = |what: &str, value: String, limit: &str, holds: bool| {
        println!(
            "  {what:<36} {value:>17}   limit {limit:<8} {}",
            if holds { "" } else { "MISSED" }
        );
        missed |= !holds;
    };
    if !quick {
        check(
            "sessions per second",
            format!("{per_second:.0}"),
            ">= 1000",
            per_second >= MIN_SESSIONS_PER_SECOND as f64,
        );
    }
    let failed = made.failed + opened.failed;
    check("calls that failed", failed.to_string(), "0", failed == 0 && !took.is_empty());
    check("links that do not open", format!("{dead} of {CHECKED_LINKS}"), "0", dead == 0);
    ExitCode::from(u8::from(missed))
}

/// Runs the work on all connections concurrently and merges the results.
fn at_once(work: impl Fn(usize) -> Seen + Sync) -> Seen {
    let work = &work;
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..CONNECTIONS).map(|worker| scope.spawn(move || work(worker))).collect();
        workers.into_iter().map(|worker| worker.join().expect("no worker panics")).fold(
            Seen::default(),
            |mut all, seen| {
                all.took.extend(seen.took);
                all.values.extend(seen.values);
                all.failed += seen.failed;
                all
            },
        )
    })
}

fn make_customers(to: SocketAddr, worker: usize, count: usize) -> Seen {
    let mut seen = Seen::default();
    let mut connection = Connection::open(to).expect("the sandbox accepts connections");
    for n in 0..count {
        let form = format!("name=Customer+{worker}-{n}&email=customer-{worker}-{n}@example.com");
        let key = format!("customer-{worker}-{n}");
        seen.call(&mut connection, to, "/v1/customers", &key, &form, "id");
    }
    seen
}

fn open_sessions(to: SocketAddr, worker: usize, customers: &[String], end: Instant) -> Seen {
    let mut seen = Seen::default();
    let mut connection = Connection::open(to).expect("the sandbox accepts connections");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (worker as u64 + 1);
    let mut n = 0_u64;
    while Instant::now() < end {
        // xorshift64: the customers must be spread out; they need not be random.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        n += 1;
        let customer =
            &customers[usize::try_from(state % customers.len() as u64).expect("an index")];
        let form =
            format!("customer={customer}&return_url=https%3A%2F%2Fapp.example.com%2Fbilling");
        seen.call(
            &mut connection,
            to,
            "/v1/billing_portal/sessions",
            &format!("session-{worker}-{n}"),
            &form,
            "url",
        );
        // A few links are enough; keeping all of them would take much memory.
        if seen.values.len() > CHECKED_LINKS {
            seen.values.remove(0);
        }
    }
    seen
}

impl Seen {
    /// Sends a call like `provider-stripe` and keeps one member of the response.
    fn call(
        &mut self,
        on: &mut Connection,
        to: SocketAddr,
        path: &str,
        key: &str,
        form: &str,
        keep: &str,
    ) {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {KEY}\r\nStripe-Version: 2026-05-27.dahlia\r\n\
             Idempotency-Key: {key}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let started = Instant::now();
        let status = on.exchange(request.as_bytes()).unwrap_or(0);
        let took = started.elapsed();
        match sandbox::member(&on.body(), keep).filter(|_| status == 200) {
            Some(value) => {
                self.took.push(took);
                self.values.push(value);
            }
            None => {
                self.failed += 1;
                *on = Connection::open(to).expect("the sandbox accepts connections");
            }
        }
    }
}

/// Counts the links that do not open a page.
fn dead_links(to: SocketAddr, links: &[String]) -> usize {
    let mut connection = Connection::open(to).expect("the sandbox accepts connections");
    let step = (links.len() / CHECKED_LINKS).max(1);
    let open = links.iter().step_by(step).take(CHECKED_LINKS).filter(|link| {
        let path = link.splitn(4, '/').nth(3).unwrap_or_default();
        let request = format!("GET /{path} HTTP/1.1\r\nHost: bench\r\n\r\n");
        connection.exchange(request.as_bytes()).is_ok_and(|status| status == 200)
            && connection.body().contains("<h1")
    });
    CHECKED_LINKS - open.count()
}

fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

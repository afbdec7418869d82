//! Opens portal sessions in the sandbox for customers of a large population and measures how fast. See `scripts/bench-sandbox`,
//! which builds it; knows nothing but the standard library, so that it is built optimised in seconds.
//!
//! `sandbox-bench [--quick] PROGRAM`: the program whose command `sandbox` is measured. Exit 1 if a limit is missed.

mod sandbox;
#[path = "../auth-bench/wire.rs"]
mod wire;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sandbox::{KEY, Sandbox};
use wire::Connection;

/// Connections, each of which sends its next request when the answer to the last one is there.
const CONNECTIONS: usize = 16;
/// Sessions a second.
const MIN_SESSIONS_PER_SECOND: usize = 1_000;
/// So many of the links are opened at the end.
const CHECKED_LINKS: usize = 100;

/// What one connection saw.
#[derive(Default)]
struct Seen {
    /// How long each good answer took.
    took: Vec<Duration>,
    failed: usize,
    /// Ids or links, as the answers had them.
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

    let begun = Instant::now();
    let made = at_once(|worker| make_customers(sandbox.address, worker, population / CONNECTIONS));
    let customers = made.values;
    println!(
        "{} customers made, {:.0} a second",
        customers.len(),
        rate(customers.len(), begun.elapsed())
    );
    println!("  memory with them, MiB {:>32}", sandbox.resident_kib() / 1024);

    let begun = Instant::now();
    let end = begun + Duration::from_secs(phase);
    let opened = at_once(|worker| open_sessions(sandbox.address, worker, &customers, end));
    let per_second = rate(opened.took.len(), begun.elapsed());
    let mut took = opened.took;
    took.sort_unstable();
    let percentile = |percent: usize| {
        let at = took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
        at.map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    println!("sessions for any of them, {CONNECTIONS} connections, {phase} s");
    println!("  median, ms {:>43.2}", percentile(50));
    println!("  99 of 100 within, ms {:>33.2}", percentile(99));
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
            "sessions a second",
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

/// Runs the work on every connection at the same time and adds up what they saw.
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
    let mut connection = Connection::open(to).expect("the sandbox takes connections");
    for n in 0..count {
        let form = format!("name=Customer+{worker}-{n}&email=customer-{worker}-{n}@example.com");
        let key = format!("customer-{worker}-{n}");
        seen.call(&mut connection, to, "/v1/customers", &key, &form, "id");
    }
    seen
}

fn open_sessions(to: SocketAddr, worker: usize, customers: &[String], end: Instant) -> Seen {
    let mut seen = Seen::default();
    let mut connection = Connection::open(to).expect("the sandbox takes connections");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (worker as u64 + 1);
    let mut n = 0_u64;
    while Instant::now() < end {
        // xorshift64: not random, and all over the population, which is all that it must be.
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
        // A few links are enough to look at, and all of them would be the generator's memory.
        if seen.values.len() > CHECKED_LINKS {
            seen.values.remove(0);
        }
    }
    seen
}

impl Seen {
    /// Calls as `provider-stripe` does, and keeps the member of the answer.
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
        let begun = Instant::now();
        let status = on.exchange(request.as_bytes()).unwrap_or(0);
        let took = begun.elapsed();
        match sandbox::member(&on.body(), keep).filter(|_| status == 200) {
            Some(value) => {
                self.took.push(took);
                self.values.push(value);
            }
            None => {
                self.failed += 1;
                *on = Connection::open(to).expect("the sandbox takes connections");
            }
        }
    }
}

/// How many of some links show no page.
fn dead_links(to: SocketAddr, links: &[String]) -> usize {
    let mut connection = Connection::open(to).expect("the sandbox takes connections");
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

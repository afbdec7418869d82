//! Floods a service with wrong API keys and measures what is left for everybody else. See `scripts/bench-auth`, which builds
//! and starts it; knows nothing but the standard library, so that it is built optimised in seconds.
//!
//! `auth-bench [--quick] PORTAL UPSTREAM`: the programs under test and behind it. Exit 1 if a limit is missed.

mod load;
mod service;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use load::{Credentials, FLOOD_CONNECTIONS, Load};
use service::Service;

/// Connections with good tokens, before and during the flood.
const STEADY_CONNECTIONS: usize = 16;

/// What was missed.
#[derive(Default)]
struct Limits {
    missed: bool,
}

impl Limits {
    fn check(&mut self, what: &str, value: impl std::fmt::Display, limit: &str, holds: bool) {
        println!(
            "  {what:<44} {value:>12}   limit {limit:<10} {}",
            if holds { "" } else { "MISSED" }
        );
        self.missed |= !holds;
    }
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.first().is_some_and(|first| first == "--quick");
    if quick {
        arguments.remove(0);
    }
    let [portal, upstream] = &arguments[..] else {
        eprintln!("usage: auth-bench [--quick] PORTAL UPSTREAM");
        return ExitCode::from(2);
    };
    // The service runs in a folder of its own.
    let absolute =
        |path: &str| std::fs::canonicalize(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (portal, upstream) = (&absolute(portal), &absolute(upstream));
    let mut limits = Limits::default();
    for failures in ["0", "120"] {
        let service = Service::start(portal, upstream, failures);
        first_use(&service, &mut limits, failures);
        flood(&service, &mut limits, failures, quick);
        if failures == "0" && !quick {
            cost(&service, &mut limits);
        }
    }
    ExitCode::from(u8::from(limits.missed))
}

/// Good keys, all at once, for the first time.
fn first_use(service: &Service, limits: &mut Limits, failures: &str) {
    println!(
        "\n{FLOOD_CONNECTIONS} good keys at once for the first time (BILLING_AUTH_FAILURES_PER_MINUTE={failures})"
    );
    let answers = load::once_each(service.address, service.good_keys());
    let good = answers.iter().filter(|status| **status == 200).count();
    limits.check("answered 200", good, "64", good == FLOOD_CONNECTIONS);
    let memory = service.peak_kib() / 1024;
    limits.check("memory at its highest, MiB", memory, "< 200", memory < 200);
}

/// Good tokens alone, and during a flood of wrong secrets under known key ids.
fn flood(service: &Service, limits: &mut Limits, failures: &str, quick: bool) {
    let phase = Duration::from_secs(if quick { 2 } else { 10 });
    println!(
        "\nflood of wrong secrets (BILLING_AUTH_FAILURES_PER_MINUTE={failures}, {} s a phase)",
        phase.as_secs()
    );
    let tokens = || Credentials::tokens(&service.token);
    let wrong = || Credentials::wrong_secrets(&service.ids);
    // Pools and caches fill up, so that the memory measured is the flood's.
    Load::start(service.address, STEADY_CONNECTIONS, tokens()).stop_after(phase / 4);
    let alone = Load::start(service.address, STEADY_CONNECTIONS, tokens()).stop_after(phase);
    // The connections' own buffers are there once they have been open; what counts is what a flood adds from then on.
    let (memory, runs) = (service.resident_kib(), service.argon2_runs());
    let flood = Load::start(service.address, FLOOD_CONNECTIONS, wrong());
    let during = Load::start(service.address, STEADY_CONNECTIONS, tokens()).stop_after(phase);
    let grown = service.resident_kib().saturating_sub(memory);
    let flood = flood.stop();
    let runs = service.argon2_runs() - runs;
    let share = during.good * 100 / alone.good.max(1);
    let per_second = |count: usize| count / usize::try_from(phase.as_secs()).unwrap_or(1);
    println!("  JWT requests a second, alone {:>27}", per_second(alone.good));
    println!("  JWT requests a second, during the flood {:>16}", per_second(during.good));
    println!(
        "  wrong keys a second {:>36}   ({} refused, {} rate limited)",
        per_second(flood.all()),
        flood.refused,
        flood.limited
    );
    if !quick {
        limits.check("share of the unloaded rate, %", share, ">= 25", share >= 25);
    }
    let failed = alone.all() - alone.good + during.all() - during.good;
    limits.check("JWT requests that failed", failed, "0", failed == 0 && during.good > 0);
    let astray = flood.good + flood.other;
    limits.check(
        "wrong keys answered otherwise than 401 or 429",
        astray,
        "0",
        astray == 0 && flood.refused > 0,
    );
    limits.check("argon2 runs during the flood", runs, "0", runs == 0);
    limits.check(
        "memory grown by, MiB",
        format!("{:.1}", grown as f64 / 1024.0),
        "32",
        grown <= 32 * 1024,
    );
}

/// CPU time of a request with a cached key against one with a token: the same number of each, turn about.
fn cost(service: &Service, limits: &mut Limits) {
    const ROUNDS: usize = 5;
    const REQUESTS: usize = 3_000;
    println!("\nCPU time of the service a request ({ROUNDS} rounds of {REQUESTS} each)");
    let key = &service.keys[..1];
    let spent = |credentials: Credentials| {
        let before = service.cpu_ticks();
        let failed = load::exactly(service.address, 4, REQUESTS, &credentials);
        assert_eq!(failed, 0, "{failed} requests failed");
        service.cpu_ticks() - before
    };
    let (mut by_key, mut by_token) = (Vec::new(), Vec::new());
    spent(Credentials::keys(key));
    for _ in 0..ROUNDS {
        by_token.push(spent(Credentials::tokens(&service.token)));
        by_key.push(spent(Credentials::keys(key)));
    }
    // A tick is 10 ms (USER_HZ is 100 wherever Linux runs).
    let us = |ticks: &mut Vec<u64>| {
        ticks.sort_unstable();
        ticks[ROUNDS / 2] as f64 * 10_000.0 / REQUESTS as f64
    };
    let (by_key, by_token) = (us(&mut by_key), us(&mut by_token));
    println!("  JWT HS256, us {by_token:>42.0}");
    println!("  cached API key, us {by_key:>37.0}");
    let ratio = by_key / by_token;
    limits.check("ratio", format!("{ratio:.2}"), "1.30", ratio <= 1.3);
}

//! Floods a service with wrong API keys and measures the throughput of other clients.
//!
//! `scripts/bench-auth` builds and starts it. It uses the standard library only, so that an
//! optimised build takes seconds.
//!
//! `auth-bench [--quick] PORTAL UPSTREAM`: the program under test and its provider. Exits with 1 if
//! a limit is exceeded.

mod load;
mod service;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use load::{Credentials, FLOOD_CONNECTIONS, Load};
use service::Service;

/// Number of connections with valid tokens, before and during the flood.
const STEADY_CONNECTIONS: usize = 16;

/// The result of the limit checks.
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
    // The service runs in another folder.
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

/// Measures the simultaneous first use of all valid keys.
fn first_use(service: &Service, limits: &mut Limits, failures: &str) {
    println!(
        "\nfirst use of {FLOOD_CONNECTIONS} valid keys in parallel (BILLING_AUTH_FAILURES_PER_MINUTE={failures})"
    );
    let answers = load::once_each(service.address, service.valid_keys());
    let good = answers.iter().filter(|status| **status == 200).count();
    limits.check("responses with status 200", good, "64", good == FLOOD_CONNECTIONS);
    let memory = service.peak_kib() / 1024;
    limits.check("peak memory, MiB", memory, "< 200", memory < 200);
}

/// Measures valid tokens alone, and during a flood of wrong secrets for known key ids.
fn flood(service: &Service, limits: &mut Limits, failures: &str, quick: bool) {
    let phase = Duration::from_secs(if quick { 2 } else { 10 });
    println!(
        "\nflood of wrong secrets (BILLING_AUTH_FAILURES_PER_MINUTE={failures}, {} s per phase)",
        phase.as_secs()
    );
    let tokens = || Credentials::tokens(&service.token);
    let wrong = || Credentials::wrong_secrets(&service.ids);
    // Warm up pools and caches, so that the measured growth comes from the flood.
    Load::start(service.address, STEADY_CONNECTIONS, tokens()).stop_after(phase / 4);
    let alone = Load::start(service.address, STEADY_CONNECTIONS, tokens()).stop_after(phase);
    // Connection buffers exist after the warm-up. Only growth during the flood counts.
    let (memory, runs) = (service.resident_kib(), service.argon2_runs());
    let flood = Load::start(service.address, FLOOD_CONNECTIONS, wrong());
    let during = Load::start(service.address, STEADY_CONNECTIONS, tokens()).stop_after(phase);
    let grown = service.resident_kib().saturating_sub(memory);
    let flood = flood.stop();
    let runs = service.argon2_runs() - runs;
    let share = during.good * 100 / alone.good.max(1);
    let per_second = |count: usize| count / usize::try_from(phase.as_secs()).unwrap_or(1);
    println!("  JWT requests per second, alone {:>25}", per_second(alone.good));
    println!("  JWT requests per second, during the flood {:>14}", per_second(during.good));
    println!(
        "  wrong keys per second {:>34}   ({} rejected, {} rate limited)",
        per_second(flood.all()),
        flood.rejected,
        flood.limited
    );
    if !quick {
        limits.check("share of the unloaded rate, %", share, ">= 25", share >= 25);
    }
    let failed = alone.all() - alone.good + during.all() - during.good;
    limits.check("JWT requests that failed", failed, "0", failed == 0 && during.good > 0);
    let unexpected = flood.good + flood.other;
    limits.check(
        "wrong keys with another status than 401, 429",
        unexpected,
        "0",
        unexpected == 0 && flood.rejected > 0,
    );
    limits.check("argon2 runs during the flood", runs, "0", runs == 0);
    limits.check(
        "memory growth, MiB",
        format!("{:.1}", grown as f64 / 1024.0),
        "32",
        grown <= 32 * 1024,
    );
}

/// Compares the CPU time of requests with a cached key and with a token, in alternating rounds.
fn cost(service: &Service, limits: &mut Limits) {
    const ROUNDS: usize = 5;
    const REQUESTS: usize = 3_000;
    println!("\nCPU time of the service per request ({ROUNDS} rounds of {REQUESTS} each)");
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
    // A tick is 10 ms: USER_HZ is 100 on every Linux system.
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

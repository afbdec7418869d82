# Recipes for development; `just` lists them.

[private]
default:
    @just --list

# Start the service with the sandbox; arguments go to the binary.
run *arguments:
    cargo run --locked -- {{ arguments }}

# Run all tests.
test *arguments:
    scripts/test {{ arguments }}

# Run unit tests, and the tests of ports and of the contract on SQLite: under two minutes after a build.
test-fast:
    #!/usr/bin/env bash
    set -euo pipefail
    # The Node of scripts/test, if the system has none.
    export PATH="$PATH:$PWD/target/packages/node/bin"
    # Each command names the same packages, because cargo would compile a subset with other features.
    packages=(--locked --workspace --exclude store-postgres)
    crates=(--lib --bins --test accounts --test api_key_service --test black_box --test edge
        --test group_commit --test memory --test portal_service --test sandbox --test store)
    cargo test "${packages[@]}" --no-run
    cargo build --locked --package billing-portal --bin billing-portal
    # The contract's tests mostly wait, so the other tests run concurrently.
    cargo test "${packages[@]}" --test contract -- --quiet --skip postgres:: &
    contract=$!
    failed=0
    cargo test "${packages[@]}" --quiet "${crates[@]}" --test documents --test markdown \
        --test plain_language --test test_names || failed=1
    wait "$contract" || failed=1
    exit "$failed"

# Run all tests, with many more cases for each property test.
test-long cases="20000":
    PROPTEST_CASES={{ cases }} scripts/test

# Check format, lints and docs, and that api-http compiles alone.
check:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo check --locked -p api-http
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# Measure the release binary: time until ready (median of 20 starts), memory 10 s after a start.
start-figures:
    cargo build --release --locked
    scripts/start-figures

# Measure the CPU seconds of a debug build from nothing, in a temporary target folder.
build-cpu:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo fetch --locked
    target=$(mktemp -d)
    trap 'rm -rf "$target"' EXIT
    TIMEFORMAT='CPU: %U s user + %S s system (limit 500 s in all; %R s on the clock)'
    time CARGO_TARGET_DIR=$target cargo build --locked

# Extract the part of Stripe's published schema that tests need; `--check` only compares.
stripe-schema *arguments:
    scripts/stripe-schema {{ arguments }}

# Update the screenshots of the portal's pages in docs/screenshots.
screenshots:
    scripts/screenshots

# Update the offline data of the stores' queries, after a query or migration changed; `--check` only compares.
sqlx-prepare *arguments:
    scripts/sqlx-prepare {{ arguments }}

# Measure JWT throughput during a flood of wrong keys, and the cost of keys; fails if a limit is missed.
bench-auth *arguments:
    scripts/bench-auth {{ arguments }}

# Measure the portal sessions per second of the sandbox with 100,000 customers; fails below 1,000.
bench-sandbox *arguments:
    scripts/bench-sandbox {{ arguments }}

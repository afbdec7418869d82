# Recipes for everyday work; `just` lists them.

[private]
default:
    @just --list

# Start the service with the sandbox; arguments are the command line's.
run *arguments:
    cargo run --locked -- {{ arguments }}

# Run all tests.
test *arguments:
    scripts/test {{ arguments }}

# Run unit tests, and the tests of ports and of the contract on SQLite: under two minutes after a build.
test-fast:
    #!/usr/bin/env bash
    set -euo pipefail
    # Fall back to the Node that scripts/test installed.
    export PATH="$PATH:$PWD/target/packages/node/bin"
    # All commands use the same packages: cargo would compile other features for a subset.
    packages=(--locked --workspace --exclude store-postgres)
    crates=(--lib --bins --test accounts --test api_key_service --test black_box --test edge
        --test group_commit --test memory --test portal_service --test sandbox --test store)
    cargo test "${packages[@]}" --no-run
    cargo build --locked --package billing-portal --bin billing-portal
    # The contract's tests mostly wait, so the others run concurrently.
    cargo test "${packages[@]}" --test contract -- --quiet --skip postgres:: &
    contract=$!
    failed=0
    cargo test "${packages[@]}" --quiet "${crates[@]}" --test documents --test test_names || failed=1
    wait "$contract" || failed=1
    exit "$failed"

# Run all tests with many more cases per property test.
test-long cases="20000":
    PROPTEST_CASES={{ cases }} scripts/test

# Check format, lints, docs, and api-http without other crates.
check:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo check --locked -p api-http
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# Measure the release binary: time until ready (median of 20 starts), memory 10 s after a start.
start-figures:
    cargo build --release --locked
    scripts/start-figures

# Measure the CPU time of a clean debug build, in a temporary target folder.
build-cpu:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo fetch --locked
    target=$(mktemp -d)
    trap 'rm -rf "$target"' EXIT
    TIMEFORMAT='CPU: %U s user + %S s system (limit 500 s in total; %R s elapsed)'
    time CARGO_TARGET_DIR=$target cargo build --locked

# Extract the tests' part of Stripe's published schema; `--check` only compares.
stripe-schema *arguments:
    scripts/stripe-schema {{ arguments }}

# Take the screenshots of the portal's pages in docs/screenshots again.
screenshots:
    scripts/screenshots

# Update the stores' query descriptions after a changed query or migration; `--check` only compares.
sqlx-prepare *arguments:
    scripts/sqlx-prepare {{ arguments }}

# Benchmark authentication during a flood of wrong keys; fails if a limit is exceeded.
bench-auth *arguments:
    scripts/bench-auth {{ arguments }}

# Benchmark the sandbox's portal sessions with 100,000 customers; fails below 1,000 per second.
bench-sandbox *arguments:
    scripts/bench-sandbox {{ arguments }}

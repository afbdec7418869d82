# Recipes for everyday work; `just` lists them.

[private]
default:
    @just --list

# Start the service with the sandbox; arguments are the command line's.
run *arguments:
    cargo run --locked -- {{ arguments }}

# Everything that must be green before a commit.
test *arguments:
    scripts/test {{ arguments }}

# Unit tests, and the tests of ports and of the contract on SQLite: under two minutes after a build.
test-fast:
    #!/usr/bin/env bash
    set -euo pipefail
    # The Node that scripts/test has installed, where the system has none.
    export PATH="$PATH:$PWD/target/packages/node/bin"
    # The packages stay the same in each command: cargo would compile with other features for a part of them.
    packages=(--locked --workspace --exclude store-postgres)
    crates=(--lib --bins --test accounts --test api_key_service --test black_box --test edge
        --test group_commit --test memory --test portal_service --test sandbox --test store)
    cargo test "${packages[@]}" --no-run
    cargo build --locked --package billing-portal --bin billing-portal
    # The contract's tests mostly wait, so the others run at the same time.
    cargo test "${packages[@]}" --test contract -- --quiet --skip postgres:: &
    contract=$!
    failed=0
    cargo test "${packages[@]}" --quiet "${crates[@]}" --test documents --test markdown \
        --test plain_language --test test_names || failed=1
    wait "$contract" || failed=1
    exit "$failed"

# The same as `test`, with many more cases for each property test.
test-long cases="20000":
    PROPTEST_CASES={{ cases }} scripts/test

# Format, lints, docs, and the library by itself.
check:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo check --locked -p api-http
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# Time until ready (median of 20 starts) and memory 10 s after a start, of the release binary.
start-figures:
    cargo build --release --locked
    scripts/start-figures

# User and system CPU seconds of a debug build from nothing, in a temporary target folder.
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

# Make the pictures of the portal's pages in docs/screenshots anew.
screenshots:
    scripts/screenshots

# Describe the stores' queries anew, after a query or migration changed; `--check` only compares.
sqlx-prepare *arguments:
    scripts/sqlx-prepare {{ arguments }}

# What a flood of wrong keys leaves for everybody else, and what keys cost; fails if a limit is missed.
bench-auth *arguments:
    scripts/bench-auth {{ arguments }}

# How many portal sessions a second the sandbox opens with 100,000 customers; fails below 1,000.
bench-sandbox *arguments:
    scripts/bench-sandbox {{ arguments }}

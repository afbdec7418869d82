//! Reads what `cargo test` printed and fails if a rule, clause or code of the contract has no test that ran and passed.

use std::process::ExitCode;

use workspace_tests::clauses::{self, Table};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(log), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: rule-guard LOG (what `cargo test` printed)");
        return ExitCode::from(2);
    };
    let log = match std::fs::read(&log) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            eprintln!("{log}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (table, registry, passed) = (Table::read(), clauses::registry(), clauses::passed(&log));
    let complaints = clauses::complaints(&table, &registry, &passed);
    for complaint in &complaints {
        eprintln!("rule-guard: {complaint}");
    }
    if complaints.is_empty() {
        println!(
            "rule-guard: {} clauses of {} rules, {} tests",
            table.clauses().len(),
            table.rules.len(),
            registry.len()
        );
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

//! Reads the exchanges that a test run recorded. Fails if one violates Stripe's published schema.

use std::path::Path;
use std::process::ExitCode;

use workspace_tests::exchanges;
use workspace_tests::schema_guard::{Newer, Operations, Report, SchemaValidator, Subset};

/// Maximum number of faults that are printed. Further faults are only counted.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        eprintln!(
            "usage: schema-guard FOLDER (the value of {} during `cargo test`)",
            exchanges::FOLDER
        );
        return ExitCode::from(2);
    };
    match guard(Path::new(&folder)) {
        Ok((report, complaints)) => print_report(&report, &complaints),
        Err(error) => {
            eprintln!("schema-guard: {error}");
            ExitCode::FAILURE
        }
    }
}

fn guard(folder: &Path) -> Result<(Report, Vec<String>), String> {
    let subset = Subset::read();
    let known = subset.operations();
    let offered: Operations = sandbox_stripe::operations()
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();
    let validator = SchemaValidator::new(subset, Newer::read())?;
    let mut report = Report::default();
    exchanges::each(folder, |exchange| report.add(&validator, exchange))?;
    let complaints = report.complaints(&validator, &offered, &known);
    Ok((report, complaints))
}

fn print_report(report: &Report, complaints: &[String]) -> ExitCode {
    for (fault, times) in report.faults.iter().take(SHOWN) {
        eprintln!("schema-guard: {times} × {fault}");
    }
    if report.faults.len() > SHOWN {
        eprintln!("schema-guard: … and {} faults of other kinds", report.faults.len() - SHOWN);
    }
    for complaint in complaints {
        eprintln!("schema-guard: {complaint}");
    }
    let Report { answers, requests, .. } = report;
    if report.faults.is_empty() && complaints.is_empty() {
        let operations = report.answered.len();
        println!(
            "schema guard: {answers} answers, {requests} requests of provider-stripe, {operations} operations"
        );
        return ExitCode::SUCCESS;
    }
    let faults: usize = report.faults.values().sum();
    let complaints = complaints.len();
    eprintln!(
        "schema-guard: {faults} faults in {answers} answers and {requests} requests; {complaints} complaints"
    );
    ExitCode::FAILURE
}

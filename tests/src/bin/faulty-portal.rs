//! The service with one task that fails on SIGUSR1. `tests/supervision.rs` uses it.
//!
//! `FAULTY_TASK` names the task. `FAULT` is `panic` or `return`. At the start, the program prints
//! the names of all tasks, one per line.

use std::process::ExitCode;

use billing_portal::{App, Failure, ServeConfig, Source, TaskFuture};
use tokio::signal::unix::{Signal, SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    run().await.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}

async fn run() -> Result<(), Failure> {
    let app = App::build(ServeConfig::load(&Source::default())?).await?;
    let faulty = std::env::var("FAULTY_TASK").unwrap_or_default();
    let app = app.map_tasks(|name, work| {
        println!("task: {name}");
        if name == faulty { fail_on_signal(name, work) } else { work }
    });
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be caught");
    app.serve(async move {
        terminate.recv().await;
    })
    .await
}

fn fail_on_signal(name: &'static str, work: TaskFuture) -> TaskFuture {
    let mut trigger: Signal = signal(SignalKind::user_defined1()).expect("signals can be caught");
    let panics = std::env::var("FAULT").is_ok_and(|fault| fault == "panic");
    Box::pin(async move {
        tokio::select! {
            ended = work => {
                // A one-shot task has returned already; it fails on the signal all the same.
                ended?;
                trigger.recv().await;
            }
            _ = trigger.recv() => {}
        }
        assert!(!panics, "the test makes `{name}` panic");
        Ok(())
    })
}

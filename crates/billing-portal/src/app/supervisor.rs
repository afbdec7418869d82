//! [`Supervisor`]: runs the tasks of the service, and drains the service when one of them fails.

use std::any::Any;
use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use billing_domain::ports::BackgroundTask;
use http_edge::Drain;
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::timeout;

use crate::failure::Failure;

/// Maximum time for workers to finish after the last request, and for adapters' tasks after their
/// last use.
const GRACE: Duration = Duration::from_secs(5);

/// The work of a supervised task.
pub type TaskFuture = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// When a task ends. During the drain, the kinds end in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Returns when its drain is over: a listener.
    Listener,
    /// Returns soon after the drain has begun or the last request has ended.
    Worker,
    /// Runs until it is cancelled, after the workers.
    Endless,
    /// Like [`Endless`](Self::Endless), but may return at any time.
    OneShot,
    /// Returns when everything that uses it is dropped. Runs longest.
    Adapter,
}

/// The work of a task that cannot fail.
pub(crate) async fn infallible(work: impl Future<Output = ()>) -> Result<(), Failure> {
    work.await;
    Ok(())
}

struct Task {
    name: &'static str,
    kind: Kind,
    run: TaskFuture,
}

/// The tasks of the service, not yet running.
pub(crate) struct Supervisor {
    drain: Drain,
    served: watch::Sender<bool>,
    grace: Duration,
    tasks: Vec<Task>,
}

impl Supervisor {
    pub(crate) fn new(drain: Drain) -> Self {
        Self { drain, served: watch::Sender::new(false), grace: GRACE, tasks: Vec::new() }
    }

    /// Registers a task.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        kind: Kind,
        run: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        self.tasks.push(Task { name, kind, run: Box::pin(run) });
    }

    /// Registers the tasks that an adapter handed over.
    pub(crate) fn add_adapter(&mut self, tasks: Vec<BackgroundTask>) {
        for BackgroundTask { name, run } in tasks {
            self.add(name, Kind::Adapter, infallible(run));
        }
    }

    /// Replaces the work of every task.
    pub(crate) fn map(&mut self, mut change: impl FnMut(&'static str, TaskFuture) -> TaskFuture) {
        let tasks = std::mem::take(&mut self.tasks);
        self.tasks = tasks
            .into_iter()
            .map(|task| Task { run: change(task.name, task.run), ..task })
            .collect();
    }

    /// Returns after the listeners have ended. No request runs then.
    pub(crate) fn requests_ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut served = self.served.subscribe();
        async move {
            // An error means that the supervisor and the listeners are dropped.
            let _ = served.wait_for(|served| *served).await;
        }
    }

    /// Runs all tasks until `shutdown` resolves or a task fails. Then it drains, and returns when
    /// only adapters' tasks run.
    pub(crate) async fn run(self, shutdown: impl Future<Output = ()>) -> Draining {
        let Self { drain, served, grace, tasks } = self;
        let mut running = Draining {
            drain: drain.clone(),
            grace,
            join_set: JoinSet::new(),
            tasks: HashMap::new(),
            failure: None,
        };
        for task in tasks {
            let handle = running.join_set.spawn(task.run);
            running.tasks.insert(handle.id(), Running { name: task.name, kind: task.kind, handle });
        }
        tokio::select! {
            () = shutdown => tracing::info!("draining"),
            () = running.failure() => {}
        }
        drain.begin();
        running.join(&[Kind::Listener]).await;
        served.send_replace(true);
        running.join_or_abort(&[Kind::Worker]).await;
        running.abort(&[Kind::Endless, Kind::OneShot]);
        running.join(&[Kind::Endless, Kind::OneShot]).await;
        running
    }
}

struct Running {
    name: &'static str,
    kind: Kind,
    handle: AbortHandle,
}

/// A draining service. Only adapters' tasks still run.
pub(crate) struct Draining {
    drain: Drain,
    grace: Duration,
    join_set: JoinSet<Result<(), Failure>>,
    tasks: HashMap<Id, Running>,
    failure: Option<Failure>,
}

impl Draining {
    /// Waits for the adapters' tasks. The caller must have dropped everything that uses them.
    ///
    /// # Errors
    /// The failure that ended the service, or the first failure of the drain.
    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        self.join_or_abort(&[Kind::Adapter]).await;
        self.failure.map_or(Ok(()), Err)
    }

    /// Returns when a task has failed.
    async fn failure(&mut self) {
        while self.failure.is_none() {
            self.next().await;
        }
    }

    async fn join(&mut self, kinds: &[Kind]) {
        while self.tasks.values().any(|task| kinds.contains(&task.kind)) {
            self.next().await;
        }
    }

    async fn join_or_abort(&mut self, kinds: &[Kind]) {
        if timeout(self.grace, self.join(kinds)).await.is_err() {
            for task in self.tasks.values().filter(|task| kinds.contains(&task.kind)) {
                tracing::warn!(
                    task = task.name,
                    "a background task did not end in time: cancelling it"
                );
            }
            self.abort(kinds);
            self.join(kinds).await;
        }
    }

    fn abort(&self, kinds: &[Kind]) {
        self.tasks
            .values()
            .filter(|task| kinds.contains(&task.kind))
            .for_each(|task| task.handle.abort());
    }

    /// Waits until a task ends, and records a failure.
    async fn next(&mut self) {
        let Some(ended) = self.join_set.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let (id, result) = match ended {
            Ok((id, result)) => (id, Ok(result)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(Running { name, kind, .. }) = self.tasks.remove(&id) else { return };
        match result {
            Ok(Err(failure)) => self.fail(name, failure.to_string().trim_end(), Some(failure)),
            Ok(Ok(())) if kind != Kind::OneShot && !self.drain.is_draining() => {
                self.fail(name, "it ended early", None);
            }
            Err(error) if error.is_panic() => {
                let cause = format!("it panicked: {}", panic_text(error.into_panic().as_ref()));
                self.fail(name, &cause, None);
            }
            // The task returned in time, or the drain cancelled it.
            Ok(Ok(())) | Err(_) => {}
        }
    }

    /// Records a failure. The first failure decides the exit code. A configuration fault is printed
    /// again at the end.
    fn fail(&mut self, task: &'static str, cause: &str, failure: Option<Failure>) {
        tracing::error!(task, cause, "a background task failed: the service ends");
        let failure = match failure {
            Some(failure @ Failure::Configuration(_)) => failure,
            _ => Failure::Task(task),
        };
        self.failure.get_or_insert(failure);
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::{Arc, Mutex};

    use tokio::sync::oneshot;

    use super::*;

    fn supervisor() -> (Supervisor, Drain) {
        let drain = Drain::new();
        let mut supervisor = Supervisor::new(drain.clone());
        let listening = drain.clone();
        supervisor.add("listener", Kind::Listener, async move {
            listening.wait().await;
            Ok(())
        });
        (supervisor, drain)
    }

    async fn outcome(supervisor: Supervisor) -> Result<(), Failure> {
        supervisor.run(pending()).await.finish().await
    }

    #[tokio::test]
    async fn shutdown_drains_without_a_failure() {
        let (mut supervisor, drain) = supervisor();
        supervisor.add("endless", Kind::Endless, pending());
        supervisor.add("once", Kind::OneShot, ready(Ok(())));
        assert!(supervisor.run(ready(())).await.finish().await.is_ok());
        assert!(drain.is_draining());
    }

    #[tokio::test]
    async fn panic_of_any_kind_of_task_drains_and_names_the_task() {
        for kind in [Kind::Listener, Kind::Worker, Kind::Endless, Kind::OneShot, Kind::Adapter] {
            let (mut supervisor, drain) = supervisor();
            supervisor.add("faulty", kind, async { panic!("a bug") });
            let failure = outcome(supervisor).await;
            assert!(matches!(failure, Err(Failure::Task("faulty"))), "{kind:?}: {failure:?}");
            assert!(drain.is_draining());
        }
    }

    #[tokio::test]
    async fn early_return_drains_unless_the_task_may_end() {
        for kind in [Kind::Listener, Kind::Worker, Kind::Endless, Kind::Adapter] {
            let (mut supervisor, _) = supervisor();
            supervisor.add("faulty", kind, ready(Ok(())));
            let failure = outcome(supervisor).await;
            assert!(matches!(failure, Err(Failure::Task("faulty"))), "{kind:?}: {failure:?}");
        }
    }

    #[tokio::test]
    async fn configuration_fault_of_a_task_is_the_outcome() {
        let (mut supervisor, _) = supervisor();
        let wrong = Failure::Configuration(layered_settings::Faults::default());
        supervisor.add("faulty", Kind::Endless, ready(Err(wrong)));
        assert!(matches!(outcome(supervisor).await, Err(Failure::Configuration(_))));
    }

    #[tokio::test]
    async fn panic_during_the_drain_is_a_failure() {
        let (mut supervisor, drain) = supervisor();
        supervisor.add("faulty", Kind::Worker, async move {
            drain.wait().await;
            panic!("a bug")
        });
        let outcome = supervisor.run(ready(())).await.finish().await;
        assert!(matches!(outcome, Err(Failure::Task("faulty"))), "{outcome:?}");
    }

    #[tokio::test]
    async fn drain_ends_listeners_then_workers_then_endless_tasks_then_adapters() {
        /// Records the end of a task when it is dropped.
        struct End(&'static str, Arc<Mutex<Vec<&'static str>>>);
        impl Drop for End {
            fn drop(&mut self) {
                self.1.lock().unwrap().push(self.0);
            }
        }
        let ended = Arc::new(Mutex::new(Vec::new()));
        let end = |name| End(name, Arc::clone(&ended));
        let drain = Drain::new();
        let mut supervisor = Supervisor::new(drain.clone());
        let (used, unused) = oneshot::channel::<()>();
        let adapter = end("adapter");
        supervisor.add_adapter(vec![BackgroundTask::new("adapter", async move {
            let _end = adapter;
            let _ = unused.await;
        })]);
        let (endless, worker, listener) = (end("endless"), end("worker"), end("listener"));
        supervisor.add("endless", Kind::Endless, async move {
            let _end = (endless, used);
            pending().await
        });
        let requests_ended = supervisor.requests_ended();
        supervisor.add("worker", Kind::Worker, async move {
            let _end = worker;
            requests_ended.await;
            Ok(())
        });
        supervisor.add("listener", Kind::Listener, async move {
            let _end = listener;
            drain.wait().await;
            Ok(())
        });
        supervisor.run(ready(())).await.finish().await.unwrap();
        assert_eq!(*ended.lock().unwrap(), ["listener", "worker", "endless", "adapter"]);
    }

    #[tokio::test]
    async fn tasks_that_do_not_end_in_time_are_cancelled() {
        let (mut supervisor, _) = supervisor();
        supervisor.grace = Duration::from_millis(10);
        supervisor.add("worker", Kind::Worker, pending());
        supervisor.add("adapter", Kind::Adapter, pending());
        assert!(supervisor.run(ready(())).await.finish().await.is_ok());
    }

    #[tokio::test]
    async fn map_replaces_the_work_of_every_task() {
        let (mut supervisor, _) = supervisor();
        supervisor.add("endless", Kind::Endless, pending());
        let mut names = Vec::new();
        supervisor.map(|name, work| {
            names.push(name);
            if name == "endless" { Box::pin(async { panic!("a bug") }) } else { work }
        });
        assert_eq!(names, ["listener", "endless"]);
        assert!(matches!(outcome(supervisor).await, Err(Failure::Task("endless"))));
    }
}

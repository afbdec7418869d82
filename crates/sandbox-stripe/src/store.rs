//! Reads of the state, and atomic transactions.

mod clock_move;
mod expiry;
mod journal;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::Notify;

use self::journal::Journal;
use crate::billing;
use crate::state::{Change, State};
use crate::transaction::Transaction;

pub(crate) use self::clock_move::{ClockError, ClockMove};
use crate::clock::Clock;
use crate::model::Timestamp;

/// The state, its journal and its clock.
///
/// The locks are the standard library's. No lock is held across an await, and appending a journal
/// line is one short write to the page cache.
#[derive(Debug)]
pub(crate) struct Store {
    inner: RwLock<Inner>,
    clock: Arc<dyn Clock>,
    /// A copy of the state's clock offset, readable without the lock.
    offset: AtomicI64,
    /// Notified when there are new deliveries.
    outgoing: Notify,
}

#[derive(Debug)]
struct Inner {
    state: State,
    journal: Option<Journal>,
}

impl Store {
    /// Opens the state from the file, or an empty state in memory.
    pub(crate) fn open(
        path: Option<&Path>,
        clock: Arc<dyn Clock>,
        base_url: Arc<str>,
    ) -> io::Result<Self> {
        let mut state = State::new(base_url);
        let now = clock.now();
        let tidy = |state: &mut State| {
            state.portal_sessions.forget(now.saturating_add(state.clock_offset))
        };
        let journal = path.map(|path| Journal::open(path, &mut state, tidy)).transpose()?;
        let offset = AtomicI64::new(state.clock_offset);
        Ok(Self {
            inner: RwLock::new(Inner { state, journal }),
            clock,
            offset,
            outgoing: Notify::new(),
        })
    }

    /// Returns the sandbox's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().saturating_add(self.offset())
    }

    /// Returns the seconds by which the sandbox's time is ahead of its clock.
    pub(crate) fn offset(&self) -> i64 {
        self.offset.load(Ordering::SeqCst)
    }

    /// Waits for new deliveries.
    pub(crate) async fn outgoing(&self) {
        self.outgoing.notified().await;
    }

    /// Reads the state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        self.catch_up();
        look(&self.lock_for_reading().state)
    }

    /// Applies the passing of time to subscriptions and checkout sessions before each access.
    fn catch_up(&self) {
        // Large backlogs use several transactions, so that other requests can run in between.
        while self.lock_for_reading().state.is_behind(self.now()) {
            let pass = |transaction: &mut Transaction<'_>| {
                billing::catch_up(transaction)?;
                expiry::expire(transaction);
                Ok::<_, io::Error>(())
            };
            if let Err(error) = self.write(pass, |(), _| ()) {
                tracing::error!(%error, "applying the passing of time failed");
                return;
            }
        }
    }

    /// Runs read-only work. The transaction's changes are discarded.
    pub(crate) fn inspect<T, R, E>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
        look: impl FnOnce(T, &State) -> R,
    ) -> Result<R, E> {
        self.catch_up();
        let guard = self.lock_for_reading();
        let mut transaction = Transaction::new(&guard.state, self.now());
        work(&mut transaction).map(|outcome| look(outcome, &guard.state))
    }

    /// Runs a transaction. If it fails or the journal cannot be written, nothing changes.
    pub(crate) fn transact<R, E: From<io::Error>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.transact_then(work, |outcome, _| outcome)
    }

    /// Runs a transaction and reads the resulting state under the same lock.
    pub(crate) fn transact_then<T, R, E: From<io::Error>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
        look: impl FnOnce(T, &State) -> R,
    ) -> Result<R, E> {
        self.catch_up();
        self.write(work, look)
    }

    fn write<T, R, E: From<io::Error>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
        look: impl FnOnce(T, &State) -> R,
    ) -> Result<R, E> {
        let now = self.now();
        let mut guard = self.lock_for_writing();
        let Inner { state, journal } = &mut *guard;
        let mut transaction = Transaction::new(state, now);
        let outcome = work(&mut transaction)?;
        let changes = transaction.finish()?;
        if !changes.is_empty() {
            if let Some(journal) = journal {
                journal.append(&changes)?;
            }
            let outgoing = changes
                .iter()
                .any(|change| matches!(change, Change::Delivery(new) if new.attempts == 0));
            changes.into_iter().for_each(|change| state.apply(change));
            self.offset.store(state.clock_offset, Ordering::SeqCst);
            if outgoing {
                self.outgoing.notify_one();
            }
            state.portal_sessions.forget(now);
            if let Some(journal) = journal
                && let Err(error) = journal.compact_if_large(state)
            {
                // The uncompacted journal is still complete.
                tracing::warn!(%error, "compacting the sandbox's state failed");
            }
        }
        Ok(look(outcome, state))
    }

    /// Syncs the journal to disk.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.lock_for_writing().journal.as_mut().map_or(Ok(()), Journal::flush)
    }

    // Recovering from a poisoned lock is safe: work that may panic runs before the first change
    // is applied, and applying changes does not panic.
    fn lock_for_reading(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_for_writing(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::clock::SystemClock;
    use crate::model::Customer;

    fn open(path: &Path) -> io::Result<Store> {
        Store::open(Some(path), Arc::new(SystemClock), "".into())
    }

    fn add(store: &Store, id: &str) {
        let customer = Customer { id: id.to_owned(), ..Customer::default() };
        let put = |transaction: &mut Transaction<'_>| {
            transaction.put(customer);
            Ok::<_, io::Error>(())
        };
        store.transact(put).expect("written");
    }

    fn ids(store: &Store) -> Vec<String> {
        store.read(|state| state.customers.oldest_first().map(|c| c.id.clone()).collect())
    }

    #[test]
    fn a_restart_keeps_everything_and_drops_a_torn_last_line() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("deep/state.jsonl");
        {
            let store = open(&path).expect("opened");
            add(&store, "cus_1");
            add(&store, "cus_2");
        }
        let mut file = fs::OpenOptions::new().append(true).open(&path).expect("file");
        file.write_all(br#"[{"customer":{"id":"cus_3","#).expect("torn");
        let store = open(&path).expect("opened again");
        assert_eq!(ids(&store), ["cus_1", "cus_2"]);
        add(&store, "cus_4");
        drop(store);
        assert_eq!(ids(&open(&path).expect("and again")), ["cus_1", "cus_2", "cus_4"]);
    }

    #[test]
    fn only_the_owner_can_access_the_file_and_its_folder() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("data/state.jsonl");
        let store = open(&path).expect("opened");
        add(&store, "cus_1");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("folder")), 0o700);
    }

    #[test]
    fn a_second_process_on_the_same_file_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("state.jsonl");
        let first = open(&path).expect("opened");
        let error = open(&path).expect_err("locked");
        assert!(error.to_string().contains("another process"), "{error}");
        drop(first);
        open(&path).expect("free again");
    }

    #[test]
    fn a_damaged_file_is_refused_with_its_line() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("state.jsonl");
        add(&open(&path).expect("opened"), "cus_1");
        let text = fs::read_to_string(&path).expect("text");
        fs::write(&path, format!("{text}garbage\n[]\n")).expect("written");
        let error = open(&path).expect_err("damaged");
        assert!(error.to_string().contains("line 3"), "{error}");
        fs::write(&path, "not ours\n").expect("written");
        assert!(open(&path).expect_err("foreign").to_string().contains("line 1"));
    }

    #[test]
    fn a_state_of_an_earlier_version_is_renamed() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("state.jsonl");
        let earlier = "{\"sandbox_stripe_journal\":1}\n[{\"customer\":{\"id\":\"cus_1\"}}]\n";
        fs::write(&path, earlier).expect("written");
        let store = open(&path).expect("opened");
        assert_eq!(ids(&store), Vec::<String>::new());
        add(&store, "cus_2");
        drop(store);
        assert_eq!(ids(&open(&path).expect("opened again")), ["cus_2"]);
        assert_eq!(
            fs::read_to_string(folder.path().join("state.jsonl.old")).expect("kept"),
            earlier
        );
    }

    #[test]
    fn a_failed_transaction_changes_nothing() {
        let store = Store::open(None, Arc::new(SystemClock), "".into()).expect("opened");
        let outcome = store.transact(|tx| {
            tx.put(Customer { id: "cus_1".to_owned(), ..Customer::default() });
            Err::<(), _>(io::Error::other("no"))
        });
        assert!(outcome.is_err());
        assert_eq!(ids(&store), Vec::<String>::new());
    }
}

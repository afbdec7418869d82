//! Work that several callers want at once is done once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::OnceCell;

/// What is being done now, by key. Holds an entry only while somebody waits for it.
#[derive(Debug)]
pub(crate) struct Flights<K, T>(Mutex<HashMap<K, Weak<OnceCell<T>>>>);

/// One caller's part in it.
struct Flight<'a, K: Copy + Eq + Hash, T> {
    flights: &'a Flights<K, T>,
    key: K,
    cell: Arc<OnceCell<T>>,
}

impl<K: Copy + Eq + Hash, T: Copy> Flights<K, T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// The result of `work`, or of that which another caller does under the same key already. Where the one who does it goes
    /// away, one of those who wait does it anew. A result is for those who waited for it, not for who comes later.
    pub(crate) async fn share<F>(&self, key: K, work: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T>,
    {
        let flight = self.join(key);
        *flight.cell.get_or_init(work).await
    }

    fn join(&self, key: K) -> Flight<'_, K, T> {
        let mut flights = self.lock();
        let running = flights.get(&key).and_then(Weak::upgrade);
        let cell = running.unwrap_or_else(|| {
            let cell = Arc::default();
            flights.insert(key, Arc::downgrade(&cell));
            cell
        });
        Flight { flights: self, key, cell }
    }
}

impl<K, T> Flights<K, T> {
    /// Nothing panics under the lock, so that a poisoned one holds a sound state.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Weak<OnceCell<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash, T> Drop for Flight<'_, K, T> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        let is_over = self.cell.initialized() || Arc::strong_count(&self.cell) == 1;
        // Another flight may have taken the place of one that is over.
        let is_ours = flights
            .get(&self.key)
            .is_some_and(|cell| std::ptr::eq(cell.as_ptr(), Arc::as_ptr(&self.cell)));
        if is_over && is_ours {
            flights.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[derive(Debug)]
    struct Field {
        flights: Flights<u8, usize>,
        begun: AtomicUsize,
        go: Notify,
    }

    impl Field {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                flights: Flights::new(),
                begun: AtomicUsize::new(0),
                go: Notify::new(),
            })
        }

        fn call(self: &Arc<Self>, key: u8) -> tokio::task::JoinHandle<usize> {
            let field = Arc::clone(self);
            tokio::spawn(async move {
                let work = async || {
                    let begun = field.begun.fetch_add(1, Ordering::SeqCst) + 1;
                    field.go.notified().await;
                    begun
                };
                field.flights.share(key, work).await
            })
        }

        fn begun(&self) -> usize {
            self.begun.load(Ordering::SeqCst)
        }
    }

    /// On the test's one thread, every task has run as far as it can after so many turns.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn those_who_want_the_same_share_one_run_and_the_next_gets_another() {
        let field = Field::new();
        let calls: Vec<_> = (0..50).map(|_| field.call(1)).collect();
        settle().await;
        assert_eq!(field.begun(), 1);
        field.go.notify_one();
        for call in calls {
            assert_eq!(call.await.unwrap(), 1);
        }
        assert!(field.flights.lock().is_empty());
        field.go.notify_one();
        assert_eq!(field.call(1).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn different_keys_do_not_wait_for_each_other() {
        let field = Field::new();
        let calls = [field.call(1), field.call(2)];
        settle().await;
        assert_eq!(field.begun(), 2);
        field.go.notify_waiters();
        for call in calls {
            call.await.unwrap();
        }
    }

    #[tokio::test]
    async fn where_the_first_caller_goes_away_another_one_does_the_work() {
        let field = Field::new();
        let first = field.call(1);
        settle().await;
        let second = field.call(1);
        settle().await;
        first.abort();
        settle().await;
        assert_eq!(field.begun(), 2);
        field.go.notify_one();
        assert_eq!(second.await.unwrap(), 2);
        let third = field.call(1);
        settle().await;
        third.abort();
        settle().await;
        assert!(field.flights.lock().is_empty(), "nobody waits for anything");
    }
}

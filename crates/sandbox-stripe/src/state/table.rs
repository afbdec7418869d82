//! Records of one kind: by id, in creation order, and by customer or product.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use crate::model::Record;

/// A table. Lists use insertion order, because Stripe's times have a resolution of one second.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: BTreeMap<u64, T>,
    by_id: HashMap<String, u64>,
    by_owner: HashMap<String, BTreeSet<u64>>,
    next: u64,
}

/// The start of a page in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Start at the newest.
    Start,
    /// Continue with older records than this position.
    OlderThan(u64),
    /// Continue with newer records than this position, nearest first.
    NewerThan(u64),
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), by_id: HashMap::new(), by_owner: HashMap::new(), next: 0 }
    }
}

impl<T> Table<T> {
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.by_id.get(id)?)
    }

    /// Returns the record's position in the order.
    pub(crate) fn position(&self, id: &str) -> Option<u64> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = &T> {
        self.rows.values()
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &T> {
        self.rows.values().rev()
    }

    /// Returns the records of an owner, newest first.
    pub(crate) fn of(&self, owner: &str) -> impl Iterator<Item = &T> {
        self.by_owner
            .get(owner)
            .into_iter()
            .flatten()
            .rev()
            .filter_map(|position| self.rows.get(position))
    }

    /// Returns the records from a cursor on, of one owner or of all.
    pub(crate) fn from(
        &self,
        cursor: Cursor,
        owner: Option<&str>,
    ) -> Box<dyn Iterator<Item = &T> + '_> {
        let (low, high) = match cursor {
            Cursor::Start => (Bound::Unbounded, Bound::Unbounded),
            Cursor::OlderThan(position) => (Bound::Unbounded, Bound::Excluded(position)),
            Cursor::NewerThan(position) => (Bound::Excluded(position), Bound::Unbounded),
        };
        let positions: Box<dyn DoubleEndedIterator<Item = &T> + '_> = match owner {
            Some(owner) => Box::new(
                self.by_owner
                    .get(owner)
                    .into_iter()
                    .flat_map(move |owned| owned.range((low, high)))
                    .filter_map(|position| self.rows.get(position)),
            ),
            None => Box::new(self.rows.range((low, high)).map(|(_, record)| record)),
        };
        if matches!(cursor, Cursor::NewerThan(_)) { positions } else { Box::new(positions.rev()) }
    }
}

impl<T: Record> Table<T> {
    /// Inserts the record, or replaces the record with its id.
    pub(super) fn put(&mut self, record: T) {
        let position = self.by_id.get(record.id()).copied().unwrap_or(self.next);
        if let Some(before) = self.rows.get(&position) {
            let owner = before.owner().map(str::to_owned);
            self.remove_from_owner(owner.as_deref(), position);
        } else {
            self.next = position + 1;
            self.by_id.insert(record.id().to_owned(), position);
        }
        if let Some(owner) = record.owner() {
            self.by_owner.entry(owner.to_owned()).or_default().insert(position);
        }
        self.rows.insert(position, record);
    }

    pub(super) fn remove(&mut self, id: &str) {
        let Some(position) = self.by_id.remove(id) else { return };
        if let Some(record) = self.rows.remove(&position) {
            self.remove_from_owner(record.owner(), position);
        }
    }

    fn remove_from_owner(&mut self, owner: Option<&str>, position: u64) {
        let Some(owner) = owner else { return };
        if let Some(owned) = self.by_owner.get_mut(owner) {
            owned.remove(&position);
            if owned.is_empty() {
                self.by_owner.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Row(&'static str, Option<&'static str>);

    impl Record for Row {
        fn id(&self) -> &str {
            self.0
        }
        fn owner(&self) -> Option<&str> {
            self.1
        }
    }

    fn ids<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<&'static str> {
        rows.map(|row| row.0).collect()
    }

    #[test]
    fn a_record_keeps_its_position_when_it_changes_and_moves_to_its_new_owner() {
        let mut table = Table::default();
        for row in [Row("a", Some("x")), Row("b", Some("y")), Row("c", Some("x"))] {
            table.put(row);
        }
        table.put(Row("a", Some("y")));
        assert_eq!(ids(table.newest_first()), ["c", "b", "a"]);
        assert_eq!(ids(table.of("x")), ["c"]);
        assert_eq!(ids(table.of("y")), ["b", "a"]);
        table.remove("b");
        assert_eq!(ids(table.of("y")), ["a"]);
        assert_eq!(table.get("b"), None);
    }

    #[test]
    fn cursors_walk_both_ways() {
        let mut table = Table::default();
        for row in
            [Row("a", Some("x")), Row("b", Some("y")), Row("c", Some("x")), Row("d", Some("x"))]
        {
            table.put(row);
        }
        let c = table.position("c").expect("there");
        assert_eq!(ids(table.from(Cursor::Start, None)), ["d", "c", "b", "a"]);
        assert_eq!(ids(table.from(Cursor::OlderThan(c), Some("x"))), ["a"]);
        let a = table.position("a").expect("there");
        assert_eq!(ids(table.from(Cursor::NewerThan(a), Some("x"))), ["c", "d"]);
    }
}

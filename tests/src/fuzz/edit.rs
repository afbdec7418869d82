//! Small random edits of a good text.

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::{Index, select};

/// An edit at one position.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Inserts this text.
    Insert(Index, String),
    /// Removes up to this number of characters.
    Delete(Index, usize),
    /// Replaces one character by this text.
    Replace(Index, String),
    /// Repeats up to this number of characters.
    Repeat(Index, usize),
    /// Changes the case of one letter.
    SwapCase(Index),
    /// Truncates the text at this position.
    Cut(Index),
}

/// Generates edits with text from `pieces` or any character. Most inputs get none, others one to
/// three.
pub fn edits(pieces: &'static [&'static str]) -> BoxedStrategy<Vec<Edit>> {
    let piece = || prop_oneof![3 => select(pieces).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    let edit = prop_oneof![
        4 => (any::<Index>(), piece()).prop_map(|(at, text)| Edit::Insert(at, text)),
        2 => (any::<Index>(), 1_usize..6).prop_map(|(at, length)| Edit::Delete(at, length)),
        4 => (any::<Index>(), piece()).prop_map(|(at, text)| Edit::Replace(at, text)),
        1 => (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Edit::Repeat(at, length)),
        1 => any::<Index>().prop_map(Edit::SwapCase),
        1 => any::<Index>().prop_map(Edit::Cut),
    ];
    prop_oneof![3 => Just(Vec::new()), 2 => vec(edit, 1..4)].boxed()
}

/// Applies all edits in order.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    edits.iter().fold(text.to_owned(), |text, edit| edit.apply(&text))
}

impl Edit {
    fn apply(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let at = |index: &Index, length: usize| if length == 0 { 0 } else { index.index(length) };
        let join = |parts: [&[char]; 3]| parts.concat().into_iter().collect::<String>();
        match self {
            Self::Insert(index, new) => {
                let at = at(index, chars.len() + 1);
                join([&chars[..at], &new.chars().collect::<Vec<_>>(), &chars[at..]])
            }
            Self::Delete(index, length) => {
                let at = at(index, chars.len());
                join([&chars[..at], &[], &chars[(at + length).min(chars.len())..]])
            }
            Self::Replace(index, new) => {
                let at = at(index, chars.len());
                join([
                    &chars[..at],
                    &new.chars().collect::<Vec<_>>(),
                    &chars[(at + 1).min(chars.len())..],
                ])
            }
            Self::Repeat(index, length) => {
                let at = at(index, chars.len());
                let end = (at + length).min(chars.len());
                join([&chars[..end], &chars[at..end], &chars[end..]])
            }
            Self::SwapCase(index) => {
                let at = at(index, chars.len());
                let swap = |c: char| {
                    if c.is_ascii_lowercase() {
                        c.to_ascii_uppercase()
                    } else {
                        c.to_ascii_lowercase()
                    }
                };
                chars
                    .iter()
                    .enumerate()
                    .map(|(place, c)| if place == at { swap(*c) } else { *c })
                    .collect()
            }
            Self::Cut(index) => chars[..at(index, chars.len() + 1)].iter().collect(),
        }
    }
}

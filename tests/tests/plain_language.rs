//! Sources and documents do not contain the words that `tests/data/plain_language.toml` lists.

use std::collections::BTreeSet;

use serde::Deserialize;
use workspace_tests::binary::workspace_root;
use workspace_tests::repository::text_files;

/// The file with the words. It is the only file that may contain all of them.
const WORD_LIST: &str = "tests/data/plain_language.toml";

/// Limit of the exceptions.
const MOST_EXCEPTIONS: usize = 19;

/// Characters between two words of a phrase: white space, `_`, and the marks of comments and
/// strings that continue on the next line.
const WITHIN_PHRASE: &str = " \t\r\n_-/!#*>|\\\"";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordList {
    words: Vec<String>,
    not_ours: Vec<String>,
    vendor_folder: String,
    exception: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    file: String,
    word: String,
    reason: String,
}

impl WordList {
    fn read() -> Self {
        let path = workspace_root().join(WORD_LIST);
        let text = std::fs::read_to_string(path).expect("the word list can be read");
        toml::from_str(&text).expect("the word list is well-formed")
    }

    fn is_ours(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let matches = |pattern: &String| {
            let text = if pattern.contains('/') { path } else { name };
            match pattern.strip_suffix('*') {
                Some(start) => text.starts_with(start),
                None => text == pattern,
            }
        };
        path != WORD_LIST
            && !self.not_ours.iter().any(matches)
            && !path.split('/').any(|folder| folder == self.vendor_folder)
    }

    fn excepts(&self, path: &str, word: &str) -> bool {
        self.exception.iter().any(|exception| exception.file == path && exception.word == word)
    }
}

/// A word of a text, in lower case.
struct Word {
    text: String,
    line: usize,
    /// Whether only characters of [`WITHIN_PHRASE`] separate it from the word before.
    follows: bool,
}

/// Splits a text into words. `_` and a capital letter after a small one separate words.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut line = 1;
    let mut before = None;
    let mut follows = false;

    for character in text.chars() {
        if character.is_alphabetic() {
            let continues = before.is_some_and(char::is_alphabetic)
                && !(character.is_uppercase() && before.is_some_and(char::is_lowercase));
            match words.last_mut() {
                Some(word) if continues => word.text.extend(character.to_lowercase()),
                _ => {
                    let text = character.to_lowercase().collect();
                    words.push(Word { text, line, follows });
                    follows = true;
                }
            }
        } else {
            follows &= WITHIN_PHRASE.contains(character);
        }
        line += usize::from(character == '\n');
        before = Some(character);
    }
    words
}

/// The lines of a text that contain a word or phrase.
fn lines_with(words: &[Word], phrase: &str) -> BTreeSet<usize> {
    let parts: Vec<&str> = phrase.split(' ').collect();
    let is_match = |window: &&[Word]| {
        window.iter().zip(&parts).all(|(word, part)| word.text == *part)
            && window[1..].iter().all(|word| word.follows)
    };
    words.windows(parts.len()).filter(is_match).map(|window| window[0].line).collect()
}

#[test]
fn sources_and_documents_contain_no_word_of_the_list() {
    let list = WordList::read();
    let mut found = Vec::new();
    let mut used = BTreeSet::new();

    for file in text_files(workspace_root()).iter().filter(|file| list.is_ours(&file.path)) {
        let words = words(&file.text);
        for phrase in &list.words {
            let lines = lines_with(&words, phrase);
            if list.excepts(&file.path, phrase) && !lines.is_empty() {
                used.insert((file.path.clone(), phrase.clone()));
                continue;
            }
            found.extend(lines.iter().map(|line| format!("{}:{line}: `{phrase}`", file.path)));
        }
    }

    let unused = list
        .exception
        .iter()
        .filter(|exception| !used.contains(&(exception.file.clone(), exception.word.clone())))
        .map(|exception| {
            format!("{WORD_LIST}: `{}` in {} is not needed", exception.word, exception.file)
        });
    found.extend(unused);
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_exception_has_a_reason_and_there_are_few() {
    let list = WordList::read();
    assert!(list.exception.len() <= MOST_EXCEPTIONS, "{} exceptions", list.exception.len());

    let pairs: BTreeSet<_> =
        list.exception.iter().map(|exception| (&exception.file, &exception.word)).collect();
    assert_eq!(pairs.len(), list.exception.len(), "an exception is in the list twice");

    for exception in &list.exception {
        assert!(exception.reason.len() > 20, "{}: `{}`", exception.file, exception.word);
        assert!(list.words.contains(&exception.word), "`{}` is not a word", exception.word);
    }
}

#[test]
fn words_are_found_in_prose_identifiers_and_across_lines() {
    let lines = |text: &str, phrase: &str| -> Vec<usize> {
        lines_with(&words(text), phrase).into_iter().collect()
    };
    assert_eq!(lines("one\nTwo, ONE", "one"), [1, 2]);
    assert_eq!(lines("fn is_one() {}\nstruct NoOneHere;\nsomeone, ones", "one"), [1, 2]);
    assert_eq!(lines("/// as\n    /// far\nas_far", "as far"), [1, 3]);
    assert_eq!(lines("let x = \"as \\\n   far\";", "as far"), [1]);
    assert_eq!(lines("as. Far, as 2 far, far as", "as far"), Vec::<usize>::new());
    assert_eq!(lines("one's", "one"), [1]);
}

#[test]
fn files_of_other_projects_are_not_checked() {
    let list = WordList::read();
    for path in
        ["Cargo.lock", "LICENSE-MIT", "docs/LICENSE-b", "crates/a/vendor/bundle.js", WORD_LIST]
    {
        assert!(!list.is_ours(path), "{path}");
    }
    for path in ["Cargo.toml", "README.md", "tests/data/stripe/newer-than-schema.toml"] {
        assert!(list.is_ours(path), "{path}");
    }
}

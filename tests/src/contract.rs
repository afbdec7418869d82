//! The rules and the error codes that `docs/contract.md` defines.

use std::collections::BTreeSet;

use crate::binary::workspace_root;

/// Reads a page of `docs`.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn document(name: &str) -> String {
    let path = workspace_root().join("docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Returns the rules of the contract: bold words of a letter and digits, such as `H1`.
///
/// # Panics
/// When the page has too few.
#[must_use]
pub fn rules() -> BTreeSet<String> {
    let text = document("contract.md");
    let bold = text.split("**").skip(1).step_by(2);
    let first_words = bold.filter_map(|words| words.split([' ', '.', ':']).next());
    let rules: BTreeSet<String> =
        first_words.filter(|word| is_rule(word)).map(str::to_owned).collect();
    assert!(rules.len() > 30, "the rules of docs/contract.md were not found: {rules:?}");
    rules
}

/// Returns the error codes of the contract: the second column of E1's table.
///
/// # Panics
/// When the page has too few.
#[must_use]
pub fn error_codes() -> BTreeSet<String> {
    let codes = codes(&document("contract.md"));
    assert!(codes.len() > 20, "the codes of docs/contract.md were not found: {codes:?}");
    codes
}

/// Returns the codes in those tables of a page whose first column contains error statuses.
#[must_use]
pub fn codes(text: &str) -> BTreeSet<String> {
    let statuses = |cell: &str| {
        cell.split(',').all(|status| status.trim().parse::<u16>().is_ok_and(|s| s >= 400))
    };
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once('|'));
    let cells =
        rows.filter(|(status, _)| statuses(status)).filter_map(|(_, rest)| rest.split('|').next());
    cells.flat_map(in_backticks).map(str::to_owned).collect()
}

/// Returns the words in backticks.
pub fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Returns the tests that a page cites, such as `C4::alg_none`, without their store.
///
/// # Panics
/// When the page cites too few.
#[must_use]
pub fn cited_tests(text: &str) -> BTreeSet<&str> {
    let is_name = |case: &str| {
        case.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let is_test = |word: &&str| {
        word.split_once("::").is_some_and(|(rule, case)| is_rule(rule) && is_name(case))
    };
    let cited: BTreeSet<&str> = in_backticks(text).filter(is_test).collect();
    assert!(cited.len() > 60, "only {} tests are cited", cited.len());
    cited
}

/// Returns whether a word is a capital letter followed by digits.
#[must_use]
pub fn is_rule(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(|first| first.is_ascii_uppercase())
        && word.len() > 1
        && characters.all(|other| other.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_is_a_capital_letter_and_digits() {
        assert!(is_rule("H1") && is_rule("C10"));
        for word in ["", "H", "h1", "1H", "H1a", "JWT"] {
            assert!(!is_rule(word), "{word}");
        }
    }

    #[test]
    fn codes_are_read_from_rows_of_errors_only() {
        let text =
            "| status | code |\n|---|---|\n| 404, 405 | `a`, `b` | `c` |\n| 200 | `d` | |\n`e`";
        assert_eq!(codes(text), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    }
}

//! Words for messages: lists of choices, and the name that was likely meant.

/// `a, b, or c`, as Stripe's messages list words.
pub(super) fn enumerate(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first, second] => format!("{first} or {second}"),
        [most @ .., last] => format!("{}, or {last}", most.join(", ")),
    }
}

/// The known name that a mistyped one was likely meant to be.
pub(super) fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    // A name far longer than any known one is nobody's typo, and its distance would cost time.
    if name.len() > 64 {
        return None;
    }
    let (distance, best) =
        known.iter().map(|candidate| (edit_distance(name, candidate), *candidate)).min()?;
    (distance <= 2 || distance * 4 <= best.len()).then_some(best)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

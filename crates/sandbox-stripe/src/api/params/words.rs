//! Wording of parameter errors: lists of choices and "did you mean" suggestions.

/// Lists words as Stripe's messages do: `a, b, or c`.
pub(super) fn enumerate(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first, second] => format!("{first} or {second}"),
        [rest @ .., last] => format!("{}, or {last}", rest.join(", ")),
    }
}

/// Returns the known name that is closest to a mistyped one.
pub(super) fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    // Edit distance is quadratic. A name this long is no typo of a known one.
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

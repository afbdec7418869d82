//! Links, headings and line lengths of Markdown pages.

use std::collections::{BTreeMap, BTreeSet};

/// A link or an image of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Line of the page, from 1.
    pub line: usize,
    /// Target as written, without a title.
    pub target: String,
}

/// Limit of a line outside code blocks and tables, in characters.
pub const LINE_LENGTH: usize = 100;
/// Limit of a table cell, in characters.
pub const CELL_LENGTH: usize = 120;

/// Returns the lines outside fenced code blocks, each with its number.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return Some((index + 1, line)),
            _ => {}
        }
        None
    })
}

/// Replaces the inline code of a line by spaces.
fn without_code(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    let closed = parts.len() % 2 == 1;
    let replace = |(index, part): (usize, &&str)| {
        if closed && index % 2 == 1 { " ".repeat(part.chars().count()) } else { (*part).to_owned() }
    };
    parts.iter().enumerate().map(replace).collect::<Vec<_>>().join(" ")
}

/// Returns the links and images of a page: `[text](target)`, `[label]: target` and `<https://…>`.
#[must_use]
pub fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        let mut add = |target: &str| {
            let target = target.split_whitespace().next().unwrap_or_default();
            links.push(Link { line: number, target: target.trim_matches(['<', '>']).to_owned() });
        };

        for rest in line.split("](").skip(1) {
            add(rest.split(')').next().unwrap_or_default());
        }
        if let Some((label, target)) = line.split_once("]: ")
            && label.starts_with('[')
        {
            add(target);
        }
        for rest in line.split("<http").skip(1) {
            add(&format!("http{}", rest.split('>').next().unwrap_or_default()));
        }
    }
    links
}

/// Returns the anchors of a page's headings, as GitHub forms them.
#[must_use]
pub fn anchors(text: &str) -> BTreeSet<String> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        let Some(heading) = line.get(level..).and_then(|rest| rest.strip_prefix(' ')) else {
            continue;
        };
        if !(1..=6).contains(&level) {
            continue;
        }
        let slug = slug(heading);
        let count = uses.entry(slug.clone()).or_default();
        anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
        *count += 1;
    }
    anchors
}

/// Forms the anchor of a heading: lower case, without punctuation, `-` for each space.
fn slug(heading: &str) -> String {
    let mut visible = String::new();
    let mut rest = heading;
    // Of a link only the text counts.
    while let Some((before, after)) = rest.split_once("](") {
        visible.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    visible.push_str(rest);

    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    visible
        .trim()
        .to_lowercase()
        .chars()
        .filter(is_kept)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Returns the lines and table cells that are too long, each with its line number.
///
/// A line that is one long word, such as a link on a line of its own, cannot be shorter.
#[must_use]
pub fn too_long(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        if line.starts_with('|') {
            let cells = line.replace("\\|", "¦");
            let longest = cells.split('|').map(|cell| cell.trim().chars().count()).max();
            if let Some(length) = longest.filter(|length| *length > CELL_LENGTH) {
                found.push(format!("{number}: a table cell has {length} characters"));
            }
            continue;
        }
        let length = line.chars().count();
        if length > LINE_LENGTH && line.split_whitespace().count() > 2 {
            found.push(format!("{number}: the line has {length} characters"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let text = "\
[a](b.md) and ![c](d.png \"title\"), `[x](y)`
[![badge](badge.svg)](target.md#part)
```
[not](here.md)
```
<https://example.com/a>
[label]: https://example.com/b
";
        let found: Vec<(usize, String)> =
            links(text).into_iter().map(|link| (link.line, link.target)).collect();
        let expected = [
            (1, "b.md"),
            (1, "d.png"),
            (2, "badge.svg"),
            (2, "target.md#part"),
            (6, "https://example.com/a"),
            (7, "https://example.com/b"),
        ];
        assert_eq!(found, expected.map(|(line, target)| (line, target.to_owned())));
    }

    #[test]
    fn anchors_follow_the_rules_of_github() {
        let text = "# `GET /docs` & more\n## A.B c\n## A.B c\n## [Text](x.md) two\n## 한국어 문서\n```\n# code\n```\n";
        let expected = ["get-docs--more", "ab-c", "ab-c-1", "text-two", "한국어-문서"];
        assert_eq!(anchors(text), expected.map(str::to_owned).into());
    }

    #[test]
    fn lines_and_cells_have_limits() {
        let long = "word ".repeat(21);
        assert_eq!(too_long(&format!("{long}\n```\n{long}\n```\n")).len(), 1);
        assert!(too_long(&format!("- {}", "x".repeat(200))).is_empty());
        let cell = "word ".repeat(25);
        assert_eq!(too_long(&format!("| a | {cell} |\n| {long} | {long} |")).len(), 1);
    }
}

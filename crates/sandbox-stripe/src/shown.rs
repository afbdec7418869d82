//! Texts that somebody else has written, as pages and documents show them.

/// The text as one line: white space is a space, and what controls instead of being read is left out, such as the marks
/// that turn the direction of writing.
pub(crate) fn plain(text: &str) -> String {
    let read = |c: &char| {
        !steers(*c)
            && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            && !matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{ffff}' | '\u{e0000}'..)
    };
    let spaced: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(read).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the character controls a terminal, a file or the direction of writing, and is none that anybody writes.
pub(crate) fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_steers() {
        assert_eq!(plain("a\u{202e}b\tc\r\nd\u{0}\u{1b}[31m  e\u{200f}\u{feff}"), "ab c d[31m e");
        assert_eq!(plain("김철수 👩\u{200d}💻 שלום"), "김철수 👩💻 שלום");
        assert_eq!(plain("\u{2066}\u{7f}"), "");
    }
}

//! Makes texts from clients safe to show on pages and documents.

/// Returns the text as one line. White space becomes a space; control characters and invisible
/// marks, such as those that change the writing direction, are removed.
pub(crate) fn plain(text: &str) -> String {
    let visible = |c: &char| {
        !is_control(*c)
            && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            && !matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{ffff}' | '\u{e0000}'..)
    };
    let spaced: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(visible).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns whether the character controls a terminal, a file or the writing direction.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_direction_marks_are_removed() {
        assert_eq!(plain("a\u{202e}b\tc\r\nd\u{0}\u{1b}[31m  e\u{200f}\u{feff}"), "ab c d[31m e");
        assert_eq!(plain("김철수 👩\u{200d}💻 שלום"), "김철수 👩💻 שלום");
        assert_eq!(plain("\u{2066}\u{7f}"), "");
    }
}

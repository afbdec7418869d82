//! Text widths, line breaking and glyph selection.

/// A font weight. The Korean font has one weight; an outline makes it bold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// A glyph of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    /// Helvetica, at this WinAnsi code.
    Latin(u8),
    /// The Korean font, at this UTF-16 code.
    Korean(u16),
}

/// The won sign. Fonts disagree about its width, so it is drawn as a W with two lines.
pub(super) const WON: char = '₩';

/// Returns a character's glyph, and whether it represents the character exactly. A character
/// without a glyph becomes a question mark; copied text keeps it.
pub(super) fn glyph(c: char) -> (Glyph, bool) {
    if let Some(byte) = win_ansi(c) {
        return (Glyph::Latin(byte), c != '\u{a0}');
    }
    if c == WON {
        return (Glyph::Latin(b'W'), false);
    }
    match (c, u16::try_from(u32::from(c))) {
        // The Hangul, kana, ideographs and signs of the collection Adobe-Korea1.
        (
            '\u{3000}'..='\u{30ff}'
            | '\u{3131}'..='\u{318e}'
            | '\u{3200}'..='\u{33ff}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff01}'..='\u{ff5e}',
            Ok(code),
        ) => (Glyph::Korean(code), true),
        _ => (Glyph::Latin(without_marks(c).unwrap_or(b'?')), false),
    }
}

/// Returns the width of a text in points.
pub(super) fn width(text: &str, weight: Weight, size: f32) -> f32 {
    let units: f32 = text.chars().map(|c| f32::from(units(glyph(c).0, weight))).sum();
    units * size / 1_000.0
}

/// Breaks a text into lines of at max_lines `limit` points, and truncates it with an ellipsis after
/// `max_lines` lines.
pub(super) fn wrap(
    text: &str,
    weight: Weight,
    size: f32,
    limit: f32,
    max_lines: usize,
) -> Vec<String> {
    let fits = |line: &str| width(line, weight, size) <= limit;
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if fits(&joined) {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if !fits(&line) && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::replace(&mut line, c.to_string()));
            }
        }
    }
    lines.push(line);
    if lines.len() > max_lines {
        lines.truncate(max_lines);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && !fits(&format!("{last}…")) {
                last.pop();
            }
            last.push('…');
        }
    }
    lines
}

fn units(glyph: Glyph, weight: Weight) -> u16 {
    match glyph {
        Glyph::Latin(byte) => {
            let widths = match weight {
                Weight::Regular => &REGULAR,
                Weight::Bold => &BOLD,
            };
            usize::from(byte)
                .checked_sub(32)
                .and_then(|index| widths.get(index))
                .copied()
                .unwrap_or_default()
        }
        Glyph::Korean(_) => 1_000,
    }
}

/// The differences from Latin-1 (PDF 32000-1, annex D.2).
const SPECIAL: [(u8, char); 27] = [
    (0x80, '€'),
    (0x82, '‚'),
    (0x83, 'ƒ'),
    (0x84, '„'),
    (0x85, '…'),
    (0x86, '†'),
    (0x87, '‡'),
    (0x88, 'ˆ'),
    (0x89, '‰'),
    (0x8a, 'Š'),
    (0x8b, '‹'),
    (0x8c, 'Œ'),
    (0x8e, 'Ž'),
    (0x91, '‘'),
    (0x92, '’'),
    (0x93, '“'),
    (0x94, '”'),
    (0x95, '•'),
    (0x96, '–'),
    (0x97, '—'),
    (0x98, '˜'),
    (0x99, '™'),
    (0x9a, 'š'),
    (0x9b, '›'),
    (0x9c, 'œ'),
    (0x9e, 'ž'),
    (0x9f, 'Ÿ'),
];

fn win_ansi(c: char) -> Option<u8> {
    match c {
        '\u{a0}' => Some(b' '),
        ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}' => u8::try_from(u32::from(c)).ok(),
        _ => SPECIAL.iter().find(|(_, special)| *special == c).map(|(byte, _)| *byte),
    }
}

/// The letters of Latin Extended-A without their marks, in code point order.
const EXTENDED_A: &[u8; 128] =
    b"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiJjJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRr\
SsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

fn without_marks(c: char) -> Option<u8> {
    EXTENDED_A.get(usize::try_from(u32::from(c)).ok()?.checked_sub(0x100)?).copied()
}

/// The widths of Helvetica and its bold, from the space on, in thousandths of the font size.
#[rustfmt::skip]
const REGULAR: [u16; 224] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, 0,
    556, 0, 222, 556, 333, 1000, 556, 556, 333, 1000, 667, 333, 1000, 0, 611, 0,
    0, 222, 222, 333, 333, 350, 556, 1000, 333, 1000, 500, 333, 944, 0, 500, 667,
    278, 333, 556, 556, 556, 556, 260, 556, 333, 737, 370, 556, 584, 333, 737, 333,
    400, 584, 333, 333, 333, 556, 537, 278, 333, 333, 365, 556, 834, 834, 834, 611,
    667, 667, 667, 667, 667, 667, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278,
    722, 722, 778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611,
    556, 556, 556, 556, 556, 556, 889, 500, 556, 556, 556, 556, 278, 278, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 584, 611, 556, 556, 556, 556, 500, 556, 500,
];

#[rustfmt::skip]
const BOLD: [u16; 224] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
    975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
    333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
    611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584, 0,
    556, 0, 278, 556, 500, 1000, 556, 556, 333, 1000, 667, 333, 1000, 0, 611, 0,
    0, 278, 278, 500, 500, 350, 556, 1000, 333, 1000, 556, 333, 944, 0, 500, 667,
    278, 333, 556, 556, 556, 556, 280, 556, 333, 737, 370, 556, 584, 333, 737, 333,
    400, 584, 333, 333, 333, 611, 556, 278, 333, 333, 365, 556, 834, 834, 834, 611,
    722, 722, 722, 722, 722, 722, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278,
    722, 722, 778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611,
    556, 556, 556, 556, 556, 556, 889, 556, 556, 556, 556, 556, 278, 278, 278, 278,
    611, 611, 611, 611, 611, 611, 611, 584, 611, 611, 611, 611, 611, 556, 611, 556,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_use_the_font_that_has_them() {
        assert_eq!(glyph('é'), (Glyph::Latin(0xe9), true));
        assert_eq!(glyph('€'), (Glyph::Latin(0x80), true));
        assert_eq!(glyph('김'), (Glyph::Korean(0xae40), true));
        assert_eq!(glyph('₩'), (Glyph::Latin(b'W'), false));
        assert_eq!(glyph('ř'), (Glyph::Latin(b'r'), false));
        assert_eq!(glyph('Ł'), (Glyph::Latin(b'L'), false));
        assert_eq!(glyph('ż'), (Glyph::Latin(b'z'), false));
        for c in ['ش', '👩', '\u{0}'] {
            assert_eq!(glyph(c), (Glyph::Latin(b'?'), false));
        }
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_are_split() {
        let wrap = |text: &str, limit: f32, max_lines: usize| {
            wrap(text, Weight::Regular, 10.0, limit, max_lines)
        };
        assert_eq!(wrap("one two three", 45.0, 9), ["one two", "three"]);
        assert_eq!(wrap("가나다라마바사", 30.0, 9), ["가나다", "라마바", "사"]);
        assert_eq!(wrap("", 30.0, 9), [""]);
        assert_eq!(wrap("one two three four", 40.0, 2), ["one two", "three…"]);
        assert_eq!(wrap("가나다라마바사", 30.0, 1), ["가나…"]);
        assert_eq!(wrap("wide", 1.0, 2), ["w", "…"]);
        for line in wrap(&"x".repeat(5_000), 100.0, 3) {
            assert!(width(&line, Weight::Regular, 10.0) <= 100.0);
        }
    }
}

//! Pages to draw on, measured in points from the top left corner.

use std::collections::BTreeSet;

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Name, Str, TextStr};

use super::metrics::{self, Glyph, WON, Weight};

/// A4.
pub(super) const PAGE_WIDTH: f32 = 595.0;
pub(super) const PAGE_HEIGHT: f32 = 842.0;

pub(super) const REGULAR: Name<'static> = Name(b"F1");
pub(super) const BOLD: Name<'static> = Name(b"F2");
pub(super) const KOREAN: Name<'static> = Name(b"F3");

/// An RGB colour.
pub(super) type Colour = [u8; 3];

/// A text style.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) weight: Weight,
    pub(super) size: f32,
    pub(super) colour: Colour,
}

impl Style {
    pub(super) fn width(self, text: &str) -> f32 {
        metrics::width(text, self.weight, self.size)
    }

    pub(super) fn wrap(self, text: &str, limit: f32, max_lines: usize) -> Vec<String> {
        metrics::wrap(text, self.weight, self.size, limit, max_lines)
    }
}

/// The pages and the current page.
pub(super) struct Canvas {
    pub(super) pages: Vec<Content>,
    /// The characters drawn in the Korean font, for the table that maps them to Unicode.
    pub(super) korean: BTreeSet<u16>,
    current: usize,
}

impl Canvas {
    pub(super) fn new() -> Self {
        Self { pages: vec![Content::new()], korean: BTreeSet::new(), current: 0 }
    }

    /// Adds a page and draws on it.
    pub(super) fn turn(&mut self) {
        self.pages.push(Content::new());
        self.current = self.pages.len() - 1;
    }

    /// Draws on this page.
    pub(super) fn go_to(&mut self, page: usize) {
        self.current = page.min(self.pages.len() - 1);
    }

    /// Fills a rectangle.
    pub(super) fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        self.draw(|page| {
            set_fill(page, colour);
            page.rect(x, PAGE_HEIGHT - y - height, width, height).fill_nonzero();
        });
    }

    /// Draws text that starts at `x`, with its baseline at `y`.
    pub(super) fn write(&mut self, x: f32, y: f32, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        let glyphs: Vec<(Glyph, bool)> = text.chars().map(metrics::glyph).collect();
        let korean = glyphs.iter().filter_map(|(glyph, _)| match glyph {
            Glyph::Korean(code) => Some(*code),
            Glyph::Latin(_) => None,
        });
        self.korean.extend(korean);
        let is_plain_latin =
            glyphs.iter().all(|(glyph, exact)| *exact && matches!(glyph, Glyph::Latin(_)));
        self.draw(|page| {
            page.save_state();
            set_fill(page, style.colour);
            if is_plain_latin {
                page.begin_text();
            } else {
                // Readers without Adobe's Korean tables show no glyphs. This text, placed by an
                // invisible space, keeps the line searchable and copyable.
                page.begin_marked_content_with_properties(Name(b"Span"))
                    .properties()
                    .actual_text(TextStr(text));
                page.begin_text();
                page.set_font(REGULAR, style.size)
                    .set_text_rendering_mode(TextRenderingMode::Invisible);
                page.set_text_matrix([1.0, 0.0, 0.0, 1.0, x, PAGE_HEIGHT - y]).show(Str(b" "));
                page.set_text_rendering_mode(TextRenderingMode::Fill);
            }
            page.set_text_matrix([1.0, 0.0, 0.0, 1.0, x, PAGE_HEIGHT - y]);
            runs(page, &glyphs, style);
            page.end_text();
            for (at, won) in text.match_indices(WON) {
                let from = style.width(text.get(..at).unwrap_or_default());
                let width = style.width(won);
                for height in [0.26, 0.41] {
                    let y = PAGE_HEIGHT - y + style.size * height;
                    page.rect(x + from, y, width, style.size * 0.05).fill_nonzero();
                }
            }
            if !is_plain_latin {
                page.end_marked_content();
            }
            page.restore_state();
        });
    }

    /// Draws text that ends at `x`.
    pub(super) fn write_before(&mut self, x: f32, y: f32, text: &str, style: Style) {
        self.write(x - style.width(text), y, text, style);
    }

    pub(super) fn draw(&mut self, work: impl FnOnce(&mut Content)) {
        if let Some(page) = self.pages.get_mut(self.current) {
            work(page);
        }
    }
}

/// Draws the glyphs in runs of one font.
fn runs(page: &mut Content, glyphs: &[(Glyph, bool)], style: Style) {
    let is_korean = |glyph: &Glyph| matches!(glyph, Glyph::Korean(_));
    for run in glyphs.chunk_by(|(a, _), (b, _)| is_korean(a) == is_korean(b)) {
        let bytes: Vec<u8> = run
            .iter()
            .flat_map(|(glyph, _)| match glyph {
                Glyph::Latin(byte) => vec![*byte],
                Glyph::Korean(code) => code.to_be_bytes().to_vec(),
            })
            .collect();
        let korean = run.first().is_some_and(|(glyph, _)| is_korean(glyph));
        let bold = style.weight == Weight::Bold;
        let font = match (korean, bold) {
            (true, _) => KOREAN,
            (false, true) => BOLD,
            (false, false) => REGULAR,
        };
        if korean && bold {
            let [red, green, blue] = style.colour.map(|part| f32::from(part) / 255.0);
            page.set_stroke_rgb(red, green, blue).set_line_width(style.size * 0.03);
            page.set_text_rendering_mode(TextRenderingMode::FillStroke);
        }
        page.set_font(font, style.size).show(Str(&bytes));
        if korean && bold {
            page.set_text_rendering_mode(TextRenderingMode::Fill);
        }
    }
}

pub(super) fn set_fill(page: &mut Content, colour: Colour) {
    let [red, green, blue] = colour.map(|part| f32::from(part) / 255.0);
    page.set_fill_rgb(red, green, blue);
}

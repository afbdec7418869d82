//! The PDF file structure: fonts, page tree, title.

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use super::canvas::{BOLD, Canvas, KOREAN, PAGE_HEIGHT, PAGE_WIDTH, REGULAR};

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const INFO: Ref = Ref::new(3);
const REGULAR_FONT: Ref = Ref::new(4);
const BOLD_FONT: Ref = Ref::new(5);
const KOREAN_FONT: Ref = Ref::new(6);
const KOREAN_GLYPHS: Ref = Ref::new(7);
const KOREAN_LOOKS: Ref = Ref::new(8);
const KOREAN_MEANING: Ref = Ref::new(9);
const FIRST_PAGE: i32 = 10;

/// The font name that Adobe's readers use for Korean sans serif. Other readers use the collection.
const KOREAN_NAME: Name<'static> = Name(b"HYGoThic-Medium");
const KOREAN_NAME_ENCODED: Name<'static> = Name(b"HYGoThic-Medium-UniKS-UTF16-H");

/// The character collections of Korean and of Unicode.
const KOREA: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Korea1"), supplement: 1 };
const UNICODE: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"UCS"), supplement: 0 };

/// Writes the pages to a file.
pub(super) fn write(canvas: Canvas, title: &str, language: &str) -> Vec<u8> {
    let Canvas { pages, korean, .. } = canvas;
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG)
        .pages(PAGES)
        .lang(TextStr(language))
        .viewer_preferences()
        .display_doc_title(true);
    pdf.document_info(INFO).title(TextStr(title));
    let refs: Vec<(Ref, Ref)> = (FIRST_PAGE..)
        .step_by(2)
        .take(pages.len())
        .map(|number| (Ref::new(number), Ref::new(number.saturating_add(1))))
        .collect();
    let count = i32::try_from(refs.len()).unwrap_or(i32::MAX);
    pdf.pages(PAGES).kids(refs.iter().map(|(page, _)| *page)).count(count);
    for (content, (id, content_id)) in pages.into_iter().zip(refs) {
        let mut page = pdf.page(id);
        page.media_box(Rect::new(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT))
            .parent(PAGES)
            .contents(content_id);
        let mut resources = page.resources();
        let mut fonts = resources.fonts();
        fonts.pair(REGULAR, REGULAR_FONT).pair(BOLD, BOLD_FONT);
        if !korean.is_empty() {
            fonts.pair(KOREAN, KOREAN_FONT);
        }
        fonts.finish();
        resources.finish();
        page.finish();
        pdf.stream(content_id, &content.finish());
    }
    for (id, name) in [(REGULAR_FONT, Name(b"Helvetica")), (BOLD_FONT, Name(b"Helvetica-Bold"))] {
        pdf.type1_font(id).base_font(name).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    if !korean.is_empty() {
        korean_font(&mut pdf, korean.into_iter());
    }
    pdf.finish()
}

/// Adds a font without embedding it. Readers substitute one by the collection's names and tables.
fn korean_font(pdf: &mut Pdf, shown: impl Iterator<Item = u16>) {
    let mut font = pdf.type0_font(KOREAN_FONT);
    font.base_font(KOREAN_NAME_ENCODED).encoding_predefined(Name(b"UniKS-UTF16-H"));
    font.descendant_font(KOREAN_GLYPHS).to_unicode(KOREAN_MEANING);
    font.finish();
    let mut glyphs = pdf.cid_font(KOREAN_GLYPHS);
    glyphs.subtype(CidFontType::Type0).base_font(KOREAN_NAME).system_info(KOREA);
    glyphs.font_descriptor(KOREAN_LOOKS).default_width(1_000.0);
    glyphs.finish();
    let mut looks = pdf.font_descriptor(KOREAN_LOOKS);
    looks
        .name(KOREAN_NAME)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(-6.0, -145.0, 1_003.0, 880.0));
    looks.italic_angle(0.0).ascent(880.0).descent(-120.0).cap_height(737.0).stem_v(58.0);
    looks.finish();
    let mut meaning = UnicodeCmap::<u16>::new(Name(b"Adobe-Identity-UCS"), UNICODE);
    for code in shown {
        if let Some(c) = char::from_u32(u32::from(code)) {
            meaning.pair(code, c);
        }
    }
    pdf.cmap(KOREAN_MEANING, &meaning.finish())
        .name(Name(b"Adobe-Identity-UCS"))
        .system_info(UNICODE);
}

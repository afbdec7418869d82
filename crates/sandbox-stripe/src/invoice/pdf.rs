//! The invoice as a PDF of A4 pages.

mod canvas;
mod file;
mod metrics;
#[cfg(test)]
mod tests;

use self::canvas::{Canvas, Colour, PAGE_HEIGHT, PAGE_WIDTH, Style};
use self::metrics::Weight;
use super::document::{Document, Line, Sum};

const INK: Colour = [26, 31, 54];
const SOFT: Colour = [79, 86, 107];
const FAINT: Colour = [95, 104, 124];
const RULE: Colour = [214, 219, 228];
const ACCENT: Colour = [79, 70, 200];

const TITLE: Style = Style { weight: Weight::Bold, size: 24.0, colour: INK };
const HEADLINE: Style = Style { weight: Weight::Bold, size: 17.0, colour: INK };
const STRONG: Style = Style { weight: Weight::Bold, size: 9.5, colour: INK };
const BODY: Style = Style { weight: Weight::Regular, size: 9.5, colour: INK };
const QUIET: Style = Style { weight: Weight::Regular, size: 9.5, colour: SOFT };
const SMALL: Style = Style { weight: Weight::Regular, size: 8.0, colour: FAINT };

const LEFT: f32 = 48.0;
const RIGHT: f32 = PAGE_WIDTH - LEFT;
const TOP: f32 = 66.0;
const BOTTOM: f32 = PAGE_HEIGHT - 72.0;
const LEADING: f32 = 14.0;

/// The right edges of the table's columns. The first column takes the remaining width.
const QUANTITY: f32 = RIGHT - 190.0;
const UNIT_PRICE: f32 = RIGHT - 96.0;
const DESCRIPTION_WIDTH: f32 = QUANTITY - LEFT - 48.0;
const SUMS: f32 = RIGHT - 236.0;

/// Renders the invoice as a PDF file.
pub(super) fn render(document: &Document) -> Vec<u8> {
    let mut canvas = Canvas::new();
    let mut y = head(&mut canvas, document);
    y = table_head(&mut canvas, document, y);
    for line in &document.lines {
        y = row(&mut canvas, document, line, y);
    }
    sums(&mut canvas, document, y);
    feet(&mut canvas, document);
    let title = format!("{} {}", document.words.invoice, document.number);
    file::write(canvas, &title, document.language.tag())
}

/// Draws everything above the table and returns the y position below it.
fn head(canvas: &mut Canvas, document: &Document) -> f32 {
    canvas.fill(0.0, 0.0, PAGE_WIDTH, 6.0, ACCENT);
    canvas.write(LEFT, TOP + 8.0, document.words.invoice, TITLE);
    brand(canvas, document.seller);
    let mut y = TOP + 46.0;
    let label_width =
        document.facts.iter().map(|fact| STRONG.width(fact.label)).fold(0.0, f32::max) + 18.0;
    for (index, fact) in document.facts.iter().enumerate() {
        let style = if index == 0 { STRONG } else { BODY };
        canvas.write(LEFT, y, fact.label, style);
        for part in style.wrap(&fact.value, RIGHT - LEFT - label_width, 2) {
            canvas.write(LEFT + label_width, y, &part, style);
            y += LEADING;
        }
    }
    y += 22.0;
    let column = (LEFT + RIGHT) / 2.0;
    let width = (RIGHT - LEFT) / 2.0 - 24.0;
    let seller = parts(&[document.seller.to_owned(), document.seller_note.to_owned()], width);
    let buyer = parts(&document.bill_to, width);
    canvas.write(LEFT, y, document.words.from, SMALL);
    canvas.write(column, y, document.words.bill_to, SMALL);
    let below = y + LEADING + 1.0;
    let rows = seller.len().max(buyer.len());
    for (x, block) in [(LEFT, seller), (column, buyer)] {
        let mut y = below;
        for (part, style) in block {
            canvas.write(x, y, &part, style);
            y += LEADING;
        }
    }
    y = (0..rows).fold(below, |y, _| y + LEADING) + 30.0;
    for part in HEADLINE.wrap(&document.headline, RIGHT - LEFT, 2) {
        canvas.write(LEFT, y, &part, HEADLINE);
        y += 22.0;
    }
    y + 18.0
}

/// Wraps an address block; its first line is bold.
fn parts(lines: &[String], width: f32) -> Vec<(String, Style)> {
    lines
        .iter()
        .enumerate()
        .flat_map(|(index, line)| {
            let style = if index == 0 { STRONG } else { QUIET };
            style.wrap(line, width, 3).into_iter().map(move |part| (part, style))
        })
        .collect()
}

/// Draws the seller's logo, a card, and name at the top right.
fn brand(canvas: &mut Canvas, name: &str) {
    let style = Style { size: 12.0, ..STRONG };
    canvas.write_before(RIGHT, TOP + 5.0, name, style);
    let x = RIGHT - style.width(name) - 27.0;
    canvas.fill(x, TOP - 5.5, 19.0, 13.0, ACCENT);
    canvas.fill(x, TOP - 2.0, 19.0, 2.4, [255, 255, 255]);
    canvas.fill(x + 2.5, TOP + 3.6, 5.5, 1.4, [255, 255, 255]);
}

fn table_head(canvas: &mut Canvas, document: &Document, y: f32) -> f32 {
    let words = document.words;
    canvas.write(LEFT, y, words.description, SMALL);
    canvas.write_before(QUANTITY, y, words.quantity, SMALL);
    canvas.write_before(UNIT_PRICE, y, words.unit_price, SMALL);
    canvas.write_before(RIGHT, y, words.amount, SMALL);
    canvas.fill(LEFT, y + 7.0, RIGHT - LEFT, 0.8, INK);
    y + 24.0
}

fn row(canvas: &mut Canvas, document: &Document, line: &Line, y: f32) -> f32 {
    let description = BODY.wrap(&line.description, DESCRIPTION_WIDTH, 4);
    let period = SMALL.wrap(&line.period, DESCRIPTION_WIDTH, 2);
    let height = description.iter().chain(&period).fold(0.0, |height, _| height + LEADING) + 8.0;
    let mut y = if y + height > BOTTOM { next_page(canvas, document) } else { y };
    canvas.write_before(QUANTITY, y, &line.quantity, BODY);
    canvas.write_before(UNIT_PRICE, y, &line.unit_price, BODY);
    canvas.write_before(RIGHT, y, &line.amount, BODY);
    for part in description {
        canvas.write(LEFT, y, &part, BODY);
        y += LEADING;
    }
    for part in period {
        canvas.write(LEFT, y - 1.5, &part, SMALL);
        y += LEADING;
    }
    canvas.fill(LEFT, y - 6.0, RIGHT - LEFT, 0.5, RULE);
    y + 10.0
}

fn next_page(canvas: &mut Canvas, document: &Document) -> f32 {
    canvas.turn();
    table_head(canvas, document, TOP)
}

/// Draws the sums and the footer together on one page.
fn sums(canvas: &mut Canvas, document: &Document, y: f32) {
    let note = document
        .footer
        .as_deref()
        .map(|footer| QUIET.wrap(footer, RIGHT - LEFT, 8))
        .unwrap_or_default();
    let height =
        document.sums.iter().map(|_| 20.0).chain(note.iter().map(|_| LEADING)).sum::<f32>() + 34.0;
    let mut y = if y + height > BOTTOM {
        canvas.turn();
        TOP
    } else {
        y + 2.0
    };
    for Sum { label, amount, strong } in &document.sums {
        let style = if *strong { STRONG } else { BODY };
        canvas.write(SUMS, y, label, style);
        canvas.write_before(RIGHT, y, amount, style);
        canvas.fill(SUMS, y + 6.5, RIGHT - SUMS, 0.5, RULE);
        y += 20.0;
    }
    y += 16.0;
    for part in note {
        canvas.write(LEFT, y, &part, QUIET);
        y += LEADING;
    }
}

/// Draws the footer of every page, once the page count is known.
fn feet(canvas: &mut Canvas, document: &Document) {
    let pages = canvas.pages.len();
    let y = PAGE_HEIGHT - 40.0;
    for page in 0..pages {
        canvas.go_to(page);
        canvas.fill(LEFT, y - 16.0, RIGHT - LEFT, 0.5, RULE);
        let left = format!("{} · {}", document.number, document.headline);
        let line = SMALL.wrap(&left, RIGHT - LEFT - 90.0, 1);
        canvas.write(LEFT, y, line.first().map_or("", String::as_str), SMALL);
        canvas.write_before(RIGHT, y, &(document.words.page_of)(page + 1, pages), SMALL);
    }
}

//! The brush: the only place that puts text into cells. Rows of text with roles come in; they are masked, wrapped by display width,
//! clipped and styled. Nothing else writes to the buffer, so nothing can be drawn past the mask.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::{Block, BorderType, Widget};
use unicode_width::UnicodeWidthStr;

use super::field::Field;
use super::theme::{Role, Theme};

/// What stands where the name to be recalled would: always the same, so not even its length shows.
pub const MASK: &str = "•••••";

/// A line of text before it is wrapped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pieces: Vec<(Role, String)>,
    /// Columns by which the rows it is wrapped into are set in, after the first.
    hang: u16,
}

impl Row {
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self::default().and(role, text)
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Role::Text, text)
    }

    #[must_use]
    pub fn and(mut self, role: Role, text: impl Into<String>) -> Self {
        let text = text.into();
        self.pieces.push((role, if text.contains('\t') { text.replace('\t', "    ") } else { text }));
        self
    }

    #[must_use]
    pub fn hang(mut self, columns: u16) -> Self {
        self.hang = columns;
        self
    }

    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text.width()).sum()
    }

    fn masked(&self, mask: Option<&str>) -> Cow<'_, Self> {
        if mask.is_none() {
            return Cow::Borrowed(self);
        }
        let pieces = self.pieces.iter().map(|(role, text)| (*role, masked(text, mask))).collect();
        Cow::Owned(Self { pieces, hang: self.hang })
    }
}

/// Takes a name out of a text, whatever its case.
pub fn masked(text: &str, mask: Option<&str>) -> String {
    let Some(name) = mask.filter(|name| !name.is_empty()) else { return text.to_owned() };
    let (mut masked, mut rest) = (String::new(), text);
    while let Some((at, length)) = find(rest, name) {
        masked.push_str(&rest[..at]);
        masked.push_str(MASK);
        rest = &rest[at + length..];
    }
    masked + rest
}

/// Names shorter than this are taken out only where they stand as a word: an `a` in every word would hide the dialog itself.
const SHORT: usize = 3;

fn stands_alone(text: &str, at: usize, length: usize) -> bool {
    let part = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    !part(text[..at].chars().next_back()) && !part(text[at + length..].chars().next())
}

/// Where the name begins and how many bytes it takes there.
fn find(text: &str, name: &str) -> Option<(usize, usize)> {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let counts = |(at, length): &(usize, usize)| name.len() >= SHORT || stands_alone(text, *at, *length);
    let places = text.char_indices().filter_map(|(at, _)| {
        let mut wanted = name.iter().peekable();
        for (offset, char) in text[at..].char_indices() {
            for lower in char.to_lowercase() {
                if wanted.next() != Some(&lower) {
                    return None;
                }
            }
            if wanted.peek().is_none() {
                return Some((at, offset + char.len_utf8()));
            }
        }
        None
    });
    places.into_iter().find(counts)
}

/// A grapheme, its columns and its role.
type Glyph<'a> = (Cow<'a, str>, u16, Role);

fn glyphs(row: &Row) -> Vec<Glyph<'_>> {
    let mut glyphs = Vec::new();
    for (role, text) in &row.pieces {
        if text.is_ascii() {
            let symbols = (0..text.len()).filter_map(|at| text.get(at..=at)).filter(|symbol| !symbol.contains(char::is_control));
            glyphs.extend(symbols.map(|symbol| (Cow::Borrowed(symbol), 1, *role)));
        } else {
            let span = Span::raw(text);
            glyphs.extend(span.styled_graphemes(Style::new()).map(|grapheme| {
                let columns = u16::try_from(grapheme.symbol.width()).unwrap_or(u16::MAX);
                (Cow::Owned(grapheme.symbol.to_owned()), columns, *role)
            }));
        }
    }
    glyphs
}

/// One row of the screen: glyphs from..to, set in by some columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    from: usize,
    to: usize,
    indent: u16,
}

/// Breaks glyphs at spaces so that no part is wider than `width`; a word that is too wide is cut. At least one part.
fn wrap(glyphs: &[Glyph<'_>], hang: u16, width: u16) -> Vec<Part> {
    let is_space = |at: usize| glyphs.get(at).is_some_and(|(symbol, ..)| symbol == " ");
    let mut parts = Vec::new();
    let (mut from, mut indent) = (0, 0);
    while from < glyphs.len() {
        let next = from + fitting(&glyphs[from..], width.saturating_sub(indent).max(1));
        let (mut to, mut start) = (next, next);
        if next < glyphs.len() {
            while to > from + 1 && is_space(to - 1) {
                to -= 1;
            }
            while is_space(start) {
                start += 1;
            }
        }
        parts.push(Part { from, to, indent });
        from = start;
        indent = hang.min(width / 2);
    }
    if parts.is_empty() {
        parts.push(Part { from: 0, to: 0, indent: 0 });
    }
    parts
}

/// How many glyphs go into the room: all, up to the last space, or as many as fit. At least one, so that wrapping ends.
fn fitting(glyphs: &[Glyph<'_>], room: u16) -> usize {
    let mut used = 0_u16;
    let mut space = None;
    for (number, (symbol, columns, _)) in glyphs.iter().enumerate() {
        if used.saturating_add(*columns) > room {
            return if symbol == " " { number.max(1) } else { space.unwrap_or(number).max(1) };
        }
        used += columns;
        if symbol == " " && number > 0 {
            space = Some(number + 1);
        }
    }
    glyphs.len()
}

/// What remains without the first columns.
fn after(glyphs: Vec<Glyph<'_>>, left: usize) -> Vec<Glyph<'_>> {
    let mut passed = 0;
    let rest = glyphs.into_iter().skip_while(|(_, columns, _)| {
        passed += usize::from(*columns);
        passed <= left
    });
    rest.collect()
}

/// How many rows of the screen these take, unmasked.
pub fn measure(rows: &[Row], width: u16) -> usize {
    rows.iter().map(|row| wrap(&glyphs(row), row.hang, width).len()).sum()
}

/// How many rows a text takes.
pub fn height((text, hang): (&str, u16), width: u16) -> usize {
    let fits = text.len() <= usize::from(width) && text.is_ascii();
    if fits { 1 } else { measure(&[Row::text(text).hang(hang)], width) }
}

/// The border of a frame: its weight says how grave what it holds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Plain,
    Thick,
    Double,
}

pub struct Brush<'a> {
    pub buffer: &'a mut Buffer,
    pub theme: &'a Theme,
    /// The name that may not be read anywhere.
    pub mask: Option<String>,
}

impl Brush<'_> {
    fn clip(&self, area: Rect) -> Rect {
        area.intersection(self.buffer.area)
    }

    pub fn clear(&mut self, area: Rect) {
        let area = self.clip(area);
        ratatui::widgets::Clear.render(area, self.buffer);
    }

    /// Fills an area with a role's background.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let area = self.clip(area);
        self.buffer.set_style(area, self.theme.style(role));
    }

    /// A cleared frame with its title; gives the area within.
    pub fn frame(&mut self, area: Rect, title: &Row, (role, weight): (Role, Weight)) -> Rect {
        let area = self.clip(area);
        self.clear(area);
        let border = match weight {
            Weight::Plain => BorderType::Plain,
            Weight::Thick => BorderType::Thick,
            Weight::Double => BorderType::Double,
        };
        let block = Block::bordered().border_type(border).border_style(self.theme.style(role));
        let inner = block.inner(area);
        block.render(area, self.buffer);
        let top = Rect { x: area.x + 1, width: area.width.saturating_sub(2), height: area.height.min(1), ..area };
        self.line(top, title);
        inner
    }

    /// One row in the first line of an area, cut with `…` where it is too wide.
    pub fn line(&mut self, area: Rect, row: &Row) {
        let row = row.masked(self.mask.as_deref());
        let mut glyphs = glyphs(&row);
        if row.width() > usize::from(area.width) {
            let mut used = 0_u16;
            let kept = glyphs.iter().take_while(|(_, columns, _)| {
                used = used.saturating_add(*columns);
                used < area.width
            });
            let kept = kept.count();
            let role = glyphs.get(kept).map_or(Role::Text, |(.., role)| *role);
            glyphs.truncate(kept);
            glyphs.push((Cow::Borrowed("…"), 1, role));
        }
        self.glyphs(area, &glyphs);
    }

    /// One row at the right end of an area.
    pub fn line_right(&mut self, area: Rect, row: &Row) {
        let row = row.masked(self.mask.as_deref());
        let width = u16::try_from(row.width()).unwrap_or(u16::MAX).min(area.width);
        self.line(Rect { x: area.right() - width, width, ..area }, &row);
    }

    /// One row that is not wrapped, without its first columns.
    pub fn line_from(&mut self, area: Rect, row: &Row, left: usize) {
        let row = row.masked(self.mask.as_deref());
        self.glyphs(area, &after(glyphs(&row), left));
    }

    fn glyphs(&mut self, area: Rect, glyphs: &[Glyph<'_>]) {
        let area = self.clip(area);
        if area.is_empty() {
            return;
        }
        let mut x = area.x;
        for (symbol, columns, role) in glyphs {
            if x.saturating_add(*columns) > area.right() {
                break;
            }
            let style = self.theme.style(*role);
            if *columns == 1 {
                self.buffer[(x, area.y)].set_symbol(symbol).set_style(style);
                x += 1;
            } else {
                (x, _) = self.buffer.set_stringn(x, area.y, symbol, usize::from(*columns), style);
            }
        }
    }

    /// How many rows of the screen these take.
    pub fn measure(&self, rows: &[Row], width: u16) -> usize {
        let height = |row: &Row| measure(std::slice::from_ref(&*row.masked(self.mask.as_deref())), width);
        rows.iter().map(height).sum()
    }

    /// What the responder has typed, scrolled so that the cursor shows. Not masked: it is their own answer.
    pub fn typed(&mut self, area: Rect, field: &Field) {
        let (hidden, _) = field.window(area.width);
        let row = Row::new(Role::Strong, field.text());
        self.glyphs(area, &after(glyphs(&row), hidden));
    }

    /// Marks where a text stands in an area, whatever its case.
    pub fn mark(&mut self, area: Rect, text: &str) {
        let area = self.clip(area);
        let text = text.to_lowercase();
        let length = u16::try_from(text.width()).unwrap_or(u16::MAX);
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                let mut here = String::new();
                for column in x..area.right().min(x.saturating_add(length)) {
                    here.push_str(&self.buffer[(column, y)].symbol().to_lowercase());
                }
                if !text.is_empty() && here.starts_with(&text) {
                    self.tint(Rect { x, y, width: length.min(area.right() - x), height: 1 }, Role::Match);
                }
            }
        }
    }

    /// Rows from the top, wrapped, without the first `skip` rows of the screen. Gives how many rows of the screen were used.
    pub fn rows(&mut self, area: Rect, rows: &[Row], skip: usize) -> u16 {
        let mut used = 0;
        let mut passed = 0;
        for row in rows {
            let row = row.masked(self.mask.as_deref());
            let glyphs = glyphs(&row);
            for part in wrap(&glyphs, row.hang, area.width) {
                passed += 1;
                if passed <= skip {
                    continue;
                }
                if used == area.height {
                    return used;
                }
                let room = Rect { x: area.x + part.indent, y: area.y + used, width: area.width.saturating_sub(part.indent), height: 1 };
                self.glyphs(room, &glyphs[part.from..part.to]);
                used += 1;
            }
        }
        used
    }
}

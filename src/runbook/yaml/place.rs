//! From an offset inside a scalar's value back to its place in the file, through quotes, escapes, folding and block indentation.

use crate::runbook::source::{SourceFile, Span};

/// The byte offset in the file of byte `offset` of a scalar's `value` that was written at `span`. Exact for anything but white space;
/// where source and value can't be matched (which no valid document gives) the scalar's start.
pub fn inside(file: &SourceFile, span: Span, value: &str, offset: usize) -> usize {
    let source = file.text.get(file.boundary(span.start)..file.boundary(span.end)).unwrap_or_default();
    walk(source, value, offset).map_or(span.start, |at| span.start + at)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Block,
}

fn walk(source: &str, value: &str, offset: usize) -> Option<usize> {
    let (style, mut at) = match source.as_bytes().first()? {
        b'\'' => (Style::Single, 1),
        b'"' => (Style::Double, 1),
        b'|' | b'>' => (Style::Block, source.find('\n')? + 1),
        _ => (Style::Plain, 0),
    };
    for (index, wanted) in value.char_indices() {
        let rest = source.get(at..)?;
        let here = if wanted.is_whitespace() { rest } else { rest.get(blanks(rest, style)..)? };
        at = source.len() - here.len();
        if index >= offset {
            return Some(at);
        }
        let next = here.chars().next()?;
        if style == Style::Double && next == '\\' {
            at += escape(here)?;
        } else if next == wanted {
            at += next.len_utf8();
            if style == Style::Single && next == '\'' {
                at += 1;
            }
        } else if !wanted.is_whitespace() {
            return None;
        } else if next.is_whitespace() {
            at += next.len_utf8();
        }
    }
    Some(at)
}

/// White space of the source that the value need not have, escaped line breaks included.
fn blanks(rest: &str, style: Style) -> usize {
    let mut length = 0;
    loop {
        let here = rest.get(length..).unwrap_or_default();
        if here.starts_with(char::is_whitespace) {
            length += here.len() - here.trim_start().len();
        } else if style == Style::Double && (here.starts_with("\\\n") || here.starts_with("\\\r\n")) {
            length += 1;
        } else {
            return length;
        }
    }
}

fn escape(here: &str) -> Option<usize> {
    let kind = here.chars().nth(1)?;
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    Some(1 + kind.len_utf8() + digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::yaml;

    fn place_of(document: &str, needle: &str) -> (usize, usize) {
        let file = SourceFile::new("x.yaml", document.as_bytes().to_vec());
        let (root, problems) = yaml::parse(&file);
        assert_eq!(problems, []);
        let node = root.unwrap().get("a").unwrap().clone();
        let value = node.text().unwrap().to_owned();
        let place = file.position(inside(&file, node.span, &value, value.find(needle).unwrap()));
        (place.line, place.column)
    }

    #[test]
    fn plain_and_quoted_text() {
        assert_eq!(place_of("a: one two\n", "two"), (1, 8));
        assert_eq!(place_of("a: one\n  two\n  three\n", "three"), (3, 3));
        assert_eq!(place_of("a: 'it''s X'\n", "X"), (1, 11));
        assert_eq!(place_of("a: \"q \\\" \\u00e9 \\x41 \\t X\"\n", "X"), (1, 25));
        assert_eq!(place_of("a: \"one \\\n  X\"\n", "X"), (2, 3));
        assert_eq!(place_of("a: \"é é X\"\n", "X"), (1, 9));
    }

    #[test]
    fn block_text_line_by_line() {
        assert_eq!(place_of("a: |\n  one\n  two X\n", "X"), (3, 7));
        assert_eq!(place_of("a: |2-  # said\n    one\n\n  two X\n", "X"), (4, 7));
        assert_eq!(place_of("a: >\n  one\n  two\n\n  X\n", "X"), (5, 3));
        assert_eq!(place_of("b: 1\na: >-\n   one\n     more\n   X\n", "X"), (5, 4));
    }

    #[test]
    fn an_alias_points_at_what_it_stands_for() {
        assert_eq!(place_of("b: &b one X\na: *b\n", "X"), (1, 11));
    }
}

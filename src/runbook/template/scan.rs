//! Splits a template the way Tera's lexer does: text, raw text, placeholders, tags and comments, each with its place.
//! Tera keeps its syntax tree to itself; qrh needs the places to name variables, to lint scripts and to hold the language small.

use std::ops::Range;

use super::TemplateError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Copied as it stands: plain text, or the inside of `{% raw %}`.
    Text(Range<usize>),
    Comment(Range<usize>),
    Placeholder(Code),
    Tag(Code),
}

/// What stands between the braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    /// With the braces.
    pub whole: Range<usize>,
    /// Without them and without `-` marks.
    pub inner: Range<usize>,
    pub tokens: Vec<Token>,
    /// `{{-`, `-}}`, `{%-` or `-%}`: eats the white space beside it.
    pub trims: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Ident,
    Text,
    Number,
    Operator,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub at: Range<usize>,
}

impl Token {
    pub(super) fn is(&self, source: &str, text: &str) -> bool {
        self.kind != TokenKind::Text && source.get(self.at.clone()) == Some(text)
    }
}

fn fault(message: &str, offset: usize) -> TemplateError {
    TemplateError { message: message.to_owned(), offset }
}

/// The pieces of a template, in order and without a gap.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        if rest.starts_with("{#") {
            let end = rest.find("#}").ok_or_else(|| fault("a comment `{#` is not closed by `#}`", at))?;
            pieces.push(Piece::Comment(at..at + end + 2));
            at += end + 2;
        } else if rest.starts_with("{%") {
            at = tag(source, at, &mut pieces)?;
        } else if rest.starts_with("{{") {
            let code = code(source, at, "}}")?;
            at = code.whole.end;
            pieces.push(Piece::Placeholder(code));
        } else {
            let end = ["{{", "{%", "{#"].iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
            pieces.push(Piece::Text(at..at + end));
            at += end;
        }
    }
    Ok(pieces)
}

fn tag(source: &str, at: usize, pieces: &mut Vec<Piece>) -> Result<usize, TemplateError> {
    let open = code(source, at, "%}")?;
    if !open.tokens.first().is_some_and(|token| token.is(source, "raw")) {
        let end = open.whole.end;
        pieces.push(Piece::Tag(open));
        return Ok(end);
    }
    let mut from = open.whole.end;
    while let Some(found) = source[from..].find("{%") {
        let start = from + found;
        let inside = source[start + 2..].trim_start_matches('-').trim_start();
        if let Some(tail) = inside.strip_prefix("endraw")
            && let Some(tail) = tail.trim_start().trim_start_matches('-').strip_prefix("%}")
        {
            pieces.push(Piece::Text(open.whole.end..start));
            return Ok(source.len() - tail.len());
        }
        from = start + 2;
    }
    Err(fault("a `{% raw %}` is not closed by `{% endraw %}`", at))
}

fn code(source: &str, open: usize, close: &str) -> Result<Code, TemplateError> {
    let mut at = open + 2;
    let mut trims = source[at..].starts_with('-');
    at += usize::from(trims);
    let start = at;
    let mut tokens = Vec::new();
    loop {
        at += source[at..].len() - source[at..].trim_start_matches(|c: char| c.is_ascii_whitespace()).len();
        let rest = &source[at..];
        if rest.is_empty() {
            return Err(fault(&format!("`{}` is not closed by `{close}`", &source[open..open + 2]), open));
        }
        if let Some(after) = rest.strip_prefix(close).or_else(|| rest.strip_prefix('-')?.strip_prefix(close)) {
            trims |= rest.starts_with('-');
            let end = source.len() - after.len();
            return Ok(Code { whole: open..end, inner: start..at, tokens, trims });
        }
        let token = token(rest).ok_or_else(|| fault("this character has no meaning in a template expression", at))?;
        let kind = token.0;
        let end = at + token.1;
        tokens.push(Token { kind, at: at..end });
        at = end;
    }
}

/// The next token's kind and length in bytes.
fn token(rest: &str) -> Option<(TokenKind, usize)> {
    let first = *rest.as_bytes().first()?;
    if matches!(first, b'\'' | b'"' | b'`') {
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let closes = !escaped && byte == first;
            escaped = !escaped && byte == b'\\';
            closes
        })?;
        return Some((TokenKind::Text, end + 2));
    }
    if first.is_ascii_digit() {
        let mut dots = 0;
        let length = rest.bytes().take_while(|byte| {
            dots += usize::from(*byte == b'.');
            byte.is_ascii_digit() || (*byte == b'.' && dots == 1)
        });
        return Some((TokenKind::Number, length.count()));
    }
    if first.is_ascii_alphabetic() || first == b'_' {
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        return Some((TokenKind::Ident, length));
    }
    if rest.starts_with("...") {
        return Some((TokenKind::Operator, 3));
    }
    if ["//", "**", "==", "!=", ">=", "<=", "</", "?.", "?["].iter().any(|operator| rest.starts_with(operator)) {
        return Some((TokenKind::Operator, 2));
    }
    b"+-*/%!.,:~|=<>()[]{}@".contains(&first).then_some((TokenKind::Operator, 1))
}

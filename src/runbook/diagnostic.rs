//! What is wrong with a document, and how it is told: file, line, column, the line itself, a caret, a hint and the rule's name.
//! Text of the file passes through here to a terminal, so control characters are made visible and long lines are cut.

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use crate::runbook::lint::rule::{Gravity, Rule};
use crate::runbook::source::{Position, SourceFile, Span};

/// Problems listed of one file. Those beyond are counted.
pub const LIMIT: usize = 100;
/// Characters of a source line shown around a place.
const LINE_WINDOW: usize = 100;
/// Characters of one quoted piece of the file inside a message.
const QUOTE_LENGTH: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub rule: Rule,
    pub severity: Severity,
    /// One sentence without a full stop: what is wrong.
    pub message: String,
    pub span: Span,
    /// Other places that matter, each with what it is.
    pub secondary: Vec<(Span, String)>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    pub fn new(rule: Rule, span: Span, message: impl Into<String>) -> Self {
        let severity = match rule.gravity() {
            Gravity::Error => Severity::Error,
            Gravity::StrictError | Gravity::Warning => Severity::Warning,
        };
        Self { rule, severity, message: message.into(), span, secondary: Vec::new(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    #[must_use]
    pub fn note(mut self, span: Span, says: impl Into<String>) -> Self {
        self.secondary.push((span, says.into()));
        self
    }
}

/// Puts diagnostics in the order of the file, makes strict ones errors, and cuts the list at [`LIMIT`].
pub fn settle(mut diagnostics: Vec<Diagnostic>, strict: bool) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span, diagnostic.rule));
    diagnostics.dedup_by(|later, earlier| later.span == earlier.span && later.rule == earlier.rule && later.message == earlier.message);
    for diagnostic in &mut diagnostics {
        if strict && diagnostic.rule.gravity() == Gravity::StrictError {
            diagnostic.severity = Severity::Error;
        }
    }
    if diagnostics.len() > LIMIT {
        let rest = diagnostics.split_off(LIMIT);
        let place = rest.first().map_or(Span::default(), |first| first.span);
        diagnostics.push(
            Diagnostic::new(Rule::TooManyProblems, place, format!("{} more problems from here on are not listed", rest.len()))
                .hint("mend those above and check again"),
        );
    }
    diagnostics
}

/// The file's text as it may stand inside a message: cut, and without control characters.
pub fn quote(text: &str) -> String {
    let mut quoted: String = text.chars().take(QUOTE_LENGTH).map(visible).collect();
    if text.chars().nth(QUOTE_LENGTH).is_some() {
        quoted.push('…');
    }
    format!("`{quoted}`")
}

/// The nearest of a few words to one that was not found, as a hint.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|name| format!("did you mean `{name}`?"))
}

pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match word.chars().count() {
        1..=3 => 1,
        4..=7 => 2,
        8..=40 => 3,
        _ => return None,
    };
    let simple = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let wanted = simple(word);
    known
        .into_iter()
        .map(|name| (distance(&wanted, &simple(name)), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits between two words: insertions, deletions, replacements, and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let width = b.len() + 1;
    let mut table = vec![0; (a.len() + 1) * width];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i * width + j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replace = table[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = replace.min(table[(i - 1) * width + j] + 1).min(table[i * width + j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best.min(table[(i - 2) * width + j - 2] + 1)
                } else {
                    best
                }
            };
        }
    }
    table[a.len() * width + b.len()]
}

/// For a terminal or a page. Without `colour` there is no escape sequence in it.
pub fn render(file: &SourceFile, diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut page = String::new();
    for diagnostic in diagnostics {
        if !page.is_empty() {
            page.push('\n');
        }
        page.push_str(&render_one(file, diagnostic, &renderer));
        page.push('\n');
    }
    page
}

fn render_one(file: &SourceFile, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let place = file.position(diagnostic.span.start);
    let origin = Origin::path(clean(&file.name)).line(place.line).char_column(place.column);
    let mut group = level.primary_title(clean(&diagnostic.message)).id(diagnostic.rule.name()).element(origin);
    let mut lines = vec![(place.line, diagnostic.span, None)];
    lines.extend(diagnostic.secondary.iter().map(|(span, says)| (file.position(span.start).line, *span, Some(clean(says)))));
    while let Some((line, _, _)) = lines.first() {
        let line = *line;
        let (here, rest): (Vec<_>, Vec<_>) = lines.into_iter().partition(|(other, _, _)| *other == line);
        group = group.element(snippet(file, line, &here));
        lines = rest;
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(clean(hint)));
    }
    let page = renderer.render(&[group]);
    page.lines().filter(|line| !is_separator(line)).collect::<Vec<_>>().join("\n")
}

/// The line the renderer puts where another file's name would stand; here every part is of one file.
fn is_separator(line: &str) -> bool {
    line.contains(":::")
        && line.split('\u{1b}').map(|part| part.split_once('m').map_or(part, |(_, text)| text)).collect::<String>().trim() == ":::"
}

type Marked = (usize, Span, Option<String>);

/// One source line, cut around its first mark, with a caret under each mark. Marks are cut to the line.
fn snippet<'a>(file: &'a SourceFile, line: usize, marks: &[Marked]) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let whole = file.line_span(line);
    let first = marks.first().map_or(whole.start, |(_, span, _)| span.start);
    let window = window(file, whole, first);
    let mut shown = String::new();
    let mut offsets = vec![0; window.end - window.start + 1];
    for (at, character) in file.slice(window).char_indices() {
        for offset in &mut offsets[at..at + character.len_utf8()] {
            *offset = shown.len();
        }
        shown.push(visible(character));
    }
    offsets[window.end - window.start] = shown.len();
    let lead = if window.start > whole.start { "… " } else { "" };
    let tail = if window.end < whole.end { " …" } else { "" };
    let place = |offset: usize| lead.len() + offsets[offset.clamp(window.start, window.end) - window.start];
    let mut snippet = Snippet::source(format!("{lead}{shown}{tail}")).line_start(line);
    for (_, span, says) in marks {
        let kind = if says.is_none() { AnnotationKind::Primary } else { AnnotationKind::Context };
        let range = place(file.boundary(span.start))..place(file.boundary(span.end).max(file.boundary(span.start)));
        snippet = snippet.annotation(kind.span(range).label(says.clone()));
    }
    snippet
}

fn window(file: &SourceFile, line: Span, place: usize) -> Span {
    let place = file.boundary(place).clamp(line.start, line.end);
    let length = file.slice(line).chars().count();
    if length <= LINE_WINDOW + LINE_WINDOW / 2 {
        return line;
    }
    let before = file.slice(Span::new(line.start, place)).char_indices().rev().nth(LINE_WINDOW / 3).map_or(0, |(at, _)| at);
    let start = line.start + before;
    let after = file.slice(Span::new(start, line.end)).char_indices().nth(LINE_WINDOW).map_or(line.end - start, |(at, _)| at);
    Span::new(start, start + after)
}

/// One line without control characters.
fn clean(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().map(visible).collect()
}

/// A printable stand-in for what would drive a terminal or hide text. Tabs become one space, so that carets stay true.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        other => other,
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    rule: &'static str,
    severity: Severity,
    message: &'a str,
    file: &'a str,
    #[serde(flatten)]
    place: Place,
    related: Vec<Related<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    place: Place,
    message: &'a str,
}

#[derive(Serialize)]
struct Place {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl Place {
    fn of(file: &SourceFile, span: Span) -> Self {
        let (start, end): (Position, Position) = (file.position(span.start), file.position(span.end.max(span.start)));
        Self { line: start.line, column: start.column, end_line: end.line, end_column: end.column }
    }
}

/// For programs: an array of objects, lines and columns from 1, columns in characters.
pub fn to_json(file: &SourceFile, diagnostics: &[Diagnostic]) -> serde_json::Value {
    let listed: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| Listed {
            rule: diagnostic.rule.name(),
            severity: diagnostic.severity,
            message: &diagnostic.message,
            file: &file.name,
            place: Place::of(file, diagnostic.span),
            related: diagnostic.secondary.iter().map(|(span, message)| Related { place: Place::of(file, *span), message }).collect(),
            hint: diagnostic.hint.as_deref(),
        })
        .collect();
    serde_json::json!(listed)
}

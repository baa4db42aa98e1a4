//! Renders a checked template with Tera. Each reference is wrapped in a filter of ours, so that a missing or null value is an error
//! that names it, wherever Tera itself would render nothing; growth is bounded in the filters and in the writer.

use std::io::{self, Write};
use std::sync::OnceLock;

use serde_json::Value as Json;
use tera::{Context, Error, ErrorKind, Tera};

use super::filter::{self, MARK};
use super::reference::{Need, Parsed, Reference};
use super::scan::Piece;
use super::{LOOP_ITEMS, OUTPUT_BYTES, TemplateError};

/// What a text is rendered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    /// Every placeholder becomes one shell word.
    Script,
}

/// Renders; the errors point into `source`.
pub(super) fn render(source: &str, parsed: &Parsed, scope: &Json, mode: Mode) -> Result<String, TemplateError> {
    check_loops(&parsed.references, scope)?;
    let (rewritten, inserted) = rewrite(source, parsed, mode);
    let mut output = Bounded { bytes: Vec::with_capacity(source.len()), full: false };
    let tera = match mode {
        Mode::Plain => plain(),
        Mode::Script => script(),
    };
    let result = tera.render_str_to(&rewritten, &context(parsed, scope), mode == Mode::Script, &mut output);
    if output.full {
        let message = format!("the rendered text has more than {OUTPUT_BYTES} bytes: render less of the value");
        return Err(TemplateError { message, offset: 0 });
    }
    result.map_err(|error| explain(&error, source, parsed, &inserted))?;
    String::from_utf8(output.bytes).map_err(|_| TemplateError { message: "the rendered text is not UTF-8".to_owned(), offset: 0 })
}

/// Tera's own view of the syntax. Renders over nothing, which stops at the first value.
pub(super) fn check_syntax(source: &str) -> Result<(), TemplateError> {
    let mut output = Bounded { bytes: Vec::new(), full: false };
    let result = plain().render_str_to(source, &Context::new(), false, &mut output);
    if let Err(error) = result
        && let ErrorKind::SyntaxError(report) = error.kind()
    {
        return Err(TemplateError { message: report.message().to_owned(), offset: report.span().range.start.min(source.len()) });
    }
    Ok(())
}

/// Only what the template refers to: a scope may hold large outputs.
fn context(parsed: &Parsed, scope: &Json) -> Context {
    let mut context = Context::new();
    for reference in parsed.references.iter().filter(|reference| !reference.local) {
        if let Some(value) = reference.path.first().and_then(|root| scope.get(root)) {
            context.insert(reference.path[0].clone(), value);
        }
    }
    context
}

/// A loop runs over a list or a map of at most [`LOOP_ITEMS`].
fn check_loops(references: &[Reference], scope: &Json) -> Result<(), TemplateError> {
    for reference in references.iter().filter(|reference| reference.looped) {
        let name = reference.path.join(".");
        let found = reference.path.iter().try_fold(scope, |value, key| match value {
            Json::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
            Json::Object(fields) => fields.get(key),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
        });
        let length = match found {
            Some(Json::Array(items)) => items.len(),
            Some(Json::Object(fields)) => fields.len(),
            None => return Err(TemplateError { message: format!("`{name}` is not defined"), offset: reference.at.start }),
            Some(_) => return Err(TemplateError { message: format!("`{name}` is not a list"), offset: reference.at.start }),
        };
        if length > LOOP_ITEMS {
            let message = format!("`{name}` has {length} items; a template loops over at most {LOOP_ITEMS}: filter it first");
            return Err(TemplateError { message, offset: reference.at.start });
        }
    }
    Ok(())
}

/// Text put into the source: where, and how long.
type Inserted = Vec<(usize, usize)>;

fn rewrite(source: &str, parsed: &Parsed, mode: Mode) -> (String, Inserted) {
    let mut edits: Vec<(usize, String)> = Vec::new();
    for (index, reference) in parsed.references.iter().enumerate() {
        let filter = match reference.need {
            Need::Value => "qrh_value",
            Need::Defined => "qrh_defined",
            Need::Nothing => {
                // `a.b | default(…)` is good where `a` itself is missing: `a?.b`.
                let steps = if reference.looped { &[][..] } else { &reference.steps };
                edits.extend(steps.iter().map(|at| (*at, "?".to_owned())));
                continue;
            }
        };
        edits.push((reference.at.start, "(".to_owned()));
        edits.push((reference.at.end, format!(" | {filter}(at={index}))")));
    }
    if mode == Mode::Script {
        for piece in &parsed.pieces {
            if let Piece::Placeholder(code) = piece
                && may_start_option(&source[..code.whole.start])
            {
                edits.push((code.inner.start, "(".to_owned()));
                edits.push((code.inner.end, format!(") | qrh_word(at={})", code.whole.start)));
            }
        }
    }
    // Stable: at one place the outer parenthesis opens first and closes last only if it was written so; both kinds balance anyway.
    edits.sort_by_key(|(at, _)| *at);
    let mut text = String::with_capacity(source.len() + edits.iter().map(|(_, edit)| edit.len()).sum::<usize>());
    let mut inserted = Vec::with_capacity(edits.len());
    let mut from = 0;
    for (at, edit) in edits {
        text.push_str(&source[from..at]);
        text.push_str(&edit);
        inserted.push((at, edit.len()));
        from = at;
    }
    text.push_str(&source[from..]);
    (text, inserted)
}

/// Whether a word begins here, and no `--` before it on the line says that options are over.
fn may_start_option(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    before.chars().next_back().is_none_or(|last| !(last.is_alphanumeric() || "_=/.:,@%+-'\"}".contains(last))) && !line.contains(" -- ")
}

/// The place in the source of a place in the rewritten text.
fn original(rewritten: usize, inserted: &Inserted) -> usize {
    let mut shift = 0;
    for (at, length) in inserted {
        if at + shift >= rewritten {
            break;
        }
        if at + shift + length > rewritten {
            return *at;
        }
        shift += length;
    }
    rewritten - shift.min(rewritten)
}

fn explain(error: &Error, source: &str, parsed: &Parsed, inserted: &Inserted) -> TemplateError {
    let (message, at) = if let ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) = error.kind() {
        (report.message().to_owned(), original(report.span().range.start, inserted))
    } else if matches!(error.kind(), ErrorKind::Io(io::ErrorKind::InvalidData)) {
        ("a value holds a NUL character, which no shell word can hold".to_owned(), 0)
    } else {
        (error.to_string(), 0)
    };
    let offset = at.min(source.len());
    if let Some((kind, index)) = message.strip_prefix(MARK).and_then(|rest| rest.split_once(' ')) {
        return marked(kind, index.parse().unwrap_or_default(), source, parsed);
    }
    if message.contains("is not defined") || message.contains("is undefined") || message.contains("an undefined value") {
        let named = parsed.references.iter().find(|reference| reference.at.contains(&offset));
        let text = named.and_then(|reference| source.get(reference.at.clone())).unwrap_or("a value");
        return TemplateError { message: format!("`{text}` is not defined"), offset: named.map_or(offset, |named| named.at.start) };
    }
    TemplateError { message, offset }
}

fn marked(kind: &str, index: usize, source: &str, parsed: &Parsed) -> TemplateError {
    if kind == "option" {
        let message = "the value begins with `-` and would be read as an option: put `--` before it, or choose another value".to_owned();
        return TemplateError { message, offset: index };
    }
    let reference = parsed.references.get(index);
    let at = reference.map(|reference| reference.at.clone()).unwrap_or_default();
    let text = source.get(at.clone()).unwrap_or_default();
    let message = if kind == "null" { format!("`{text}` is null: it has no value to show") } else { format!("`{text}` is not defined") };
    TemplateError { message, offset: at.start }
}

fn plain() -> &'static Tera {
    static TERA: OnceLock<Tera> = OnceLock::new();
    TERA.get_or_init(filter::tera)
}

fn script() -> &'static Tera {
    static TERA: OnceLock<Tera> = OnceLock::new();
    TERA.get_or_init(|| {
        let mut tera = filter::tera();
        tera.set_escape_fn(write_word);
        tera
    })
}

/// One word for `/bin/sh`: single quotes hold everything but a single quote, and nothing holds NUL.
fn write_word(text: &str, output: &mut dyn Write) -> io::Result<()> {
    if text.contains('\0') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a value holds a NUL character"));
    }
    output.write_all(b"'")?;
    output.write_all(text.replace('\'', r"'\''").as_bytes())?;
    output.write_all(b"'")
}

struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_BYTES {
            self.full = true;
            return Err(io::Error::other("the output is full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

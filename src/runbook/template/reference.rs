//! Holds a template to qrh's part of Tera, and finds what it refers to. Allowed: placeholders with operators and the filters of
//! [`FILTERS`], `if`/`elif`/`else`, `for` over a list of the scope, `raw`, comments. Everything that could loop without end, grow
//! without end, define or include other templates, or mark a text as safe is an error here, before Tera sees it.

use std::ops::Range;

use super::scan::{Code, Piece, Token, TokenKind, pieces};
use super::{SOURCE_BYTES, TemplateError};

/// Filters a template may use. Each gives at most what it was given, or is bounded in `engine`.
pub const FILTERS: &[&str] = &[
    "abs",
    "capitalize",
    "default",
    "first",
    "float",
    "get",
    "int",
    "join",
    "json",
    "keys",
    "last",
    "length",
    "lower",
    "nth",
    "pluralize",
    "replace",
    "reverse",
    "round",
    "sort",
    "split",
    "str",
    "title",
    "trim",
    "trim_end",
    "trim_start",
    "truncate",
    "upper",
    "values",
];
/// Tests a template may use after `is`.
const TESTS: &[&str] = &[
    "array",
    "bool",
    "containing",
    "defined",
    "divisible_by",
    "ending_with",
    "even",
    "float",
    "integer",
    "iterable",
    "map",
    "none",
    "number",
    "odd",
    "starting_with",
    "string",
    "undefined",
];
const KEYWORDS: &[&str] = &["and", "or", "not", "in", "is", "if", "else", "true", "True", "false", "False", "none", "None", "null"];
/// `for` tags in one template; each loops over at most [`super::LOOP_ITEMS`].
const LOOPS: usize = 8;
/// `~` in one placeholder: each may double a text.
const CONCATENATIONS: usize = 16;

/// What has to be there for a reference to be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// In a placeholder: defined and not null.
    Value,
    /// In a condition: defined; null counts as false.
    Defined,
    /// Behind `default(…)` or `is defined`: may be missing. Also what a `for` runs over, which is looked at before rendering.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub path: Vec<String>,
    /// The whole path as written, subscripts included.
    pub at: Range<usize>,
    pub need: Need,
    /// The plain `.` and `[` of the path.
    pub steps: Vec<usize>,
    /// A loop's own variable, not one of the scope.
    pub local: bool,
    /// What a `for` runs over.
    pub looped: bool,
}

#[derive(Debug)]
pub(super) struct Parsed {
    pub pieces: Vec<Piece>,
    pub references: Vec<Reference>,
}

struct Reader<'a> {
    source: &'a str,
    references: Vec<Reference>,
    /// One entry per open block: the names it defines.
    blocks: Vec<Block>,
    loops: usize,
}

struct Block {
    closes: &'static str,
    names: Vec<String>,
    offset: usize,
}

/// Splits and checks a template.
pub(super) fn parse(source: &str) -> Result<Parsed, TemplateError> {
    if source.len() > SOURCE_BYTES {
        let message = format!("the template has {} bytes; at most {SOURCE_BYTES} are read: split it", source.len());
        return Err(TemplateError { message, offset: SOURCE_BYTES });
    }
    let pieces = pieces(source)?;
    if let [] | [Piece::Text(Range { start: 0, .. })] = pieces.as_slice() {
        // Plain text: Tera has nothing to say of it.
        return Ok(Parsed { pieces, references: Vec::new() });
    }
    let mut reader = Reader { source, references: Vec::new(), blocks: Vec::new(), loops: 0 };
    for piece in &pieces {
        match piece {
            Piece::Placeholder(code) => reader.placeholder(code)?,
            Piece::Tag(code) => reader.tag(code)?,
            Piece::Text(_) | Piece::Comment(_) => {}
        }
    }
    if let Some(open) = reader.blocks.last() {
        return Err(TemplateError { message: format!("this tag is not closed by `{{% {} %}}`", open.closes), offset: open.offset });
    }
    super::engine::check_syntax(source)?;
    Ok(Parsed { pieces, references: reader.references })
}

impl<'a> Reader<'a> {
    fn text(&self, token: &Token) -> &'a str {
        self.source.get(token.at.clone()).unwrap_or_default()
    }

    fn fault<T>(message: impl Into<String>, offset: usize) -> Result<T, TemplateError> {
        Err(TemplateError { message: message.into(), offset })
    }

    fn placeholder(&mut self, code: &Code) -> Result<(), TemplateError> {
        if code.tokens.is_empty() {
            return Self::fault("this placeholder is empty: name a value, as in `{{ service.name }}`", code.whole.start);
        }
        if code.tokens.iter().filter(|token| token.is(self.source, "~")).count() > CONCATENATIONS {
            return Self::fault(format!("more than {CONCATENATIONS} `~` in one placeholder: split it"), code.whole.start);
        }
        self.expression(&code.tokens, Need::Value)
    }

    fn tag(&mut self, code: &Code) -> Result<(), TemplateError> {
        let offset = code.whole.start;
        let Some((name, rest)) = code.tokens.split_first() else {
            return Self::fault("this tag is empty", offset);
        };
        match self.text(name) {
            "if" => {
                self.blocks.push(Block { closes: "endif", names: Vec::new(), offset });
                self.expression(rest, Need::Defined)
            }
            "elif" => self.expression(rest, Need::Defined),
            "for" => self.open_loop(rest, offset),
            "else" | "break" | "continue" => Ok(()),
            close @ ("endif" | "endfor") => match self.blocks.pop() {
                Some(open) if open.closes == close => Ok(()),
                Some(open) => Self::fault(format!("`{close}` where `{}` is due", open.closes), offset),
                None => Self::fault(format!("`{close}` without its opening tag"), offset),
            },
            other => {
                let message = format!("the tag `{other}` is not available: a template may use if, elif, else, for and raw");
                Self::fault(message, offset)
            }
        }
    }

    /// `for item in list` or `for key, value in map`.
    fn open_loop(&mut self, tokens: &[Token], offset: usize) -> Result<(), TemplateError> {
        self.loops += 1;
        if self.blocks.iter().any(|block| block.closes == "endfor") {
            return Self::fault("a `for` inside a `for` is not available: compute the list first", offset);
        }
        if self.loops > LOOPS {
            return Self::fault(format!("more than {LOOPS} `for` in one template: split it"), offset);
        }
        let Some(at) = tokens.iter().position(|token| token.is(self.source, "in")) else {
            return Self::fault("a `for` reads `for item in list`", offset);
        };
        let names = tokens[..at].iter().filter(|token| token.kind == TokenKind::Ident).map(|token| self.text(token).to_owned());
        let names = names.chain(["loop".to_owned()]).collect();
        let before = self.references.len();
        self.expression(&tokens[at + 1..], Need::Nothing)?;
        match self.references.get_mut(before..) {
            Some([list]) if tokens.last().is_some_and(|last| last.at.end == list.at.end) && !list.local => list.looped = true,
            _ => return Self::fault("a `for` runs over one list of the scope, named by its path: compute it first", offset),
        }
        self.blocks.push(Block { closes: "endfor", names, offset });
        Ok(())
    }

    fn expression(&mut self, tokens: &[Token], need: Need) -> Result<(), TemplateError> {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            if token.kind == TokenKind::Ident {
                at = self.ident(tokens, at, need)?;
            } else if ["{", "}", "@", "...", "</"].iter().any(|operator| token.is(self.source, operator)) {
                return Self::fault(format!("`{}` is not available in a template expression", self.text(token)), token.at.start);
            } else {
                let called = token.is(self.source, "(") && before.is_some_and(|before| before.is(self.source, ")"));
                if called {
                    return Self::fault("calls are not available in a template", token.at.start);
                }
                at += 1;
            }
        }
        Ok(())
    }

    /// Reads the identifier at `at` with what belongs to it; gives the index of the token after it.
    fn ident(&mut self, tokens: &[Token], at: usize, need: Need) -> Result<usize, TemplateError> {
        let token = &tokens[at];
        let name = self.text(token).to_owned();
        let before = |text: &str| at.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|token| token.is(self.source, text));
        let after = |text: &str| tokens.get(at + 1).is_some_and(|token| token.is(self.source, text));
        if before("|") {
            return if FILTERS.contains(&name.as_str()) { Ok(at + 1) } else { Self::fault(no_filter(&name), token.at.start) };
        }
        let tested = (before("is") && name != "not") || (before("not") && at >= 2 && tokens[at - 2].is(self.source, "is"));
        if tested && !TESTS.contains(&name.as_str()) {
            return Self::fault(format!("the test `is {name}` is not available: a template may use {}", TESTS.join(", ")), token.at.start);
        }
        if tested || after("=") {
            return Ok(at + 1);
        }
        if KEYWORDS.contains(&name.as_str()) {
            return Ok(at + 1);
        }
        if name == "for" {
            return Self::fault("a list comprehension is not available in a template: compute the list first", token.at.start);
        }
        if name.starts_with("__tera") {
            return Self::fault(format!("`{name}` is not available"), token.at.start);
        }
        self.path(tokens, at, need)
    }

    fn path(&mut self, tokens: &[Token], start: usize, need: Need) -> Result<usize, TemplateError> {
        let mut path = vec![self.text(&tokens[start]).to_owned()];
        let mut literal = true;
        let mut steps = Vec::new();
        let mut at = start + 1;
        while let Some(token) = tokens.get(at) {
            if token.is(self.source, ".") || token.is(self.source, "[") {
                steps.push(token.at.start);
            }
            if token.is(self.source, ".") || token.is(self.source, "?.") {
                let Some(field) = tokens.get(at + 1).filter(|field| field.kind != TokenKind::Operator) else {
                    return Self::fault("a name is missing after the dot", token.at.end);
                };
                if literal {
                    path.push(self.text(field).to_owned());
                }
                at += 2;
            } else if token.is(self.source, "[") || token.is(self.source, "?[") {
                let end = self.bracket(tokens, at)?;
                match &tokens[at + 1..end] {
                    [key] if key.kind == TokenKind::Text && literal => path.push(self.text(key).trim_matches(['"', '\'', '`']).to_owned()),
                    [key] if key.kind == TokenKind::Number && literal => path.push(self.text(key).to_owned()),
                    index => {
                        literal = false;
                        self.expression(index, Need::Value)?;
                    }
                }
                at = end + 1;
            } else {
                break;
            }
        }
        if tokens.get(at).is_some_and(|token| token.is(self.source, "(")) {
            let message = format!("`{}()`: functions are not available in a template", path.join("."));
            return Self::fault(message, tokens[start].at.start);
        }
        let range = tokens[start].at.start..tokens[at - 1].at.end;
        let need = if self.may_be_missing(&tokens[at..]) { Need::Nothing } else { need };
        let local = self.blocks.iter().any(|block| block.names.contains(&path[0]));
        self.references.push(Reference { path, at: range, need, steps, local, looped: false });
        Ok(at)
    }

    fn bracket(&self, tokens: &[Token], open: usize) -> Result<usize, TemplateError> {
        let mut depth = 0_usize;
        for (index, token) in tokens.iter().enumerate().skip(open) {
            if token.is(self.source, "[") || token.is(self.source, "?[") {
                depth += 1;
            } else if token.is(self.source, "]") {
                depth -= 1;
                if depth == 0 {
                    return Ok(index);
                }
            }
        }
        Self::fault("`[` is not closed by `]`", tokens[open].at.start)
    }

    /// `| default(…)`, `is defined`, `is undefined`, `is none`, and their `not` forms.
    fn may_be_missing(&self, rest: &[Token]) -> bool {
        let word = |index: usize, text: &str| rest.get(index).is_some_and(|token| token.is(self.source, text));
        let test = 1 + usize::from(word(1, "not"));
        (word(0, "|") && word(1, "default")) || (word(0, "is") && (word(test, "defined") || word(test, "undefined") || word(test, "none")))
    }
}

fn no_filter(name: &str) -> String {
    if name == "safe" {
        "the filter `safe` is not available: it would let a value through unquoted".to_owned()
    } else {
        format!("the filter `{name}` is not available: a template may use {}", FILTERS.join(", "))
    }
}

//! Text to spanned tree. The parser's events are read directly (rather than through serde) because every later message needs the exact
//! place of keys as well as values. Whatever the text holds, the time and memory spent are bounded and nothing panics.

pub mod place;
mod syntax;

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};

use crate::runbook::diagnostic::{Diagnostic, quote};
use crate::runbook::lint::rule::Rule;
use crate::runbook::source::{Flaw, Node, SourceFile, Span, Spanned, Value};

/// Values in one document, each use of an alias counted with all it stands for.
pub const NODES: usize = 50_000;
/// Maps and lists inside one another.
pub const DEPTH: usize = 64;

/// The document's root, where there is one; and what is wrong. A tree is also given beside problems that leave it readable.
pub fn parse(file: &SourceFile) -> (Option<Node>, Vec<Diagnostic>) {
    match file.flaw() {
        Some(Flaw::TooLarge { bytes }) => {
            let problem = Diagnostic::new(Rule::TooLarge, Span::at(0), format!("the file has {bytes} bytes; at most 1 MiB is read"))
                .hint("split it into several files");
            return (None, vec![problem]);
        }
        Some(Flaw::NotUtf8 { offset }) => {
            let problem = Diagnostic::new(Rule::NotUtf8, Span::new(offset, offset + 1), "this byte is not UTF-8 text")
                .hint("save the file as UTF-8; text from another encoding shows as � here");
            return (None, vec![problem]);
        }
        None => {}
    }
    let mut tree = Tree::new(file);
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
    };
    for event in Parser::new_from_str_with_options(&file.text, options) {
        let step = match event {
            Ok((event, span)) => tree.take(event, span),
            Err(error) => Err(tree.still_open(syntax::explain(file, &error))),
        };
        if let Err(fatal) = step {
            tree.diagnostics.push(fatal);
            return (None, tree.diagnostics);
        }
    }
    if tree.root.is_none() {
        let problem = Diagnostic::new(Rule::Syntax, Span::at(0), "the file is empty")
            .hint("`qrh show` lists the shipped ones; docs/RUNBOOKS.md has one to start from");
        tree.diagnostics.push(problem);
    }
    (tree.root, tree.diagnostics)
}

/// A map or list that is not closed yet.
struct Open {
    span: Span,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map(Box<Entries>),
}

/// The map that is open: what it has so far, and the key whose value comes next.
#[derive(Default)]
struct Entries {
    done: Vec<(Spanned<String>, Node)>,
    /// The keys of a map that has grown past [`FEW`]; a small one is searched.
    keys: HashMap<String, Span>,
    key: Option<Spanned<String>>,
    doubled: bool,
}

/// Entries that are searched one by one: for most maps that costs less than a table of their keys.
const FEW: usize = 24;

impl Entries {
    /// Where this key stood first.
    fn first(&mut self, name: &str) -> Option<Span> {
        if self.done.len() <= FEW {
            return self.done.iter().find(|(key, _)| key.value == name).map(|(key, _)| key.span);
        }
        // Those of the search, then one with each new key.
        for (key, _) in &self.done[self.keys.len()..] {
            self.keys.insert(key.value.clone(), key.span);
        }
        self.keys.get(name).copied()
    }
}

struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
}

struct Tree<'a> {
    file: &'a SourceFile,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Tree<'a> {
    fn new(file: &'a SourceFile) -> Self {
        Self { file, open: Vec::new(), anchors: HashMap::new(), root: None, documents: 0, nodes: 0, diagnostics: Vec::new() }
    }

    /// Inside brackets a syntax error is most often one that was not closed.
    fn still_open(&self, found: Diagnostic) -> Diagnostic {
        let bracket = self.open.last().map(|open| Span::new(open.span.start, open.span.start + 1));
        match bracket.filter(|span| matches!(self.file.slice(*span), "[" | "{") && found.span.start > span.start) {
            Some(span) if found.rule == Rule::Syntax => found.note(span, "this bracket is still open here"),
            Some(_) | None => found,
        }
    }

    /// `Err` ends the reading.
    fn take(&mut self, event: Event<'_>, span: granit_parser::Span) -> Result<(), Diagnostic> {
        let range = span.byte_range().unwrap_or(0..0);
        let here = Span::new(range.start, range.end);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Diagnostic::new(Rule::Syntax, here, "a second document starts here; a file holds one")
                        .hint("put each document into a file of its own"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span.tag_span(), here);
                self.count(1, here)?;
                let node = Node::new(scalar(&text, style), here);
                self.place(node, anchor, Some(&text))
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span.tag_span(), here);
                self.begin(here, anchor, Kind::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span.tag_span(), here);
                self.begin(here, anchor, Kind::Map(Box::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(here),
            Event::Alias(id) => self.alias(id, here),
            // The parser's list of events is open; what it may add is no node.
            Event::UnresolvedAlias(_)
            | Event::Anchor(..)
            | Event::Comment(..)
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentEnd
            | _ => Ok(()),
        }
    }

    fn refuse_tag(&mut self, tagged: bool, tag: Option<granit_parser::Span>, here: Span) {
        if tagged {
            let span = tag.and_then(|tag| tag.byte_range()).map_or(here, |range| Span::new(range.start, range.end));
            self.diagnostics.push(
                Diagnostic::new(Rule::Syntax, span, format!("the tag {} is not used here", quote(self.file.slice(span))))
                    .hint("leave the tag out; put text that looks like a number in quotes"),
            );
        }
    }

    fn count(&mut self, nodes: usize, here: Span) -> Result<(), Diagnostic> {
        self.nodes += nodes;
        if self.nodes > NODES {
            return Err(Diagnostic::new(Rule::TooLarge, here, format!("more than {NODES} values up to here; the rest is not read"))
                .hint("aliases count each time they are used, with all they stand for"));
        }
        Ok(())
    }

    fn begin(&mut self, here: Span, anchor: usize, kind: Kind) -> Result<(), Diagnostic> {
        self.count(1, here)?;
        self.check_depth(1, here)?;
        self.refuse_complex_key(here)?;
        self.open.push(Open { span: here, anchor, kind });
        Ok(())
    }

    fn check_depth(&self, further: usize, here: Span) -> Result<(), Diagnostic> {
        if self.open.len() + further > DEPTH {
            return Err(Diagnostic::new(Rule::TooLarge, here, format!("maps and lists are nested more than {DEPTH} deep here"))
                .hint("no part of a runbook needs that: look for a bracket that is never closed"));
        }
        Ok(())
    }

    fn refuse_complex_key(&self, here: Span) -> Result<(), Diagnostic> {
        match self.open.last() {
            Some(Open { kind: Kind::Map(map), .. }) if map.key.is_none() => {
                let hint = "`{{ … }}` in a value needs quotes around the whole value";
                Err(Diagnostic::new(Rule::Syntax, here, "a map or a list stands where a key is wanted").hint(hint))
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, here: Span) -> Result<(), Diagnostic> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.kind {
            Kind::List(items) => Value::List(items),
            Kind::Map(map) => Value::Map(map.done),
        };
        let end = self.file.slice(Span::new(open.span.start, here.end.max(open.span.start))).trim_end().len();
        self.place(Node::new(value, Span::new(open.span.start, open.span.start + end)), open.anchor, None)
    }

    fn alias(&mut self, id: usize, here: Span) -> Result<(), Diagnostic> {
        let Some(anchored) = self.anchors.get(&id) else {
            let problem = Diagnostic::new(Rule::Syntax, here, format!("{} stands inside what it names", quote(self.file.slice(here))));
            return Err(problem.hint("write the value out"));
        };
        let (node, nodes, depth) = (anchored.node.clone(), anchored.nodes, anchored.depth);
        self.count(nodes, here)?;
        self.check_depth(depth, here)?;
        if !matches!(node.value, Value::Text(_)) {
            self.refuse_complex_key(here)?;
        }
        let text = node.text().map(str::to_owned);
        self.place(node, 0, text.as_deref())
    }

    /// A finished node goes into what is open, as key or as value. `text` is a scalar as written, for keys.
    fn place(&mut self, node: Node, anchor: usize, text: Option<&str>) -> Result<(), Diagnostic> {
        if anchor != 0 {
            let (nodes, depth) = measure(&node);
            // Kept copies count too: otherwise nested anchors would multiply memory.
            self.count(nodes, node.span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, depth });
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(map) => {
                if let Some(name) = map.key.take() {
                    if !map.doubled {
                        map.done.push((name, node));
                    }
                } else {
                    let name = text.unwrap_or_default().to_owned();
                    let first = map.first(&name);
                    map.doubled = first.is_some();
                    if let Some(first) = first {
                        let message = format!("the key {} stands in this map already", quote(&name));
                        self.diagnostics.push(
                            Diagnostic::new(Rule::DuplicateKey, node.span, message).note(first, "first here").hint("keep one of the two"),
                        );
                    }
                    map.key = Some(Spanned::new(name, node.span));
                }
            }
        }
        Ok(())
    }
}

/// Values in a tree, and how deep its maps and lists go. The recursion is bounded by [`DEPTH`].
fn measure(node: &Node) -> (usize, usize) {
    let children: Box<dyn Iterator<Item = &Node>> = match &node.value {
        Value::List(items) => Box::new(items.iter()),
        Value::Map(entries) => Box::new(entries.iter().map(|(_, value)| value)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => return (1, 0),
    };
    let (nodes, depth) = children.map(measure).fold((1, 0), |(nodes, depth), (n, d)| (nodes + n, depth.max(d)));
    (nodes, depth + 1)
}

/// YAML 1.2's core schema: `yes`, `on` and `1_000` are text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).unwrap_or_else(|| Value::Text(text.to_owned()))
}

fn number(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().filter(|_| digits.chars().all(|c| c.is_ascii_hexdigit())).map(Value::Int);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok().filter(|_| digits.chars().all(|c| c.is_ascii_digit())).map(Value::Int);
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !unsigned.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if unsigned.chars().all(|c| c.is_ascii_digit())
        && let Ok(whole) = text.parse()
    {
        return Some(Value::Int(whole));
    }
    let plain = unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite()).map(Value::Float)
}

#[cfg(test)]
mod tests;

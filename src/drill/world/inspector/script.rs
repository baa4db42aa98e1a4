//! The little JavaScript that a responder's tools send: paths, calls, literals, sequences, an assignment to `globalThis`, and an arrow
//! function for a timer. Everything else is an exception that says "not simulated". No loops and no recursion: an expression of at most
//! [`SOURCE`] bytes ends.

use serde_json::{Map, Value};

/// Bytes of an expression.
const SOURCE: usize = 8 * 1024;
/// How deep it may be nested.
const DEPTH: usize = 24;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Js {
    Undefined,
    Plain(Value),
    /// One of the process' own objects or functions, by the path that leads to it.
    Object(&'static str),
    Function(&'static str),
    /// A histogram of the event loop's delay, by its number, and a method of it.
    Delay(usize),
    Method(usize, &'static str),
    /// An arrow function without parameters, by the text of its body.
    Arrow(String),
    Timer,
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thrown {
    pub class: &'static str,
    pub message: String,
    /// Bytes into the expression.
    pub at: usize,
}

/// What expressions are about.
pub trait Host {
    /// A name that is in scope. None: the world does not know it.
    fn name(&self, name: &str) -> Option<Js>;
    fn member(&self, of: &Js, name: &str) -> Option<Js>;
    /// None: no such function, or not with these arguments.
    fn call(&mut self, function: &Js, arguments: &[Js]) -> Option<Js>;
    fn assign(&mut self, name: &str, value: &Js);
    /// What timers' functions do is done later: begins and ends that.
    fn later(&mut self, ms: Option<f64>);
}

pub fn run(host: &mut dyn Host, source: &str) -> Result<Js, Thrown> {
    let mut script = Script { source, at: 0, depth: 0, host };
    if source.len() > SOURCE {
        return Err(script.refused(&format!("an expression of more than {SOURCE} bytes")));
    }
    if source.trim_start().starts_with('{') {
        return Err(script.refused("a block"));
    }
    script.sequence(None)
}

struct Script<'a> {
    source: &'a str,
    at: usize,
    depth: usize,
    host: &'a mut dyn Host,
}

type Said<T> = Result<T, Thrown>;

impl Script<'_> {
    fn refused(&self, what: &str) -> Thrown {
        let message = format!(
            "not simulated: {what}; the world's Node knows process.memoryUsage(), its versions, v8.getHeapStatistics(), the event loop's utilization and delay, and inspector.close()"
        );
        Thrown { class: "Error", message, at: self.at }
    }

    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&mut self) -> Option<char> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    fn take(&mut self, text: &str) -> bool {
        self.peek();
        let is = self.rest().starts_with(text);
        if is {
            self.at += text.len();
        }
        is
    }

    fn expect(&mut self, text: &str) -> Said<()> {
        if self.take(text) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&mut self) -> Thrown {
        match self.peek() {
            None => Thrown { class: "SyntaxError", message: "Unexpected end of input".to_owned(), at: self.at },
            Some(letter) => self.refused(&format!("{letter:?} at {}", self.at)),
        }
    }

    fn word(&mut self) -> String {
        self.peek();
        let word: String = self.rest().chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$')).collect();
        self.at += word.len();
        word
    }

    /// Expressions one after the other; the last one counts.
    fn sequence(&mut self, end: Option<char>) -> Said<Js> {
        let mut last = Js::Undefined;
        loop {
            while self.take(";") || self.take(",") {}
            if self.peek() == end {
                return Ok(last);
            }
            last = self.expression()?;
            match self.peek() {
                Some(';' | ',') => {}
                other if other == end => return Ok(last),
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn expression(&mut self) -> Said<Js> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.refused("an expression nested so deep"));
        }
        let value = self.path();
        self.depth -= 1;
        value
    }

    /// `=`, and not `==` or `=>`.
    fn assigns(&mut self) -> bool {
        self.peek();
        let mut letters = self.rest().chars();
        let is = letters.next() == Some('=') && !matches!(letters.next(), Some('=' | '>'));
        self.at += usize::from(is);
        is
    }

    fn path(&mut self) -> Said<Js> {
        let mut value = match self.peek() {
            Some(letter) if letter.is_ascii_alphabetic() || letter == '_' || letter == '$' => {
                let start = self.at;
                let name = self.word();
                if name == "void" {
                    self.expression()?;
                    return Ok(Js::Undefined);
                }
                if self.assigns() {
                    return self.assigned(&name);
                }
                self.named(&name, start)?
            }
            _ => self.literal()?,
        };
        loop {
            if self.take("?.") || self.take(".") {
                let start = self.at;
                let name = self.word();
                if value == Js::Object("globalThis") && self.assigns() {
                    return self.assigned(&name);
                }
                value = self.member(&value, &name, start)?;
            } else if self.take("(") {
                value = self.call(&value)?;
            } else {
                return Ok(value);
            }
        }
    }

    fn assigned(&mut self, name: &str) -> Said<Js> {
        let value = self.expression()?;
        self.host.assign(name, &value);
        Ok(value)
    }

    fn named(&mut self, name: &str, at: usize) -> Said<Js> {
        let plain = |value: Value| Ok(Js::Plain(value));
        match name {
            "true" => plain(true.into()),
            "false" => plain(false.into()),
            "null" => plain(Value::Null),
            "undefined" => Ok(Js::Undefined),
            // In a module there is none, and an evaluation is in none.
            "require" => Err(Thrown { class: "ReferenceError", message: "require is not defined".to_owned(), at }),
            _ => {
                let known = self.host.name(name);
                known.ok_or_else(|| self.refused(name))
            }
        }
    }

    fn member(&mut self, of: &Js, name: &str, at: usize) -> Said<Js> {
        match of {
            Js::Undefined | Js::Plain(Value::Null) => {
                let what = if *of == Js::Undefined { "undefined" } else { "null" };
                Err(Thrown { class: "TypeError", message: format!("Cannot read properties of {what} (reading '{name}')"), at })
            }
            Js::Plain(Value::Object(map)) => Ok(map.get(name).cloned().map_or(Js::Undefined, Js::Plain)),
            Js::Plain(Value::Array(all)) if name == "length" => Ok(Js::Plain(all.len().into())),
            Js::Plain(Value::Array(all)) => {
                Ok(name.parse().ok().and_then(|index: usize| all.get(index)).cloned().map_or(Js::Undefined, Js::Plain))
            }
            Js::Plain(_) | Js::Object(_) | Js::Function(_) | Js::Delay(_) | Js::Method(..) | Js::Arrow(_) | Js::Timer => {
                let known = self.host.member(of, name);
                known.ok_or_else(|| self.refused(&format!(".{name}")))
            }
        }
    }

    fn call(&mut self, function: &Js) -> Said<Js> {
        let start = self.at;
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.expression()?);
            if !self.take(",") && self.peek() != Some(')') {
                return Err(self.unexpected());
            }
        }
        match (function, arguments.first()) {
            (Js::Arrow(body), _) => self.body(body),
            (Js::Function("setTimeout" | "setImmediate"), Some(Js::Arrow(body))) => {
                let ms = match arguments.get(1) {
                    Some(Js::Plain(value)) => value.as_f64().unwrap_or(1.0),
                    _ => 1.0,
                };
                self.host.later(Some(ms));
                let done = self.body(body);
                self.host.later(None);
                done.map(|_| Js::Timer)
            }
            (Js::Function(_) | Js::Method(..), _) => {
                let known = self.host.call(function, &arguments);
                known.ok_or_else(|| self.refused(self.source.get(..start).unwrap_or_default()))
            }
            _ => Err(Thrown { class: "TypeError", message: "this is not a function".to_owned(), at: start }),
        }
    }

    fn body(&mut self, body: &str) -> Said<Js> {
        let at = self.at;
        let depth = self.depth + 1;
        let mut inner = Script { source: body, at: 0, depth, host: &mut *self.host };
        if body.trim_start().starts_with('{') || depth > DEPTH {
            return Err(self.refused("a function with a block"));
        }
        inner.sequence(None).map_err(|thrown| Thrown { at, ..thrown })
    }

    fn literal(&mut self) -> Said<Js> {
        match self.peek() {
            Some('(') => self.group(),
            Some('[') => {
                self.expect("[")?;
                let mut all = Vec::new();
                while !self.take("]") {
                    let value = self.expression()?;
                    all.push(self.plain(value)?.unwrap_or(Value::Null));
                    if !self.take(",") && self.peek() != Some(']') {
                        return Err(self.unexpected());
                    }
                }
                Ok(Js::Plain(all.into()))
            }
            Some('{') => self.object(),
            Some('"' | '\'') => self.text().map(|text| Js::Plain(text.into())),
            Some(letter) if letter.is_ascii_digit() || letter == '-' => {
                let end = self.rest().find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-')).unwrap_or(self.rest().len());
                let number = self.rest().get(..end).and_then(|text| serde_json::from_str(text).ok());
                let Some(number @ Value::Number(_)) = number else { return Err(self.unexpected()) };
                self.at += end;
                Ok(Js::Plain(number))
            }
            Some(_) | None => Err(self.unexpected()),
        }
    }

    /// Something in parentheses, or an arrow function.
    fn group(&mut self) -> Said<Js> {
        let start = self.at;
        self.expect("(")?;
        if self.take(")") {
            self.expect("=>")?;
            self.peek();
            let mut open = 0_usize;
            let end = self.rest().find(|letter: char| {
                match letter {
                    '(' | '[' | '{' => open += 1,
                    ')' | ']' | '}' if open > 0 => open -= 1,
                    ')' | ']' | '}' | ',' | ';' if open == 0 => return true,
                    _ => {}
                }
                false
            });
            let body = self.rest().get(..end.unwrap_or(self.rest().len())).unwrap_or_default().to_owned();
            self.at += body.len();
            return if body.trim().is_empty() { Err(self.unexpected()) } else { Ok(Js::Arrow(body)) };
        }
        let value = self.sequence(Some(')'))?;
        if self.take(")") { Ok(value) } else { Err(Thrown { at: start, ..self.unexpected() }) }
    }

    fn object(&mut self) -> Said<Js> {
        self.expect("{")?;
        let mut map = Map::new();
        while !self.take("}") {
            let start = self.at;
            let name = if matches!(self.peek(), Some('"' | '\'')) { self.text()? } else { self.word() };
            if name.is_empty() {
                return Err(self.unexpected());
            }
            let value = if self.take(":") { self.expression()? } else { self.named(&name, start)? };
            if let Some(value) = self.plain(value)? {
                map.insert(name, value);
            }
            if !self.take(",") && self.peek() != Some('}') {
                return Err(self.unexpected());
            }
        }
        Ok(Js::Plain(map.into()))
    }

    fn text(&mut self) -> Said<String> {
        let quote = self.peek().unwrap_or('"');
        let inner = self.rest().get(1..).unwrap_or_default();
        let text = inner.find(quote).and_then(|end| inner.get(..end)).filter(|text| !text.contains(['\\', '\n'])).map(str::to_owned);
        let Some(text) = text else { return Err(self.refused("a text with escapes")) };
        self.at += text.len() + 2;
        Ok(text)
    }

    /// As part of a larger value. None: nothing is there.
    fn plain(&self, value: Js) -> Said<Option<Value>> {
        match value {
            Js::Undefined => Ok(None),
            Js::Plain(value) => Ok(Some(value)),
            Js::Function(_) | Js::Method(..) | Js::Arrow(_) | Js::Delay(_) => Ok(Some(Map::new().into())),
            Js::Object(path) => Err(self.refused(&format!("the value of {path}"))),
            Js::Timer => Err(self.refused("the value of a timer")),
        }
    }
}

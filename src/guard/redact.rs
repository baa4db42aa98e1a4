//! Hides secrets in cleaned text. Each rule of [`rule::RULES`] names the words that announce it and the pattern of the secret itself;
//! all the words together are one Aho-Corasick automaton, so that a line without any of them costs one pass and no regular expression.
//! A secret becomes `‹redacted:rule›`. Redacting twice changes nothing.

mod json;
mod rule;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use regex::Regex;

pub use json::json;
pub use rule::{RULES, Rule};

/// What begins every mark.
const MARK: &str = "‹redacted:";
/// Bytes before an announcing word where its secret may begin.
const BEFORE: usize = 256;
/// Lines of a private key after its first; a longer one is not a key.
const KEY_LINES: u16 = 400;
/// Passes over one line: what one rule hides may complete another's pattern.
const PASSES: usize = 4;

struct Compiled {
    words: AhoCorasick,
    /// The rules of each word, as bits.
    rules_of: Vec<u64>,
    patterns: Vec<Option<Regex>>,
}

static COMPILED: LazyLock<Option<Compiled>> = LazyLock::new(|| {
    let mut words = Vec::new();
    let mut rules_of = Vec::new();
    for (index, rule) in RULES.iter().enumerate() {
        for word in rule.words {
            words.push(*word);
            rules_of.push(1_u64 << index);
        }
    }
    let words = AhoCorasickBuilder::new().ascii_case_insensitive(true).build(words).ok()?;
    let patterns = RULES.iter().map(|rule| Regex::new(rule.pattern).ok()).collect();
    Some(Compiled { words, rules_of, patterns })
});

static KEY_BEGINS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----").ok());
static KEY_ENDS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----").ok());

/// Hides secrets line by line; remembers that a private key is open.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Lines of the open key so far.
    key: Option<u16>,
    hidden: u64,
}

impl Redactor {
    /// One line, without its end.
    pub fn line(&mut self, line: String) -> String {
        if self.key.is_none() && !line.contains("-----BEGIN ") {
            return self.rules(line);
        }
        let mut shown = String::new();
        let mut rest = line.as_str();
        loop {
            if let Some(lines) = self.key {
                if let Some(end) = KEY_ENDS.as_ref().and_then(|pattern| pattern.find(rest)) {
                    self.key = None;
                    if lines > 0 {
                        shown.push_str(&mark("private-key"));
                    }
                    rest = &rest[end.end()..];
                } else if lines < KEY_LINES && (lines == 0 || is_key_line(rest)) {
                    self.key = Some(lines + 1);
                    if lines > 0 {
                        shown.push_str(&mark("private-key"));
                    }
                    return self.rules(shown);
                } else {
                    self.key = None;
                }
            } else if let Some(begin) = KEY_BEGINS.as_ref().and_then(|pattern| pattern.find(rest)) {
                shown.push_str(&rest[..begin.start()]);
                shown.push_str(&mark("private-key"));
                self.hidden += 1;
                self.key = Some(0);
                rest = &rest[begin.end()..];
            } else {
                shown.push_str(rest);
                return self.rules(shown);
            }
        }
    }

    /// Secrets hidden so far; a private key counts once.
    pub fn hidden(&self) -> u64 {
        self.hidden
    }

    fn rules(&mut self, mut line: String) -> String {
        for _ in 0..PASSES {
            let Cow::Owned(changed) = pass(&line, &mut self.hidden) else {
                break;
            };
            line = changed;
        }
        line
    }
}

/// What stands in the place of a secret.
fn mark(rule: &str) -> String {
    format!("{MARK}{rule}›")
}

/// Base64, armour headers, or blank: what the lines of a key look like.
fn is_key_line(line: &str) -> bool {
    let text = line.trim_matches([' ', '"', '\'', ',', '|', '>', '+', '\\']);
    let base64 = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    base64 || ["Proc-Type:", "DEK-Info:", "Version:", "Comment:", "Hash:"].iter().any(|header| text.starts_with(header))
}

/// Every rule whose words occur, once, in the order of the table.
fn pass<'a>(line: &'a str, hidden: &mut u64) -> Cow<'a, str> {
    let Some(compiled) = COMPILED.as_ref() else {
        // The rules do not compile, which a test rules out: better nothing than a secret.
        return Cow::Owned(mark("all"));
    };
    let mut found = 0_u64;
    let mut first = line.len();
    for hit in compiled.words.find_overlapping_iter(line) {
        found |= compiled.rules_of.get(hit.pattern().as_usize()).copied().unwrap_or(0);
        first = first.min(hit.start());
    }
    let mut text = Cow::Borrowed(line);
    let start = (0..=first.saturating_sub(BEFORE)).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    for (index, rule) in RULES.iter().enumerate().filter(|(index, _)| found & (1 << index) != 0) {
        if let Some(pattern) = compiled.patterns.get(index).and_then(Option::as_ref)
            && let Some(changed) = hide(&text, start, pattern, rule.name, hidden)
        {
            text = Cow::Owned(changed);
        }
    }
    text
}

/// Replaces the secret of every match from `start` on; none where nothing changed. What is before `start` holds no announcing word
/// and stays as it is, so `start` fits the text after earlier rules too.
fn hide(text: &str, start: usize, pattern: &Regex, name: &str, hidden: &mut u64) -> Option<String> {
    let mut changed = String::new();
    let mut copied = 0;
    let mut at = start;
    while let Some(groups) = pattern.captures_at(text, at) {
        let secret = groups.iter().skip(1).flatten().next();
        let (Some(whole), Some(secret)) = (groups.get(0), secret) else { break };
        at = whole.end().max(at + 1);
        at = (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        if secret.is_empty() || is_no_secret(secret.as_str()) {
            continue;
        }
        changed.push_str(&text[copied..secret.start()]);
        changed.push_str(&mark(name));
        copied = secret.end();
        *hidden += 1;
        if at >= text.len() {
            break;
        }
    }
    (copied > 0).then(|| changed + &text[copied..])
}

/// Hidden already, masked by somebody else, or the name of a variable.
fn is_no_secret(text: &str) -> bool {
    let inner = text.trim_matches(['"', '\'']);
    let masked = inner.bytes().all(|byte| b"*.xX#".contains(&byte));
    let name = inner.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).or_else(|| inner.strip_prefix('$'));
    let variable = name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
    let nothing = ["null", "none", "nil", "true", "false", "undefined"].iter().any(|word| inner.eq_ignore_ascii_case(word));
    (inner.starts_with(MARK) && inner.ends_with('›') && inner.matches(MARK).count() == 1) || masked || variable || nothing
}

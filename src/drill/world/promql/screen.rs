//! Limits that hold before a parser sees the query: length, nesting, operators, durations, regular expressions.
//!
//! Measured of promql-parser 0.11: it panics at `foo[1e300]`, `foo offset 1e300` and `foo offset Inf` (a duration written as a number), drops a duration's
//! part that does not fit in 32 bits, takes a backslash in a raw string as an escape, needs time that grows with the square of the
//! nesting (4 s for 16 KiB of `-`), and minutes for 300 regular expressions with large repetitions.

use super::refusal::Refusal;

/// Bytes of a query.
pub(super) const QUERY_BYTES: usize = 16 * 1024;
const DEPTH: usize = 64;
const OPERATORS: usize = 128;
/// Of all regular expressions of a query; see [`weight`].
const REGEX_WEIGHT: usize = 20_000;
/// Ten years, in milliseconds.
const LONGEST: u64 = 10 * 365 * 86_400_000;

/// What the words and signs seen so far mean for the next one.
#[derive(Default)]
struct Seen {
    depth: usize,
    operators: usize,
    regex_weight: usize,
    in_braces: bool,
    /// After `=~` or `!~`: the next string is a regular expression.
    regex_next: bool,
    /// After `offset`, and a sign.
    offset_next: bool,
}

/// Refuses what is too large to be parsed, and what the parser does not survive.
pub(super) fn screen(query: &str) -> Result<(), Refusal> {
    if query.len() > QUERY_BYTES {
        return Err(Refusal::BadData(format!("the query has {} bytes; at most {QUERY_BYTES} are simulated", query.len())));
    }
    let mut seen = Seen::default();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' | '\'' | '`' => seen.string(rest, first)?,
            '[' => seen.brackets(rest)?,
            '_' | ':' => seen.word(rest)?,
            _ if first.is_ascii_alphabetic() => seen.word(rest)?,
            _ if first.is_ascii_digit() || first == '.' => seen.number(rest)?,
            _ => {
                seen.sign(first)?;
                first.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

impl Seen {
    fn operator(&mut self) -> Result<(), Refusal> {
        self.operators += 1;
        if self.operators > OPERATORS { Err(too_many(OPERATORS, "operators")) } else { Ok(()) }
    }

    fn sign(&mut self, sign: char) -> Result<(), Refusal> {
        match sign {
            '{' => self.in_braces = true,
            '}' => self.in_braces = false,
            '~' => self.regex_next = self.in_braces,
            _ if self.in_braces => {}
            '(' => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(too_many(DEPTH, "levels of parentheses"));
                }
            }
            ')' => self.depth = self.depth.saturating_sub(1),
            '@' => return Err(Refusal::not_simulated("the @ modifier")),
            '+' | '-' => self.operator()?,
            '*' | '/' | '%' | '^' | '=' | '!' | '<' | '>' => {
                self.offset_next = false;
                self.operator()?;
            }
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, rest: &str) -> Result<usize, Refusal> {
        let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        let word = rest.get(..length).unwrap_or_default().to_ascii_lowercase();
        if self.offset_next && matches!(word.as_str(), "inf" | "nan") {
            return duration(&word).map(|_| length);
        }
        self.offset_next = !self.in_braces && word == "offset";
        if !self.in_braces && ["and", "or", "unless", "atan2"].contains(&word.as_str()) {
            self.operator()?;
        }
        Ok(length)
    }

    fn number(&mut self, rest: &str) -> Result<usize, Refusal> {
        let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '.');
        if self.offset_next {
            duration(rest.get(..length).unwrap_or_default())?;
        }
        self.offset_next = false;
        Ok(length)
    }

    /// The range of a range vector, or range and step of a subquery.
    fn brackets(&mut self, rest: &str) -> Result<usize, Refusal> {
        if self.in_braces {
            return Ok(1);
        }
        let inside = rest.get(1..).unwrap_or_default();
        let Some(end) = inside.find(']') else { return Err(Refusal::BadData("parse error: unclosed left bracket".to_owned())) };
        for part in inside.get(..end).unwrap_or_default().split(':').map(str::trim).filter(|part| !part.is_empty()) {
            duration(part)?;
        }
        Ok(end + 2)
    }

    fn string(&mut self, rest: &str, quote: char) -> Result<usize, Refusal> {
        let mut escaped = false;
        for (index, c) in rest.char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' && quote == '`' {
                return Err(Refusal::not_simulated("a backslash in a raw string"));
            } else if c == '\\' {
                escaped = true;
            } else if c == quote {
                self.offset_next = false;
                if std::mem::take(&mut self.regex_next) {
                    self.regex_weight = self.regex_weight.saturating_add(weight(rest.get(1..index).unwrap_or_default()));
                    if self.regex_weight > REGEX_WEIGHT {
                        return Err(Refusal::not_simulated("a query with regular expressions this large"));
                    }
                }
                return Ok(index + 1);
            }
        }
        Err(Refusal::BadData("parse error: unterminated quoted string".to_owned()))
    }
}

fn too_many(limit: usize, what: &str) -> Refusal {
    Refusal::BadData(format!("the query has more than {limit} {what}: so many is not simulated"))
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// About what a regular expression costs to compile: its characters, classes for more, times all its repetitions.
fn weight(pattern: &str) -> usize {
    let mut repeated = 1_usize;
    for group in pattern.split('{').skip(1) {
        let bounds = group.split('}').next().unwrap_or_default();
        let most = bounds.split(',').filter_map(|bound| bound.trim().parse::<usize>().ok()).max();
        repeated = repeated.saturating_mul(most.unwrap_or(1).max(1));
    }
    let classes = pattern.matches(['.', '[']).count() + pattern.matches('\\').count();
    pattern.len().saturating_add(classes.saturating_mul(32)).saturating_mul(repeated)
}

/// `1h30m`: units from long to short, each once. In milliseconds, more than none.
pub(super) fn duration(text: &str) -> Result<i64, Refusal> {
    const UNITS: [(&str, u64); 7] =
        [("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    if text.parse::<f64>().is_ok() {
        return Err(Refusal::not_simulated(&format!("the duration {text:?}, a number without a unit,")));
    }
    let invalid = || Refusal::BadData(format!("parse error: not a valid duration string: {text:?}"));
    let (mut rest, mut units, mut total) = (text, UNITS.iter(), 0_u64);
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at(run(rest, |c| c.is_ascii_digit()));
        let (unit, tail) = tail.split_at(run(tail, |c| c.is_ascii_alphabetic()));
        let (_, factor) = units.find(|(name, _)| *name == unit).ok_or_else(invalid)?;
        let count = digits.parse::<u32>().map_err(|_| invalid())?;
        total = total.saturating_add(u64::from(count).saturating_mul(*factor));
        rest = tail;
    }
    match total {
        0 => Err(Refusal::BadData("parse error: duration must be greater than 0".to_owned())),
        1..=LONGEST => i64::try_from(total).map_err(|_| invalid()),
        _ => Err(Refusal::not_simulated(&format!("the duration {text:?}, more than ten years,"))),
    }
}

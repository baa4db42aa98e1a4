//! How a table says what a value looks like.

use std::time::Duration;

/// A map with known keys.
#[derive(Debug)]
pub struct Shape {
    /// As a message names one: `a step`.
    pub name: &'static str,
    pub keys: &'static [Key],
    /// Keys it shares with another shape.
    pub shared: &'static [Key],
    pub groups: &'static [Group],
    /// True: exactly one action kind stands beside the keys.
    pub action: bool,
    /// Keys authors try that are not there, each with what to do instead.
    pub instead: &'static [(&'static str, &'static str)],
}

impl Shape {
    pub const fn new(name: &'static str, keys: &'static [Key]) -> Self {
        Self { name, keys, shared: &[], groups: &[], action: false, instead: &[] }
    }

    pub fn all_keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.shared.iter().chain(self.keys)
    }

    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.all_keys().find(|key| key.name == name)
    }
}

#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub need: Need,
    /// One line for the schema and the documentation.
    pub doc: &'static str,
}

impl Key {
    pub const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, need: Need::Required, doc }
    }

    pub const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, need: Need::Optional, doc }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
}

/// What must hold between the keys of one map.
#[derive(Debug)]
pub enum Group {
    ExactlyOne(&'static [&'static str]),
    AtMostOne(&'static [&'static str]),
    /// All of them or none.
    Together(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `lower-case-words`
    Kebab,
    /// `lower_case_words`
    Snake,
    /// Not checked: a header, an environment variable.
    Any,
}

impl Case {
    pub fn holds(self, text: &str) -> bool {
        let separator = match self {
            Self::Kebab => '-',
            Self::Snake => '_',
            Self::Any => return true,
        };
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with(separator)
            && text.len() <= 64
            && !text.contains(&[separator, separator][..].iter().collect::<String>())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == separator)
    }
}

/// What a value looks like.
#[derive(Debug)]
pub enum Kind {
    /// Text as it stands.
    Text,
    /// Text with `{{ }}`.
    Template,
    /// Text with `{{ }}`, where a bare number or word of YAML is taken as it is written.
    Argument,
    /// A shell script; each `{{ }}` becomes one quoted word.
    Script,
    /// CEL.
    Expression,
    Integer {
        least: i64,
        most: i64,
    },
    Bool,
    Duration {
        least: Duration,
        most: Duration,
    },
    Word(&'static [&'static str]),
    Id(Case),
    /// The one value `schema` may have.
    Schema(&'static str),
    List {
        of: &'static Kind,
        least: usize,
        most: usize,
    },
    Map {
        keys: Case,
        of: &'static Kind,
    },
    Object(&'static Shape),
    /// The map, or just the value of its one main key.
    Short {
        shape: &'static Shape,
        key: &'static str,
    },
    /// A map for the second, anything else for the first.
    Either(&'static Kind, &'static Kind),
    /// That, or text with `{{ }}` that gives it when rendered.
    Filled(&'static Kind),
    /// That, or `null`.
    Nullable(&'static Kind),
    /// Text, a number, or true or false.
    Scalar,
    /// Any JSON; its strings are templates.
    Json,
    /// A map with exactly one action kind.
    Action,
    /// A map with exactly one verb of `kube`.
    Verb,
}

/// Milliseconds, seconds, minutes, hours: `500ms`, `30s`, `5m`, `2h`.
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

/// The shortest way to write a duration.
pub fn duration_text(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match milliseconds {
        0 => "0s".to_owned(),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_unit_and_come_back_as_written() {
        for text in ["500ms", "30s", "5m", "2h", "0s"] {
            assert_eq!(duration_text(duration(text).unwrap()), text);
        }
        for text in ["", "30", "s", "1h30m", "-1s", "1.5s", "5 m", "99999999999999999999s", "18446744073709551615h", "5d", "é"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn cases() {
        assert!(Case::Kebab.holds("bad-deploy-2") && !Case::Kebab.holds("bad_deploy") && !Case::Kebab.holds("-a"));
        assert!(!Case::Kebab.holds("a--b") && !Case::Kebab.holds("a-") && !Case::Kebab.holds("") && !Case::Kebab.holds("2a"));
        assert!(Case::Snake.holds("p99") && !Case::Snake.holds("p-99") && !Case::Snake.holds("P99") && !Case::Snake.holds("é"));
    }
}

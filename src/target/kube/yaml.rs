//! JSON objects as YAML-like lines, for reading and for comparing; and the lines in which two of them differ.

use serde_json::Value;

/// Lines of one object that are written or compared. Real Deployments have a few hundred.
const LINES: usize = 3000;
/// Unchanged lines shown around a change.
const CONTEXT: usize = 2;

/// The object as lines, at most [`LINES`].
pub(super) fn lines(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    write(value, 0, "", &mut all);
    if all.len() > LINES {
        let cut = all.len() - LINES;
        all.truncate(LINES);
        all.push(format!("… {cut} more lines"));
    }
    all
}

fn write(value: &Value, depth: usize, lead: &str, all: &mut Vec<String>) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (index, (key, value)) in fields.iter().enumerate() {
                let lead = if index == 0 { lead } else { "" };
                let pad = if lead.is_empty() { pad.clone() } else { "  ".repeat(depth - 1) };
                if is_leaf(value) {
                    all.push(format!("{pad}{lead}{key}: {}", scalar(value)));
                } else {
                    all.push(format!("{pad}{lead}{key}:"));
                    write(value, depth + usize::from(value.is_object()), "", all);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                if is_leaf(item) {
                    all.push(format!("{pad}- {}", scalar(item)));
                } else {
                    write(item, depth + 1, "- ", all);
                }
            }
        }
        Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            all.push(format!("{pad}{}", scalar(value)));
        }
    }
}

fn is_leaf(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Text that YAML would read as something else stays quoted.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._/@+ =,()".contains(c) || c == ':')
        && !text.contains(": ")
        && !text.ends_with(':')
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with(' ')
        && !matches!(text.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if plain { text.clone() } else { value.to_string() }
}

/// The lines in which two objects differ: `-` before, `+` after, with a little of what surrounds them. Empty: they are the same.
pub(super) fn diff(before: &Value, after: &Value) -> Vec<String> {
    let (old, new) = (lines(before), lines(after));
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    if head == old.len() && head == new.len() {
        return Vec::new();
    }
    let middle = edits(&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let same = |line: &String| (' ', line.clone());
    let all: Vec<(char, String)> = old[..head].iter().map(same).chain(middle).chain(old[old.len() - tail..].iter().map(same)).collect();
    hunks(&all)
}

/// Longest common subsequence by dynamic programming: both sides have at most [`LINES`] lines.
fn edits(old: &[String], new: &[String]) -> Vec<(char, String)> {
    let width = new.len() + 1;
    let mut common = vec![0_u16; (old.len() + 1) * width];
    for row in (0..old.len()).rev() {
        for column in (0..new.len()).rev() {
            common[row * width + column] = if old[row] == new[column] {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column, mut all) = (0, 0, Vec::new());
    while row < old.len() || column < new.len() {
        if row < old.len() && column < new.len() && old[row] == new[column] {
            all.push((' ', old[row].clone()));
            (row, column) = (row + 1, column + 1);
        } else if row < old.len() && (column == new.len() || common[(row + 1) * width + column] >= common[row * width + column + 1]) {
            all.push(('-', old[row].clone()));
            row += 1;
        } else {
            all.push(('+', new[column].clone()));
            column += 1;
        }
    }
    all
}

/// Changed lines, [`CONTEXT`] around them, the parents they belong to, and `…` where lines are left out.
fn hunks(all: &[(char, String)]) -> Vec<String> {
    let mut shown = vec![false; all.len()];
    for (index, _) in all.iter().enumerate().filter(|(_, (mark, _))| *mark != ' ') {
        let (from, to) = (index.saturating_sub(CONTEXT), (index + CONTEXT + 1).min(all.len()));
        shown[from..to].fill(true);
        let mut depth = indent(&all[index].1);
        for parent in (0..index).rev() {
            if indent(&all[parent].1) < depth {
                depth = indent(&all[parent].1);
                shown[parent] = true;
            }
        }
    }
    let mut lines = Vec::new();
    let mut gap = false;
    for ((mark, line), shown) in all.iter().zip(shown) {
        if shown {
            if gap {
                lines.push("  …".to_owned());
            }
            lines.push(format!("{mark} {line}"));
        }
        gap = !shown;
    }
    lines
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_reads_like_yaml() {
        let value = json!({"spec": {"containers": [{"name": "app", "args": ["-v", "2"], "env": []}], "paused": true, "note": "a: b"}});
        assert_eq!(
            lines(&value),
            [
                "spec:",
                "  containers:",
                "  - name: app",
                "    args:",
                "    - \"-v\"",
                "    - \"2\"",
                "    env: []",
                "  paused: true",
                "  note: \"a: b\""
            ]
        );
    }

    #[test]
    fn a_diff_shows_the_change_its_parents_and_nothing_far_away() {
        let object = |image: &str| json!({"metadata": {"name": "web", "a": 1, "b": 2, "c": 3}, "spec": {"template": {"x": 1, "y": 2, "containers": [{"name": "app", "image": image}]}}});
        assert_eq!(
            diff(&object("app:1"), &object("app:2")),
            [
                "  …",
                "  spec:",
                "    template:",
                "  …",
                "      containers:",
                "      - name: app",
                "-       image: app:1",
                "+       image: app:2"
            ]
        );
        assert_eq!(diff(&object("app:1"), &object("app:1")), Vec::<String>::new());
    }

    #[test]
    fn a_line_added_at_the_end_is_shown() {
        assert_eq!(diff(&json!({"a": 1}), &json!({"a": 1, "b": 2})), ["  a: 1", "+ b: 2"]);
    }
}

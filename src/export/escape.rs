//! Text from a log inside Markdown: shown as it is, whatever it holds. It can't end a table cell, open a tag or leave its code.

/// Words in a paragraph, a list or a table cell. Line ends become `<br>`.
pub fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut characters = text.trim_end().chars().peekable();
    while let Some(c) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        match c {
            '\n' => out.push_str("<br>"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Inside a word an underscore means nothing, and command ids are full of them.
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => out.extend(['\\', c]),
            // `#3 Roll back` is no heading and stays as it is.
            '#' if out.is_empty() && !after.is_ascii_digit() => out.extend(['\\', c]),
            '+' | '-' | '=' if out.is_empty() => out.extend(['\\', c]),
            '.' | ')' if !out.is_empty() && out.chars().all(|c| c.is_ascii_digit()) => out.extend(['\\', c]),
            '\t' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// Text between HTML tags, where Markdown's own signs mean nothing.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_whitespace() => out.push(' '),
            c => out.push(visible(c)),
        }
    }
    out
}

/// A code span. Line ends become spaces: a span has none.
pub fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { visible(c) }).collect();
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A code span in a table, where a bar would end its cell even inside code.
pub fn cell_code(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A fenced block that no line of it can end.
pub fn block(lines: &[String]) -> String {
    let fence = "`".repeat(lines.iter().map(|line| longest_run(line)).max().unwrap_or(0).max(2) + 1);
    let mut out = format!("{fence}text\n");
    for line in lines {
        out.extend(line.chars().map(|c| if c == '\t' { c } else { visible(c) }));
        out.push('\n');
    }
    out + &fence
}

fn visible(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

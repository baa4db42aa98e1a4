//! How a command is written down so that a person can read it, and paste it, and get exactly that: POSIX shell quoting, with characters
//! nobody can see spelled out; and which of it must not be written down at all.

/// Stands for a value that is kept from the screen.
pub const HIDDEN: &str = "‹hidden›";

/// One word of a shell command. Control and invisible characters become `$'\x1b'` escapes, so what is shown is what runs.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if text.contains(is_invisible) {
        format!("$'{}'", text.chars().map(escape).collect::<String>())
    } else if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Words joined as they would be typed.
pub fn words<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    all.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A line of text in which nothing is invisible; `\` stays as it is.
pub fn visible(line: &str) -> String {
    line.chars().map(|c| if is_invisible(c) && c != '\t' { escape(c) } else { c.to_string() }).collect()
}

/// Control characters, and those that reorder or hide their neighbours (zero width, bidirectional).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escape(c: char) -> String {
    match c {
        '\n' => r"\n".to_owned(),
        '\t' => r"\t".to_owned(),
        '\r' => r"\r".to_owned(),
        '\\' => r"\\".to_owned(),
        '\'' => r"\'".to_owned(),
        c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
        c if is_invisible(c) && u32::from(c) <= 0xffff => format!("\\u{:04x}", u32::from(c)),
        c if is_invisible(c) => format!("\\U{:08x}", u32::from(c)),
        c => c.to_string(),
    }
}

/// Whether a header, variable, query parameter or field of this name holds a secret: its value is never shown.
pub fn is_secret_name(name: &str) -> bool {
    const SECRET: [&str; 12] = [
        "auth",
        "token",
        "secret",
        "passw",
        "passphrase",
        "cookie",
        "apikey",
        "credential",
        "privatekey",
        "accesskey",
        "signature",
        "session",
    ];
    let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRET.iter().any(|word| bare.contains(word)) || matches!(bare.as_str(), "pw" | "pwd" | "pass" | "key" | "sig" | "sid")
}

/// A URL without the password before its host and without the values of secret query parameters. Text that is no URL stays as it is.
pub fn url(text: &str) -> String {
    let (head, query) = text.split_once('?').map_or((text, None), |(head, query)| (head, Some(query)));
    let mut shown = match head.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
            match authority.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://{HIDDEN}@{host}{path}"),
                None => head.to_owned(),
            }
        }
        None => head.to_owned(),
    };
    if let Some(query) = query {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((name, _)) if is_secret_name(name) => format!("{name}={HIDDEN}"),
            Some(_) | None => part.to_owned(),
        });
        shown.push('?');
        shown.push_str(&parts.collect::<Vec<_>>().join("&"));
    }
    visible(&shown)
}

/// A JSON value with the values of secret fields hidden.
pub fn json(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(name, value)| (name.clone(), if is_secret_name(name) { HIDDEN.into() } else { json(value) })).collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(json).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_a_shell_reads_back() {
        assert_eq!(word("node"), "node");
        assert_eq!(word(""), "''");
        assert_eq!(word("it's; rm -rf /"), r"'it'\''s; rm -rf /'");
        assert_eq!(word("~"), "'~'");
        assert_eq!(word("a\u{1b}[2Jb"), r"$'a\x1b[2Jb'");
        assert_eq!(word("rm\u{202e}fdp"), r"$'rm\u202efdp'");
        assert_eq!(words(["sh", "-c", "a\nb"]), r"sh -c $'a\nb'");
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the one judge of shell quoting is a shell")]
    fn bash_reads_the_words_back_unchanged() {
        for text in ["it's", "a b", "\u{1b}]0;x\u{7}", "$(id)", "`id`", "\\", "\u{202e}x", "*", "a\nb", "é€😀", "\u{e0001}"] {
            let Ok(output) =
                std::process::Command::new("bash").env("LC_ALL", "C.UTF-8").args(["-c", &format!("printf %s {}", word(text))]).output()
            else {
                return;
            };
            assert_eq!(String::from_utf8_lossy(&output.stdout), text, "{}", word(text));
        }
    }

    #[test]
    fn secrets_of_a_url_are_hidden() {
        assert_eq!(url("https://u:pw@h:1/a?x=1&access_token=abc"), "https://‹hidden›@h:1/a?x=1&access_token=‹hidden›");
        assert_eq!(url("http://h/a@b?q=c@d"), "http://h/a@b?q=c@d");
        assert_eq!(url("https://a@b:c@h/"), "https://‹hidden›@h/");
        assert_eq!(url("nonsense"), "nonsense");
    }

    #[test]
    fn secret_names() {
        for name in ["Authorization", "X-Api-Key", "PGPASSWORD", "Set-Cookie", "access_token", "AWS_SECRET_ACCESS_KEY", "key"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["Accept", "Content-Type", "X-Request-Id", "keyspace", "monkey", "PATH"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}

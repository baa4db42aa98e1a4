//! Lints a script template: where may a placeholder stand so that its quoted value stays one word, whatever it holds.
//!
//! Each placeholder becomes a sentinel name and each control tag a sentinel command; the result is parsed with tree-sitter-bash. A
//! placeholder is good only as (part of) a plain word that the shell neither unquotes again nor runs: an argument, the value of an
//! assignment, an item of `for`, the subject of `case`, a file after `>`. In quotes, here-documents, backticks, arithmetic, parameter
//! expansions, comments and patterns its quotes would not hold. Control tags stand on lines of their own, as statements, so that
//! leaving out or repeating what is between them can't change how the rest is read.

use tree_sitter::{Node, Parser, Tree};

use super::TemplateError;
use super::reference::Parsed;
use super::scan::{Code, Piece};

/// Programs that read an argument as code or as the name of a variable.
const EVALUATORS: &[&str] = &[
    "eval", ".", "source", "trap", "alias", "export", "readonly", "local", "unset", "read", "getopts", "set", "let", "declare", "typeset",
    "ssh", "su", "watch", "parallel", "script",
];
/// Programs that read as code their first operand, or what follows an option.
const INTERPRETERS: &[&str] = &[
    "sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "python", "python3", "perl", "ruby", "node", "awk", "gawk", "mawk", "sed", "xargs",
    "exec", "command", "builtin", "env", "sudo", "doas", "nohup", "setsid", "nice", "time", "timeout", "-exec", "-execdir", "-ok",
];
/// Syntax of bash that `/bin/sh` reads differently, so that a quote may end elsewhere than it seems.
const BASH_ONLY: &[(&str, &str)] = &[
    ("ansi_c_string", "`$'…'`"),
    ("translated_string", "`$\"…\"`"),
    ("herestring_redirect", "`<<<`"),
    ("process_substitution", "`<(…)`"),
    ("array", "an array"),
    ("subscript", "an array"),
    ("extglob_pattern", "an extended pattern"),
    ("c_style_for_statement", "`for ((…))`"),
];

/// The shell text with its sentinels, and where each part came from.
struct Shell {
    text: String,
    /// Place in the text, place in the template; ascending.
    places: Vec<(usize, usize)>,
    placeholders: Vec<Mark>,
    tags: Vec<Mark>,
}

struct Mark {
    name: String,
    offset: usize,
    /// Place in the shell text.
    at: usize,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Value,
    Opens,
    Between,
    Closes,
}

/// What makes a script unsafe to render, in the order of the script. Empty: every placeholder stays one word.
pub(super) fn check(source: &str, parsed: &Parsed) -> Vec<TemplateError> {
    let mut errors = Vec::new();
    let shell = shell(source, &parsed.pieces, &mut errors);
    if shell.placeholders.is_empty() && shell.tags.is_empty() {
        return errors;
    }
    let Some(tree) = tree(&shell.text) else {
        return vec![fault("the script cannot be parsed", 0)];
    };
    check_syntax(&shell, tree.root_node(), &mut errors);
    for mark in &shell.placeholders {
        errors.extend(placeholder(&shell, &tree, mark).err().map(|why| fault(&why, mark.offset)));
    }
    errors.extend(tags(&shell, &tree));
    errors.sort_by_key(|error| error.offset);
    errors.dedup();
    errors
}

fn fault(message: &str, offset: usize) -> TemplateError {
    TemplateError { message: message.to_owned(), offset }
}

fn tree(text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    parser.parse(text, None)
}

fn shell(source: &str, pieces: &[Piece], errors: &mut Vec<TemplateError>) -> Shell {
    // A name no template text holds.
    let prefix = (0..=source.len()).map(|n| format!("qrh{n}x")).find(|prefix| !source.contains(prefix.as_str())).unwrap_or_default();
    let mut shell = Shell { text: String::new(), places: Vec::new(), placeholders: Vec::new(), tags: Vec::new() };
    for piece in pieces {
        match piece {
            Piece::Text(range) => {
                shell.places.push((shell.text.len(), range.start));
                shell.text.push_str(&source[range.clone()]);
            }
            Piece::Comment(range) => {
                if source[range.clone()].starts_with("{#-") || source[range.clone()].ends_with("-#}") {
                    errors.push(fault(TRIMS, range.start));
                }
            }
            Piece::Placeholder(code) => shell.mark(&format!("{prefix}{}z", shell.placeholders.len()), code, Role::Value, errors),
            Piece::Tag(code) => {
                let line = source[..code.whole.start].rsplit('\n').next().unwrap_or_default();
                let rest = source[code.whole.end..].split('\n').next().unwrap_or_default();
                if !line.trim().is_empty() || !rest.trim().is_empty() {
                    errors.push(fault("in a script this tag must stand on a line of its own", code.whole.start));
                }
                let word = code.tokens.first().and_then(|token| source.get(token.at.clone())).unwrap_or_default();
                let role = match word {
                    "if" | "for" => Role::Opens,
                    "endif" | "endfor" => Role::Closes,
                    _ => Role::Between,
                };
                shell.mark(&format!("{prefix}{}t", shell.tags.len()), code, role, errors);
            }
        }
    }
    shell
}

const TRIMS: &str = "in a script `-` at the braces is not available: it joins lines";

impl Shell {
    fn mark(&mut self, name: &str, code: &Code, role: Role, errors: &mut Vec<TemplateError>) {
        if code.trims {
            errors.push(fault(TRIMS, code.whole.start));
        }
        self.places.push((self.text.len(), code.whole.start));
        let mark = Mark { name: name.to_owned(), offset: code.whole.start, at: self.text.len(), role };
        self.text.push_str(name);
        match role {
            Role::Value => self.placeholders.push(mark),
            Role::Opens | Role::Between | Role::Closes => self.tags.push(mark),
        }
    }

    fn offset(&self, at: usize) -> usize {
        let index = self.places.partition_point(|(place, _)| *place <= at);
        index.checked_sub(1).and_then(|index| self.places.get(index)).map_or(0, |(place, offset)| offset + (at - place))
    }
}

/// Errors of the shell's own grammar, and syntax that `/bin/sh` would read differently.
fn check_syntax(shell: &Shell, root: Node<'_>, errors: &mut Vec<TemplateError>) {
    let language = root.language();
    let bash_only: Vec<(u16, &str)> = BASH_ONLY.iter().map(|(kind, what)| (language.id_for_node_kind(kind, true), *what)).collect();
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            let at = shell.offset(node.start_byte());
            errors.push(fault("the script does not parse here, so nothing can be said of its placeholders", at));
        } else if let Some((_, what)) = bash_only.iter().find(|(kind, _)| *kind == node.kind_id())
            // The grammar calls a plain `case` pattern an extended one too.
            && (node.kind() != "extglob_pattern" || shell.text[node.byte_range()].contains('('))
        {
            let at = shell.offset(node.start_byte());
            errors.push(fault(&format!("{what} is not in /bin/sh, which runs this script"), at));
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

fn placeholder(shell: &Shell, tree: &Tree, mark: &Mark) -> Result<(), String> {
    const FIX: &str = "write it as an argument of its own, or assign it first: `name={{ … }}`, then \"$name\"";
    if shell.text[..mark.at].contains("<<") {
        return Err(format!("a placeholder after the start of a here-document: its quotes would not hold; {FIX}"));
    }
    if shell.text[..mark.at].ends_with('\\') {
        return Err(format!("a placeholder behind a backslash: its quotes would not hold; {FIX}"));
    }
    let root = tree.root_node();
    let Some(node) = root.named_descendant_for_byte_range(mark.at, mark.at + mark.name.len()) else {
        return Err("the script does not parse here".to_owned());
    };
    if node.kind() != "word" {
        return Err(format!("a placeholder in {}: its quotes would not hold; {FIX}", name_of(node.kind())));
    }
    let mut above = node;
    while let Some(parent) = above.parent() {
        let bad = matches!(
            parent.kind(),
            "string" | "heredoc_body" | "heredoc_redirect" | "arithmetic_expansion" | "expansion" | "subscript" | "ERROR" | "comment"
        );
        let backticks = parent.kind() == "command_substitution" && shell.text[parent.start_byte()..].starts_with('`');
        if bad || backticks {
            let place = if backticks { "backticks" } else { name_of(parent.kind()) };
            return Err(format!("a placeholder in {place}: its quotes would not hold; {FIX}"));
        }
        above = parent;
    }
    position(shell, node)
}

fn name_of(kind: &str) -> &str {
    match kind {
        "string" | "string_content" | "raw_string" | "ansi_c_string" | "translated_string" => "quotes",
        "heredoc_body" | "heredoc_content" | "heredoc_redirect" | "heredoc_start" => "a here-document",
        "arithmetic_expansion" => "arithmetic",
        "expansion" | "simple_expansion" | "variable_name" | "subscript" => "the name of a variable",
        "comment" => "a comment",
        other => other,
    }
}

/// What the shell does with the word.
fn position(shell: &Shell, word: Node<'_>) -> Result<(), String> {
    // `a{{ x }}"b"`: the whole joined word counts.
    let whole = word.parent().filter(|parent| parent.kind() == "concatenation").unwrap_or(word);
    let Some(parent) = whole.parent() else {
        return Err("a placeholder outside any command".to_owned());
    };
    match parent.kind() {
        "command_name" => Err("a placeholder as the name of a command: any program could run; name the program in the script".to_owned()),
        "command" => argument(shell, parent, whole),
        "variable_assignment" | "for_statement" | "case_statement" | "file_redirect" => Ok(()),
        "binary_expression" | "unary_expression" | "test_command" => test(shell, whole),
        other => Err(format!("a placeholder in {}: only a plain argument or the value of an assignment is safe", other.replace('_', " "))),
    }
}

/// `[ -v name ]` looks a name up, and `[[` is bash's.
fn test(shell: &Shell, word: Node<'_>) -> Result<(), String> {
    let mut above = word;
    while let Some(parent) = above.parent() {
        if parent.kind() == "test_command" {
            let text = &shell.text[parent.byte_range()];
            if text.starts_with("[[") {
                return Err("`[[` is not in /bin/sh, which runs this script: use `[`".to_owned());
            }
            if text.contains(" -v ") || text.contains(" -R ") {
                return Err("a placeholder beside `-v`: it would be read as the name of a variable".to_owned());
            }
            return Ok(());
        }
        above = parent;
    }
    Err("a placeholder in an expression: only a plain argument or the value of an assignment is safe".to_owned())
}

/// An argument is data to most programs, but code to some.
fn argument(shell: &Shell, command: Node<'_>, word: Node<'_>) -> Result<(), String> {
    let mut cursor = command.walk();
    let before: Vec<&str> = command
        .named_children(&mut cursor)
        .filter(|child| child.kind() != "variable_assignment" && child.end_byte() <= word.start_byte())
        .map(|child| &shell.text[child.byte_range()])
        .collect();
    for (index, text) in before.iter().enumerate() {
        let program = text.rsplit('/').next().unwrap_or(text);
        if (EVALUATORS.contains(&program) && index == 0) || EVALUATORS.contains(text) && *text != "." && *text != "set" && *text != "script"
        {
            return Err(format!("a placeholder as an argument of `{text}`: it would be read as code or as a name"));
        }
        // `sh -c '…' sh {{ x }}`: the safe way to hand a value to a script; the second `sh` is only `$0`.
        let is_zero = index >= 3 && before[index - 2].starts_with('-') && before[index - 2].ends_with('c');
        if is_zero && INTERPRETERS.contains(&before[index - 3]) {
            continue;
        }
        let after = &before[index + 1..];
        let first_operand = after.iter().all(|word| word.starts_with('-') || word.contains('='));
        let code_option =
            after.last().is_some_and(|word| word.starts_with('-') && word.contains(['c', 'e', 'f']) && !word.starts_with("--"));
        let interpreter = INTERPRETERS.contains(&program) && (index == 0 || !matches!(program, "time" | "node" | "script" | "command"));
        if interpreter && (first_operand || (code_option && !matches!(program, "sudo" | "env" | "timeout" | "nice" | "time"))) {
            return Err(format!("a placeholder as what `{text}` runs: any code could run; name the program in the script"));
        }
    }
    Ok(())
}

fn tags(shell: &Shell, tree: &Tree) -> Vec<TemplateError> {
    const WHERE: &str = "in a script this tag must stand where a command may begin, outside of quotes, here-documents and lists";
    let mut errors = Vec::new();
    let mut open: Vec<Option<usize>> = Vec::new();
    for mark in &shell.tags {
        let list = statement_list(shell, tree, mark);
        if list.is_none() || shell.text[..mark.at].contains("<<") {
            errors.push(fault(WHERE, mark.offset));
        }
        let fits = match mark.role {
            Role::Opens => {
                open.push(list);
                true
            }
            Role::Between => open.last().is_none_or(|opened| *opened == list),
            Role::Closes => open.pop().is_none_or(|opened| opened == list),
            Role::Value => true,
        };
        if !fits {
            errors.push(fault("this tag and the one that opened it stand in different blocks of the script", mark.offset));
        }
    }
    errors
}

/// The node whose list of statements holds the sentinel as a command of its own.
fn statement_list(shell: &Shell, tree: &Tree, mark: &Mark) -> Option<usize> {
    let range = mark.at..mark.at + mark.name.len();
    let word = tree.root_node().named_descendant_for_byte_range(range.start, range.end)?;
    let mut command = word;
    while command.kind() != "command" {
        command = command.parent()?;
    }
    let list = command.parent()?;
    let alone = command.byte_range() == range;
    let statements = matches!(
        list.kind(),
        "program" | "do_group" | "if_statement" | "else_clause" | "elif_clause" | "compound_statement" | "subshell" | "case_item"
    );
    let followed = shell.text[range.end..].trim_start_matches([' ', '\t', '\r']);
    let ends = followed.is_empty() || followed.starts_with('\n');
    (alone && statements && ends).then(|| list.id())
}

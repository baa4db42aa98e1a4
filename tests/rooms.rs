//! Holds the rooms to the arrows of the map at the head of `src/lib.rs`. The map is read from there, so that it and this test can't
//! disagree. Tests inside the rooms are held to the same arrows, but for those of the front ends, which may build what they show.
#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "a test of its own crate, which reads the sources")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

type Rooms = BTreeMap<String, BTreeSet<String>>;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Room → what it may use, from the table's first and last columns.
fn map(lib: &str) -> Rooms {
    let rows: Vec<(String, String)> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`"))
        .map(|row| {
            let (room, rest) = row.split_once("`]").expect("a room's name ends with `]");
            let uses = rest.trim_end().trim_end_matches('|').rsplit('|').next().expect("a last column").trim();
            (room.to_owned(), uses.to_owned())
        })
        .collect();
    let all: BTreeSet<String> = rows.iter().map(|(room, _)| room.clone()).collect();
    let mut rooms = Rooms::new();
    for (room, uses) in &rows {
        let mut may = BTreeSet::new();
        for use_ in uses.split(',').map(str::trim) {
            match use_ {
                "–" => {}
                "all but cli" => may.extend(all.iter().filter(|name| *name != "cli" && *name != room).cloned()),
                "rooms" => may.extend(all.iter().filter(|name| *name != room).cloned()),
                other => {
                    if let Some(like) = other.strip_prefix("as ") {
                        may.extend(rooms[like].clone());
                    } else {
                        assert!(all.contains(other), "the map says that {room} may use {other}, which is no room");
                        may.insert(other.to_owned());
                    }
                }
            }
        }
        assert!(rooms.insert(room.clone(), may).is_none(), "{room} stands twice in the map");
    }
    rooms
}

fn files(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(under).expect("a directory of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The room a file belongs to: its first directory, or its own name.
fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix(source()).expect("a file under src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The code without its comments and strings: a path in a sentence is not used.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let mut kept = String::new();
        let (mut quoted, mut before) = (false, ' ');
        for letter in line.chars() {
            match letter {
                '"' if before != '\\' && before != '\'' => quoted = !quoted,
                '/' if before == '/' && !quoted => {
                    kept.pop();
                    break;
                }
                other if !quoted => kept.push(other),
                _ => {}
            }
            before = letter;
        }
        kept
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Rooms named as `crate::room`, `crate::{room, …}`, or from a test or a binary as `qrh::room`.
fn used(text: &str) -> BTreeSet<String> {
    let code: String = code(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rooms = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            None => {
                rooms.insert(name(rest));
            }
            Some(group) => rooms.extend(heads(group)),
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}

/// How many `super` lead from a file to the crate's root.
fn depth(path: &Path) -> usize {
    let inside = path.strip_prefix(source()).expect("a file under src");
    inside.components().count() - usize::from(inside.ends_with("mod.rs"))
}

/// Names reached by climbing out of the room: `super::super::name`.
fn climbs(text: &str, depth: usize) -> Vec<String> {
    let code: String = code(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let chain = "super::".repeat(depth);
    code.match_indices(&chain).map(|(at, found)| name(code[at + found.len()..].trim_start_matches("super::"))).collect()
}

fn name(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// The first name of each branch of `{a::b, c::{d, e}}`.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut fresh) = (0_usize, Vec::new(), true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            ' ' => {}
            _ if fresh => {
                heads.push(name(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    heads
}

fn is_front_end_test(path: &Path) -> bool {
    let inside = path.strip_prefix(source()).expect("a file under src").to_string_lossy().into_owned();
    let front_end = ["engine/", "tui/", "plain/"].iter().any(|room| inside.starts_with(room));
    front_end && (inside.contains("tests/") || inside.ends_with("tests.rs"))
}

#[test]
fn arrows_point_down_only() {
    let lib = std::fs::read_to_string(source().join("lib.rs")).expect("lib.rs");
    let rooms = map(&lib);
    assert!(rooms.len() >= 12, "the map was not read: {rooms:?}");
    let mut sources = Vec::new();
    files(&source(), &mut sources);
    assert!(sources.len() > 20, "the sources were not found");
    let mut wrong = Vec::new();
    for path in sources.iter().filter(|path| !is_front_end_test(path)) {
        let room = room_of(path);
        if room == "main" || room == "lib" {
            continue;
        }
        let Some(may) = rooms.get(&room) else {
            wrong.push(format!("{}: the room {room} is not on the map in src/lib.rs", path.display()));
            continue;
        };
        let text = std::fs::read_to_string(path).expect("a source file");
        let climbed = climbs(&text, depth(path)).into_iter().filter(|name| rooms.contains_key(name));
        let other = used(&text).into_iter().chain(climbed).filter(|used| *used != room && !may.contains(used));
        wrong.extend(other.map(|other| format!("{}: {room} may not use {other}", path.display())));
    }
    assert!(wrong.is_empty(), "{} arrows off the map:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_map_itself_has_no_way_round() {
    let lib = std::fs::read_to_string(source().join("lib.rs")).expect("lib.rs");
    let rooms = map(&lib);
    for room in rooms.keys() {
        let mut reached: BTreeSet<&String> = rooms[room].iter().collect();
        while let Some(next) = reached.iter().flat_map(|via| &rooms[*via]).find(|next| !reached.contains(next)) {
            reached.insert(next);
        }
        assert!(!reached.contains(room), "{room} reaches itself");
    }
}

#[test]
fn the_reader_sees_every_way_to_name_a_room() {
    let text = "use crate::action::Run;\nuse crate::{\n  guard::{Policy, Tier},\n  runbook::model,\n};\nfn f() -> crate::engine::State { todo!() }\n\
        //! [`crate::tui`]\nlet a = \"crate::plain\"; // crate::cli\npub(crate) fn g() {}";
    assert_eq!(used(text).into_iter().collect::<Vec<_>>(), ["action", "engine", "guard", "runbook"]);
    assert_eq!(climbs("use super::super::tui::View; use super::near;", 2), ["tui"]);
    let table = "//! | room | holds | never holds | may use |\n//! |---|---|---|---|\n//! | [`a`] | x | y | – |\n//! | [`b`] | x | | a |\n\
        //! | [`c`] | x | | as b |\n//! | [`d`] | x | | all but cli |\n//! | [`cli`] | x | | d, rooms |";
    let uses = |room: &str| map(table)[room].iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!((uses("a"), uses("b"), uses("c")), (String::new(), "a".to_owned(), "a".to_owned()));
    assert_eq!((uses("d"), uses("cli")), ("a b c".to_owned(), "a b c d".to_owned()));
}

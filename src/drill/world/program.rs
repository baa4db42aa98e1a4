//! The commands a person runs in a container: a handful that responders use. Anything else is refused by name, as an unknown program.

use super::behaviour::{Ran, View};
use super::json::{list, text};
use super::{disk, quantity};

const KNOWN: &str = "cat, date, echo, env, false, hostname, ls, ps, rm, sh -c, sleep, tar, test, true, whoami";

fn said(text: impl Into<String>) -> Ran {
    Ran { stdout: text.into().into_bytes(), ..Ran::default() }
}

fn failed(code: i32, text: &str) -> Ran {
    Ran { stderr: format!("{text}\n").into_bytes(), code, ..Ran::default() }
}

/// Does the command read what is sent to it?
pub fn reads(argv: &[String]) -> bool {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["cat"] => true,
        ["tar", ..] => disk::extracts(argv),
        _ => false,
    }
}

/// A container, and files it has beside those all of them have.
pub type Inside<'a> = (&'a View<'a>, &'a [(&'static str, String)]);

pub fn exec(inside: Inside<'_>, argv: &[String], stdin: &[u8]) -> Ran {
    let view = inside.0;
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => failed(126, "no command was given"),
        ["sh" | "bash" | "/bin/sh" | "/bin/bash", "-c", script] => shell(inside, script, stdin),
        ["sh" | "bash" | "/bin/sh" | "/bin/bash", ..] => {
            failed(127, "not simulated: an interactive shell; give one command, or sh -c 'command'")
        }
        ["true"] | ["sleep", _] => Ran::default(),
        ["false"] => Ran { code: 1, ..Ran::default() },
        ["echo", words @ ..] => said(words.join(" ") + "\n"),
        ["date", ..] => said(format!("{}\n", view.now.strftime("%a %b %e %H:%M:%S UTC %Y"))),
        ["hostname"] => said(text(view.pod, "/metadata/name").to_owned() + "\n"),
        ["whoami"] => said("node\n"),
        ["env" | "printenv"] => said(environment(view)),
        ["printenv", name] => environment(view)
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))
            .map_or(Ran { code: 1, ..Ran::default() }, |value| said(format!("{value}\n"))),
        ["ps", ..] => said("    PID TTY          TIME CMD\n      1 ?        00:00:07 node\n"),
        ["cat"] => Ran { stdout: stdin.to_vec(), ..Ran::default() },
        ["cat", paths @ ..] => cat(inside, paths),
        ["ls", rest @ ..] => ls(inside, rest),
        [program, ..] => failed(127, &format!("not simulated: {program}; this container has {KNOWN}")),
    }
}

/// Commands with plain words, one after the other; everything else a shell can do is refused.
fn shell(inside: Inside<'_>, script: &str, stdin: &[u8]) -> Ran {
    if script.contains(['|', '<', '>', '$', '`', '*', '(', '\\']) {
        return failed(2, "not simulated: sh with pipes, redirections, variables or patterns; plain commands with ; and && are");
    }
    let mut all = Ran::default();
    for (index, part) in script.replace("&&", "\u{1}").split([';', '\u{1}', '\n']).enumerate() {
        let words: Vec<String> = part.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect();
        if words.is_empty() {
            continue;
        }
        if index > 0 && all.code != 0 && script.contains("&&") {
            break;
        }
        let ran = exec(inside, &words, stdin);
        all.stdout.extend(ran.stdout);
        all.stderr.extend(ran.stderr);
        all.code = ran.code;
    }
    all
}

fn environment(view: &View<'_>) -> String {
    let mut lines = vec![
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        format!("HOSTNAME={}", text(view.pod, "/metadata/name")),
        "KUBERNETES_SERVICE_HOST=10.43.0.1".to_owned(),
        "HOME=/home/node".to_owned(),
    ];
    lines.extend(list(view.container, "/env").iter().map(|entry| {
        let from = entry.pointer("/valueFrom").is_some_and(|from| !from.is_null());
        format!("{}={}", text(entry, "/name"), if from { "(from a reference: not simulated)" } else { text(entry, "/value") })
    }));
    lines.join("\n") + "\n"
}

/// The files a container has.
fn files((view, more): Inside<'_>) -> Vec<(&'static str, String)> {
    let limit = |resource: &str| quantity::parse(text(view.container, &format!("/resources/limits/{resource}")));
    let memory = limit("memory").map_or_else(|| "max".to_owned(), |bytes| format!("{bytes:.0}"));
    let cpu = limit("cpu").map_or_else(|| "max 100000".to_owned(), |cores| format!("{:.0} 100000", cores * 100_000.0));
    let package = serde_json::json!({ "name": text(view.container, "/name"), "version": "0.0.0-world", "main": "server.js" });
    let mut files = vec![
        ("/app/package.json", format!("{package:#}\n")),
        ("/app/server.js", "// The world's programs have no source.\n".to_owned()),
        ("/etc/hostname", format!("{}\n", text(view.pod, "/metadata/name"))),
        (
            "/etc/resolv.conf",
            format!(
                "search {}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.43.0.10\noptions ndots:5\n",
                text(view.pod, "/metadata/namespace")
            ),
        ),
        ("/proc/1/comm", "node\n".to_owned()),
        ("/proc/1/cmdline", "node\0server.js\0".to_owned()),
        ("/sys/fs/cgroup/cpu.max", format!("{cpu}\n")),
        ("/sys/fs/cgroup/memory.max", format!("{memory}\n")),
    ];
    files.extend(more.iter().cloned());
    files.sort_unstable_by_key(|(path, _)| *path);
    files
}

fn file(inside: Inside<'_>, path: &str) -> Option<String> {
    files(inside).into_iter().find(|(name, _)| *name == path).map(|(_, text)| text)
}

fn cat(inside: Inside<'_>, paths: &[&str]) -> Ran {
    let mut all = Ran::default();
    for path in paths {
        if let Some(text) = file(inside, path) {
            all.stdout.extend(text.into_bytes());
        } else {
            all.stderr.extend(format!("cat: {path}: No such file or directory\n").into_bytes());
            all.code = 1;
        }
    }
    all
}

fn ls(inside: Inside<'_>, rest: &[&str]) -> Ran {
    let directory = rest.iter().find(|word| !word.starts_with('-')).map_or("/app", |path| path.trim_end_matches('/'));
    let prefix = format!("{directory}/");
    let mut names: Vec<String> = files(inside)
        .iter()
        .filter_map(|(path, _)| path.strip_prefix(&prefix))
        .map(|rest| rest.split('/').next().unwrap_or_default().to_owned())
        .collect();
    names.dedup();
    if names.is_empty() {
        return failed(2, &format!("ls: cannot access '{directory}': No such file or directory"));
    }
    said(names.join("\n") + "\n")
}

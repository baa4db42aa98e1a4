//! Files that people copy into containers, and the few commands that see them. Kept for a run of a container and gone with it, as the
//! writable layer of a real one; bounded. Everything else a container has, and every other command, is the behaviour's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::behaviour::{Ran, View};
use super::json::{list, text, truth};
use super::tar::{self, Entry};

/// Bytes kept for one container.
pub const CONTAINER: usize = 8 * 1024 * 1024;
/// Files kept for one container, and put in one archive.
const FILES: usize = 1024;
/// Containers that something was copied into.
const CONTAINERS: usize = 32;
/// How deep directories are searched.
const DEPTH: usize = 8;
/// Directories that every container has, though nothing is in them.
const ALWAYS: &[&str] = &["/", "/app", "/home/node", "/tmp", "/var/tmp"];
/// Where relative paths begin.
const WORKDIR: &str = "/app";

/// A container of a pod, by the pod's namespace, name and uid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    namespace: String,
    pod: String,
    uid: String,
    container: String,
}

#[derive(Debug, Default)]
struct Disk {
    run: i64,
    files: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug, Default)]
pub struct Disks(BTreeMap<Key, Disk>);

impl Disks {
    /// Forgets the pods that are gone. `lives` is asked for namespace, name and uid.
    pub fn retain(&mut self, lives: impl Fn(&str, &str, &str) -> bool) {
        self.0.retain(|key, _| lives(&key.namespace, &key.pod, &key.uid));
    }
}

fn failed(code: i32, text: &str) -> Ran {
    Ran { stderr: format!("{text}\n").into_bytes(), code, ..Ran::default() }
}

/// Runs a command on the files that were copied in; `below` runs it on all the others.
pub fn exec(disks: &mut Disks, view: &View<'_>, (argv, stdin): (&[String], &[u8]), below: impl Fn(&[String], &[u8]) -> Ran) -> Ran {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let mut seen = Seen { disk: Disk::default(), view, below: &below };
    let key = seen.key();
    let before = disks.0.remove(&key).filter(|disk| disk.run == view.run);
    seen.disk = before.unwrap_or_else(|| Disk { run: view.run, ..Disk::default() });
    let ran = if seen.disk.files.is_empty() && disks.0.len() >= CONTAINERS && matches!(words.as_slice(), ["tar", ..]) && extracts(argv) {
        failed(2, &format!("tar: No space left on device (the world keeps files for {CONTAINERS} containers)"))
    } else {
        seen.run(argv, stdin)
    };
    if !seen.disk.files.is_empty() {
        disks.0.insert(key, seen.disk);
    }
    ran
}

/// Does this tar write files?
pub fn extracts(argv: &[String]) -> bool {
    let mut flags = argv.iter().skip(1).enumerate().filter(|(at, word)| (*at == 0 || word.starts_with('-')) && !word.starts_with("--"));
    flags.any(|(_, word)| word.contains('x'))
}

/// A container's files: those below, and those that were copied over them.
struct Seen<'a, F> {
    disk: Disk,
    view: &'a View<'a>,
    below: &'a F,
}

impl<F: Fn(&[String], &[u8]) -> Ran> Seen<'_, F> {
    fn key(&self) -> Key {
        let of = |pointer: &str| text(self.view.pod, pointer).to_owned();
        Key {
            namespace: of("/metadata/namespace"),
            pod: of("/metadata/name"),
            uid: of("/metadata/uid"),
            container: text(self.view.container, "/name").to_owned(),
        }
    }

    fn run(&mut self, argv: &[String], stdin: &[u8]) -> Ran {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["test", rest @ ..] | ["[", rest @ .., "]"] => self.test(rest),
            ["tar", ..] if extracts(argv) => self.extract(&words, stdin),
            ["tar", rest @ ..] => self.archive(rest),
            ["rm", rest @ ..] => self.remove(rest),
            ["cat", paths @ ..] if paths.iter().any(|path| self.copied(path)) => self.cat(paths),
            ["ls", rest @ ..] if !self.disk.files.is_empty() => self.ls(argv, rest),
            _ => (self.below)(argv, stdin),
        }
    }

    fn ask(&self, words: &[&str]) -> Ran {
        let argv: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        (self.below)(&argv, &[])
    }

    fn copied(&self, path: &str) -> bool {
        self.disk.files.contains_key(&absolute(path))
    }

    fn file(&self, path: &str) -> Option<Vec<u8>> {
        let path = absolute(path);
        self.disk.files.get(&path).cloned().or_else(|| Some(self.ask(&["cat", &path])).filter(|ran| ran.code == 0).map(|ran| ran.stdout))
    }

    /// The names in a directory. None: it is none.
    fn names(&self, directory: &str) -> Option<BTreeSet<String>> {
        let directory = absolute(directory);
        let prefix = format!("{}/", directory.trim_end_matches('/'));
        let below = self.ask(&["ls", &directory]);
        let mut names: BTreeSet<String> = match below.code {
            0 => String::from_utf8_lossy(&below.stdout).lines().map(str::to_owned).collect(),
            _ => BTreeSet::new(),
        };
        let copied = self.disk.files.keys().filter_map(|path| path.strip_prefix(&prefix));
        names.extend(copied.filter_map(|rest| rest.split('/').next()).map(str::to_owned));
        (!names.is_empty() || ALWAYS.contains(&directory.as_str())).then_some(names)
    }

    fn test(&self, words: &[&str]) -> Ran {
        let holds = match words {
            ["-d", path] => self.names(path).is_some(),
            ["-f", path] => self.file(path).is_some(),
            ["-e" | "-r", path] => self.file(path).is_some() || self.names(path).is_some(),
            ["-s", path] => self.file(path).is_some_and(|content| !content.is_empty()),
            ["-w", path] => writable(self.view.container, &absolute(path)),
            _ => return failed(2, "not simulated: test with anything but -d, -e, -f, -r, -s or -w of one path"),
        };
        Ran { code: i32::from(!holds), ..Ran::default() }
    }

    fn cat(&self, paths: &[&str]) -> Ran {
        let mut all = Ran::default();
        for path in paths {
            if let Some(content) = self.file(path) {
                all.stdout.extend(content);
            } else {
                all.stderr.extend(format!("cat: {path}: No such file or directory\n").into_bytes());
                all.code = 1;
            }
        }
        all
    }

    fn ls(&self, argv: &[String], rest: &[&str]) -> Ran {
        let path = rest.iter().find(|word| !word.starts_with('-')).copied().unwrap_or(WORKDIR);
        if self.copied(path) {
            return Ran { stdout: format!("{path}\n").into_bytes(), ..Ran::default() };
        }
        match self.names(path) {
            Some(names) => {
                let lines: Vec<u8> = names.iter().flat_map(|name| [name.as_bytes(), b"\n"].concat()).collect();
                Ran { stdout: lines, ..Ran::default() }
            }
            None => (self.below)(argv, &[]),
        }
    }

    fn remove(&mut self, rest: &[&str]) -> Ran {
        let mut ran = Ran::default();
        for path in rest.iter().filter(|word| !word.starts_with('-')) {
            let path = absolute(path);
            let why = if self.disk.files.remove(&path).is_some() {
                continue;
            } else if self.file(&path).is_some() {
                "Read-only file system (not simulated: removing what the image brought)"
            } else if self.names(&path).is_some() {
                "Is a directory (not simulated: removing directories)"
            } else if rest.iter().any(|word| word.starts_with('-') && word.contains('f')) {
                continue;
            } else {
                "No such file or directory"
            };
            ran.stderr.extend(format!("rm: cannot remove '{path}': {why}\n").into_bytes());
            ran.code = 1;
        }
        ran
    }

    /// `tar cf - PATH`: what `kubectl cp` reads.
    fn archive(&self, rest: &[&str]) -> Ran {
        if !rest.first().is_some_and(|flags| flags.contains('c')) {
            return failed(2, "not simulated: tar that neither creates nor extracts");
        }
        let Some(path) = rest.iter().skip(1).rev().find(|word| !word.starts_with('-')) else {
            return failed(2, "tar: Cowardly refusing to create an empty archive");
        };
        let mut files = Vec::new();
        if !self.gather(path.trim_end_matches('/'), DEPTH, &mut files) {
            return failed(2, &format!("tar: {path}: Cannot stat: No such file or directory"));
        }
        Ran { stdout: tar::write(&files), ..Ran::default() }
    }

    fn gather(&self, path: &str, depth: usize, files: &mut Vec<Entry>) -> bool {
        if files.len() >= FILES {
            return true;
        }
        if let Some(content) = self.file(path) {
            files.push((path.trim_start_matches('/').to_owned(), content));
            return true;
        }
        let names = if depth == 0 { None } else { self.names(path) };
        for name in names.iter().flatten() {
            self.gather(&format!("{path}/{name}"), depth - 1, files);
        }
        names.is_some()
    }

    /// `tar xmf - -C DIRECTORY`: what `kubectl cp` writes with. All of it, or nothing.
    fn extract(&mut self, words: &[&str], archive: &[u8]) -> Ran {
        let at = words.iter().position(|word| *word == "-C").and_then(|at| words.get(at + 1)).copied().unwrap_or(WORKDIR);
        let directory = absolute(at);
        if self.names(&directory).is_none() {
            return failed(2, &format!("tar: {at}: Cannot open: No such file or directory\ntar: Error is not recoverable: exiting now"));
        }
        let entries = match tar::read(archive) {
            Ok(entries) => entries,
            Err(error) => return failed(2, &format!("tar: {error}")),
        };
        let mut files = self.disk.files.clone();
        for (name, content) in entries {
            let path = absolute(&format!("{directory}/{name}"));
            if name.split('/').any(|part| part == "..") {
                return failed(2, &format!("tar: {name}: Member name contains '..'"));
            }
            if !writable(self.view.container, &path) {
                return failed(2, &format!("tar: {name}: Cannot open: Read-only file system"));
            }
            if path.len() > tar::NAME {
                return failed(2, &format!("tar: {}", tar::Error::Name(path)));
            }
            files.insert(path, content);
        }
        if files.len() > FILES || files.values().map(Vec::len).sum::<usize>() > CONTAINER {
            let most = CONTAINER / 1024 / 1024;
            return failed(
                2,
                &format!("tar: No space left on device (the world keeps at most {most} MiB in {FILES} files for a container)"),
            );
        }
        self.disk.files = files;
        Ran::default()
    }
}

/// Without `.` and doubled slashes, from the root.
fn absolute(path: &str) -> String {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("{WORKDIR}/{path}") };
    let parts: Vec<&str> = full.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}

/// May the container write there? Its root may be read-only; what is mounted is writable unless it says otherwise.
fn writable(container: &Value, path: &str) -> bool {
    let mounted = list(container, "/volumeMounts").iter().filter(|mount| {
        let at = text(mount, "/mountPath").trim_end_matches('/');
        path.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    match mounted.max_by_key(|mount| text(mount, "/mountPath").len()) {
        Some(mount) => !truth(mount, "/readOnly"),
        None => !truth(container, "/securityContext/readOnlyRootFilesystem"),
    }
}

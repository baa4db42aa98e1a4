//! Figures of the whole program, printed and never asserted: start, first frame, lint, idle cost, size. Run it on an idle machine with
//! `cargo bench --bench console`; each line says how it was measured.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pty_process::Size;
use tokio::io::AsyncReadExt;

const QRH: &str = env!("CARGO_BIN_EXE_qrh");
/// How long an idle console is watched.
const IDLE: Duration = Duration::from_secs(60);
/// No single wait is longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    let room = Room::make();
    println!("binary, stripped        {:.1} MiB", fs::metadata(QRH).unwrap().len() as f64 / 1_048_576.0);
    version();
    lint(&room);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        first_frame(&room).await;
        idle(&room).await;
    });
}

/// A place of its own: 200 runbooks, a catalog whose service is this process, no configuration of the machine's.
struct Room {
    dir: tempfile::TempDir,
}

impl Room {
    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
        let books: Vec<(String, String)> = fs::read_dir(shipped)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
            .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
            .collect();
        fs::create_dir(dir.path().join("books")).unwrap();
        fs::create_dir(dir.path().join("unlike")).unwrap();
        for number in 0..200 {
            let (id, text) = &books[number % books.len()];
            let text = text.replacen(&format!("id: {id}"), &format!("id: {id}-{number}"), 1);
            let name = format!("{id}-{number}.yaml");
            fs::write(dir.path().join("unlike").join(&name), unlike(&text, number)).unwrap();
            fs::write(dir.path().join("books").join(&name), text).unwrap();
        }
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn common(&self) -> [std::ffi::OsString; 4] {
        ["--runbooks".into(), self.path("books").into(), "--state".into(), self.path("state").into()]
    }
}

/// Gives each script a comment of its own: 200 runbooks of a team are not 200 times the same scripts.
fn unlike(text: &str, number: usize) -> String {
    let mut lines = Vec::new();
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        lines.push(line.to_owned());
        if line.trim_end().ends_with("shell: |") {
            let next = rest.peek().copied().unwrap_or_default();
            lines.push(format!("{}# {number}", " ".repeat(next.len() - next.trim_start().len())));
        }
    }
    lines.join("\n") + "\n"
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn timed(command: &mut Command) -> Duration {
    let began = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    began.elapsed()
}

fn version() {
    let (mut bare, mut own) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        bare.push(timed(&mut Command::new("true")));
        own.push(timed(Command::new(QRH).arg("--version")));
    }
    let (bare, own) = (median(bare), median(own));
    println!("--version               {own:.2} ms, `true` {bare:.2} ms: {:.2} ms more (medians of 300, alternating)", own - bare);
}

fn lint(room: &Room) {
    for (books, what) in [("books", "the shipped five, copied"), ("unlike", "the same, no two scripts alike")] {
        let times = (0..9).map(|_| timed(Command::new(QRH).arg("lint").arg(room.path(books)))).collect();
        let bytes: u64 = fs::read_dir(room.path(books)).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        let size = bytes as f64 / 200.0 / 1024.0;
        println!("lint of 200 runbooks    {:.0} ms (median of 9; {what}; {size:.0} KiB each)", median(times));
    }
}

struct Open {
    pty: pty_process::Pty,
    child: tokio::process::Child,
    screen: vt100::Parser,
}

fn open(room: &Room) -> Open {
    let (pty, pts) = pty_process::open().unwrap();
    pty.resize(Size::new(40, 120)).unwrap();
    let command = pty_process::Command::new(QRH)
        .args(["run", "high-cpu", "--pid", &std::process::id().to_string()])
        .args(room.common())
        .env_clear()
        .env("TERM", "xterm-256color")
        .env("HOME", room.dir.path())
        .env("PATH", "/usr/bin:/bin")
        .kill_on_drop(true);
    let child = command.spawn(pts).unwrap();
    Open { pty, child, screen: vt100::Parser::new(40, 120, 0) }
}

impl Open {
    async fn until(&mut self, text: &str) {
        let mut bytes = vec![0; 65_536];
        while !self.screen.screen().contents().contains(text) {
            let read = tokio::time::timeout(PATIENCE, self.pty.read(&mut bytes)).await.unwrap().unwrap();
            self.screen.process(&bytes[..read]);
        }
    }

    /// Takes what the screen sends for this long.
    async fn settle(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        let mut bytes = vec![0; 65_536];
        while let Ok(Ok(read)) = tokio::time::timeout_at(end, self.pty.read(&mut bytes)).await {
            self.screen.process(&bytes[..read]);
        }
    }
}

async fn first_frame(room: &Room) {
    let mut times = Vec::new();
    for _ in 0..15 {
        let began = Instant::now();
        let mut console = open(room);
        console.until("Steps").await;
        times.push(began.elapsed());
        console.child.kill().await.unwrap();
    }
    println!("first frame             {:.0} ms with 200 team runbooks (start to the step list on a pty, median of 15)", median(times));
}

async fn idle(room: &Room) {
    let mut console = open(room);
    console.until("Steps").await;
    console.settle(Duration::from_secs(3)).await;
    let pid = console.child.id().unwrap();
    let before = cost(pid);
    console.settle(IDLE).await;
    let after = cost(pid);
    let seconds = IDLE.as_secs_f64();
    // Threads that ended meanwhile take their counts along: those that are there both times tell.
    let (mut nanoseconds, mut switches) = (0, 0);
    for (thread, (ran, waited)) in &after.threads {
        let (ran_before, waited_before) = before.threads.get(thread).copied().unwrap_or_default();
        nanoseconds += ran - ran_before;
        switches += waited - waited_before;
    }
    println!("idle CPU                {:.3} % of a core over {seconds:.0} s (clock on screen)", nanoseconds as f64 / 1e7 / seconds);
    println!("idle wake-ups           {:.1} a second (voluntary context switches of all threads)", switches as f64 / seconds);
    println!("resident memory         {:.1} MiB (VmRSS, idle, one runbook open, 200 in the directory)", after.rss_kib as f64 / 1024.0);
    console.child.kill().await.unwrap();
}

struct Cost {
    /// Of each thread: nanoseconds on a processor, and how often it went to sleep.
    threads: HashMap<PathBuf, (u64, u64)>,
    rss_kib: u64,
}

fn cost(pid: u32) -> Cost {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| {
        let task = task.unwrap().path();
        let ran = fs::read_to_string(task.join("schedstat")).unwrap().split(' ').next().unwrap().parse().unwrap();
        let switches = field(&fs::read_to_string(task.join("status")).unwrap(), "voluntary_ctxt_switches:");
        (task, (ran, switches))
    });
    Cost { threads: threads.collect(), rss_kib: field(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap(), "VmRSS:") }
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

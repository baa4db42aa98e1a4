//! How one run reports: lines as they come, and a report at its end.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::action::{Ending, Report};
use crate::guard::ingest::Ingest;

/// Lines of the tail a report keeps.
pub const TAIL_LINES: usize = 60;
/// Characters of a line in the tail.
pub const TAIL_COLUMNS: usize = 400;
/// Bytes of output parsed into `out`; beyond it `out` is null and the rest is counted in `cut_bytes`.
pub const OUT_BYTES: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Stdout,
    Stderr,
}

/// One line from the target, cleaned and redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub origin: Origin,
    pub text: String,
}

/// What a run is given: where its lines go, how it is stopped, how long it may take.
#[derive(Debug, Clone)]
pub struct Conduct {
    /// Bounded: a slow reader slows the command, it never grows memory.
    pub lines: mpsc::Sender<Line>,
    pub cancel: CancellationToken,
    pub timeout: Duration,
}

/// Collects what a report needs while lines pass through.
#[derive(Debug)]
pub struct Collector {
    lines: mpsc::Sender<Line>,
    stdout: Ingest,
    stderr: Ingest,
    out: String,
    out_full: bool,
    tail: std::collections::VecDeque<String>,
    seen: u64,
    cut_bytes: u64,
}

impl Collector {
    pub fn new(conduct: &Conduct) -> Self {
        Self {
            lines: conduct.lines.clone(),
            stdout: Ingest::new(),
            stderr: Ingest::new(),
            out: String::new(),
            out_full: false,
            tail: std::collections::VecDeque::with_capacity(TAIL_LINES),
            seen: 0,
            cut_bytes: 0,
        }
    }

    /// Raw bytes from the target.
    pub async fn push(&mut self, origin: Origin, bytes: &[u8]) {
        let lines = match origin {
            Origin::Stdout => self.stdout.push(bytes),
            Origin::Stderr => self.stderr.push(bytes),
        };
        for line in lines {
            self.line(origin, line).await;
        }
    }

    async fn line(&mut self, origin: Origin, text: String) {
        self.seen += 1;
        if origin == Origin::Stdout {
            self.keep_out(&text);
        }
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(text.chars().take(TAIL_COLUMNS).collect());
        // A closed receiver means nobody watches any more; the report still counts.
        let _ = self.lines.send(Line { origin, text }).await;
    }

    fn keep_out(&mut self, text: &str) {
        if self.out_full || self.out.len() + text.len() + 1 > OUT_BYTES {
            self.out_full = true;
            self.cut_bytes += text.len() as u64 + 1;
        } else {
            self.out.push_str(text);
            self.out.push('\n');
        }
    }

    /// Ends both streams and gives the report. Standard output that is one JSON document becomes that value.
    pub async fn report(mut self, ending: Ending, exit: Option<i32>) -> Report {
        if let Some(line) = self.stdout.finish() {
            self.line(Origin::Stdout, line).await;
        }
        if let Some(line) = self.stderr.finish() {
            self.line(Origin::Stderr, line).await;
        }
        let out = if self.out_full { serde_json::Value::Null } else { parse(&self.out) };
        Report {
            ending,
            exit,
            out,
            tail: self.tail.into(),
            lines: self.seen,
            cut_bytes: self.cut_bytes + self.stdout.cut_bytes() + self.stderr.cut_bytes(),
            redacted: self.stdout.redacted() + self.stderr.redacted(),
        }
    }
}

fn parse(out: &str) -> serde_json::Value {
    let text = out.trim_end_matches('\n');
    match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}

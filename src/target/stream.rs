//! How one run reports: lines as they come, and a report at its end.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::action::{Ending, Report};
use crate::guard::ingest::{self, Ingest};

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

/// How long the end of a report waits for a reader that takes no lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Collects what a report needs while lines pass through.
#[derive(Debug)]
pub struct Collector {
    lines: mpsc::Sender<Line>,
    hurry: CancellationToken,
    stdout: Ingest,
    stderr: Ingest,
    out: String,
    out_full: bool,
    document: Document,
    tail: std::collections::VecDeque<String>,
    seen: u64,
    cut_bytes: u64,
    /// Secrets hidden in what was shown.
    redacted: u64,
}

impl Collector {
    pub fn new(conduct: &Conduct) -> Self {
        Self {
            lines: conduct.lines.clone(),
            hurry: CancellationToken::new(),
            stdout: Ingest::new(),
            stderr: Ingest::new(),
            out: String::new(),
            out_full: false,
            document: Document::Undecided,
            tail: std::collections::VecDeque::with_capacity(TAIL_LINES),
            seen: 0,
            cut_bytes: 0,
            redacted: 0,
        }
    }

    /// Once cancelled, a line the reader has no room for is no longer waited for: it stays in `out` and in the tail, and is counted in
    /// `cut_bytes`. For a run that has ended and must report although nobody reads.
    pub fn hurry(&self) -> CancellationToken {
        self.hurry.clone()
    }

    /// Raw bytes from the target.
    pub async fn push(&mut self, origin: Origin, bytes: &[u8]) {
        let lines = match origin {
            Origin::Stdout => {
                self.document.push(bytes);
                self.stdout.push(bytes)
            }
            Origin::Stderr => self.stderr.push(bytes),
        };
        for line in lines {
            self.line(origin, line).await;
        }
    }

    /// Text made by qrh from what the target said (a table, a note): cleaned, shown and in the tail, but no part of `out`. A line the
    /// target has begun ends here.
    pub async fn show(&mut self, origin: Origin, text: &str) {
        self.flush().await;
        // As a whole: a private key is a secret of many lines.
        let mut shown = Ingest::new();
        let mut lines = shown.push(text.as_bytes());
        lines.extend(shown.finish());
        self.cut_bytes += shown.cut_bytes();
        self.redacted += shown.redacted();
        for line in lines {
            self.pass(origin, line).await;
        }
    }

    /// Counts bytes the caller read and dropped.
    pub fn cut(&mut self, bytes: u64) {
        self.cut_bytes += bytes;
    }

    async fn line(&mut self, origin: Origin, text: String) {
        if origin == Origin::Stdout {
            self.keep_out(&text);
        }
        self.pass(origin, text).await;
    }

    async fn pass(&mut self, origin: Origin, text: String) {
        self.seen += 1;
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(text.chars().take(TAIL_COLUMNS).collect());
        let bytes = text.len() as u64 + 1;
        let line = Line { origin, text };
        // A closed receiver means nobody watches any more; the report still counts.
        tokio::select! {
            biased;
            permit = self.lines.reserve() => if let Ok(permit) = permit { permit.send(line) },
            () = self.hurry.cancelled() => self.cut_bytes += bytes,
        }
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
        self.finish().await;
        let out = match std::mem::take(&mut self.document).parse() {
            Some(value) => ingest::json(value),
            None if self.out_full => serde_json::Value::Null,
            None => self.out.trim_end_matches('\n').into(),
        };
        self.close(ending, exit, out)
    }

    /// The same with a result the caller made. It must have been cleaned with [`ingest::json`].
    pub async fn report_with(mut self, ending: Ending, exit: Option<i32>, out: serde_json::Value) -> Report {
        self.finish().await;
        self.close(ending, exit, out)
    }

    async fn finish(&mut self) {
        let hurry = self.hurry.clone();
        let last = self.flush();
        tokio::pin!(last);
        tokio::select! {
            () = &mut last => {}
            () = tokio::time::sleep(LAST_LINES) => {
                hurry.cancel();
                last.await;
            }
        }
    }

    /// Lines that were begun and not ended.
    async fn flush(&mut self) {
        if let Some(line) = self.stdout.finish() {
            self.line(Origin::Stdout, line).await;
        }
        if let Some(line) = self.stderr.finish() {
            self.line(Origin::Stderr, line).await;
        }
    }

    fn close(self, ending: Ending, exit: Option<i32>, out: serde_json::Value) -> Report {
        Report {
            ending,
            exit,
            out,
            tail: self.tail.into(),
            lines: self.seen,
            cut_bytes: self.cut_bytes + self.stdout.cut_bytes() + self.stderr.cut_bytes(),
            redacted: self.redacted + self.stdout.redacted() + self.stderr.redacted(),
        }
    }
}

/// The raw bytes of standard output while they may still be one JSON document. Kept apart from the cleaned lines, because a document on
/// one line is longer than any line is allowed to be. The parsed value is cleaned before it goes anywhere.
#[derive(Debug, Default)]
enum Document {
    #[default]
    Undecided,
    Growing(Vec<u8>),
    /// It does not start like one, or it is longer than [`OUT_BYTES`].
    Not,
}

impl Document {
    fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Undecided => match bytes.trim_ascii_start().first() {
                None => {}
                Some(b'{' | b'[') if bytes.len() <= OUT_BYTES => *self = Self::Growing(bytes.to_vec()),
                Some(_) => *self = Self::Not,
            },
            Self::Growing(kept) if kept.len() + bytes.len() <= OUT_BYTES => kept.extend_from_slice(bytes),
            Self::Growing(_) | Self::Not => *self = Self::Not,
        }
    }

    fn parse(self) -> Option<serde_json::Value> {
        match self {
            Self::Growing(kept) => serde_json::from_slice(&kept).ok(),
            Self::Undecided | Self::Not => None,
        }
    }
}

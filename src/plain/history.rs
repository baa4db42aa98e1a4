//! What was printed and what each run gave, within limits, for `timeline` and `output`.

use std::collections::{BTreeMap, VecDeque};

use super::text;
use crate::timeline::record::{Finished, Happening, Record, RunId};

/// Lines of the timeline kept; `qrh export` has all of them.
const EVENTS: usize = 2_000;
/// Runs whose output is kept.
const RUNS: usize = 100;
/// Lines of one run that are printed as they come.
pub const LINES: u64 = 2_000;

#[derive(Debug, Default)]
pub(super) struct History {
    events: VecDeque<String>,
    /// Lines of the timeline dropped because of the limit.
    dropped: u64,
    runs: BTreeMap<RunId, Kept>,
    /// The run whose line was printed last.
    last: Option<RunId>,
}

#[derive(Debug, Default)]
struct Kept {
    title: String,
    printed: u64,
    finished: Option<Box<Finished>>,
}

impl History {
    pub fn keep(&mut self, record: &Record, lines: &[String]) {
        self.events.extend(lines.iter().cloned());
        while self.events.len() > EVENTS {
            self.events.pop_front();
            self.dropped += 1;
        }
        if let Happening::Started(started) = &record.happening {
            self.run(started.run).title.clone_from(&started.title);
        } else if let Happening::Intended(intended) = &record.happening {
            self.run(intended.run).title.clone_from(&intended.title);
        } else if let Happening::Finished(finished) = &record.happening {
            self.run(finished.run).finished = Some(finished.clone());
        }
    }

    fn run(&mut self, run: RunId) -> &mut Kept {
        if self.runs.len() >= RUNS && !self.runs.contains_key(&run) {
            self.runs.pop_first();
        }
        self.runs.entry(run).or_default()
    }

    /// A line of output; a line that names the run goes before it where another run spoke last.
    pub fn line(&mut self, run: RunId, stderr: bool, text: &str) -> Vec<String> {
        let speaks_anew = self.last.replace(run) != Some(run);
        let kept = self.run(run);
        kept.printed += 1;
        if kept.printed > LINES {
            let said = format!("  | (no more lines of {run} are printed; \"output {}\" shows its end)", run.0);
            return if kept.printed == LINES + 1 { vec![said] } else { Vec::new() };
        }
        let mut lines = Vec::new();
        if speaks_anew {
            lines.push(format!("  {run} {}", kept.title).trim_end().to_owned());
        }
        lines.extend(text::block(if stderr { "  | stderr: " } else { "  | " }, [text.replace('\t', "  ")]));
        lines
    }

    pub fn timeline(&self, count: usize) -> Vec<String> {
        let skip = self.events.len().saturating_sub(count);
        let mut lines: Vec<String> = self.events.iter().skip(skip).cloned().collect();
        if self.dropped > 0 {
            lines.insert(0, format!("({} older lines are not kept here; the log has them)", self.dropped));
        }
        if lines.is_empty() {
            lines.push("nothing has happened yet".to_owned());
        }
        lines
    }

    /// The end of what a run gave, and what is missing of it.
    pub fn output(&self, run: RunId) -> Vec<String> {
        let Some(kept) = self.runs.get(&run) else { return vec![format!("!! there is no output of {run}")] };
        let Some(finished) = &kept.finished else {
            return vec![format!("-- {run} {} has not ended: its lines come as they are read", kept.title)];
        };
        let report = &finished.report;
        let mut lines = vec![format!("{run} {}: {} lines in all, the last {}:", kept.title, report.lines, report.tail.len())];
        lines.extend(report.tail.iter().flat_map(|line| text::lines(line)).map(|line| format!("  | {line}")));
        if report.cut_bytes > 0 {
            lines.push(format!("  ({} bytes of output were not kept)", report.cut_bytes));
        }
        if report.redacted > 0 {
            lines.push(format!("  ({} secrets are hidden)", report.redacted));
        }
        if let Some(output) = &finished.output {
            lines.push(format!("  (in full: {}, {} bytes)", output.file, output.bytes));
        }
        lines
    }
}

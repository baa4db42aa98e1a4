//! A CPU profile in V8's shape (`.cpuprofile`): the shares of the process' work as samples. The same process and the same moments give
//! the same profile.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::frame::{Frame, IDLE, PROGRAM, ROOT, stacks};
use crate::drill::world::plant::Inside;
use crate::drill::world::seed::mix;

/// Samples of one profile; of a longer one the interval is wider.
const SAMPLES: u64 = 60_000;

/// A tree of functions, as both profilers have it; the first node is the root.
pub struct Tree {
    pub nodes: Vec<Node>,
}

pub struct Node {
    pub frame: Frame,
    pub children: Vec<usize>,
}

impl Tree {
    pub fn new() -> Self {
        Self { nodes: vec![Node { frame: ROOT, children: Vec::new() }] }
    }

    /// The node at the end of a stack, made where it is not there yet.
    pub fn reach(&mut self, stack: &[Frame]) -> usize {
        let mut here = 0;
        for frame in stack {
            let Some(node) = self.nodes.get(here) else { return 0 };
            let known = node.children.iter().copied().find(|child| self.nodes.get(*child).is_some_and(|node| node.frame == *frame));
            here = known.unwrap_or_else(|| {
                let new = self.nodes.len();
                self.nodes.push(Node { frame: *frame, children: Vec::new() });
                if let Some(node) = self.nodes.get_mut(here) {
                    node.children.push(new);
                }
                new
            });
        }
        here
    }
}

/// As V8 names a function: lines and columns from 0, and -1 where there is no source.
pub fn call_frame(frame: &Frame) -> Value {
    let script = if frame.url.is_empty() { 0 } else { 20 + mix(crate::drill::world::seed::hash(frame.url)) % 180 };
    json!({
        "functionName": frame.function, "scriptId": script.to_string(), "url": frame.url,
        "lineNumber": frame.line - 1, "columnNumber": frame.column - 1,
    })
}

/// What is sampled at one time of the profile after another.
struct Source {
    node: usize,
    share: f64,
    /// Samples of one piece.
    run: u64,
    given: f64,
}

/// What the process did from a moment to another, looked at every `interval` microseconds.
pub fn cpu(inside: &Inside, (from, to): (Timestamp, Timestamp), interval: u64) -> Value {
    let span = u64::try_from(to.as_microsecond() - from.as_microsecond()).unwrap_or(0);
    let interval = interval.max(100).max(span / SAMPLES);
    let mut tree = Tree::new();
    let program = tree.reach(&[PROGRAM]);
    let mut sources = vec![Source { node: tree.reach(&[IDLE]), share: 0.0, run: 4, given: 0.0 }];
    let most = (span / interval / 50).max(1);
    for work in &inside.work {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand, and positive")]
        let run = ((work.piece_ms * 1000.0) as u64 / interval).clamp(1, most);
        for (stack, part) in stacks(work) {
            sources.push(Source { node: tree.reach(&stack), share: work.share * part, run, given: 0.0 });
        }
    }
    let busy: f64 = sources.iter().map(|source| source.share).sum();
    if let Some(idle) = sources.first_mut() {
        idle.share = (1.0 - busy).max(0.0);
    }
    let (mut samples, mut deltas, mut passed) = (Vec::new(), Vec::new(), 0);
    let mut current = (program, 1);
    loop {
        // A sampler is always a little late.
        let delta = interval + interval * (7 + mix(passed ^ span) % 9) / 100;
        if passed + delta > span {
            break;
        }
        passed += delta;
        if current.1 == 0 {
            current = next(&mut sources);
        }
        current.1 -= 1;
        samples.push(current.0);
        deltas.push(delta);
    }
    let nodes: Vec<Value> = (0..tree.nodes.len()).filter_map(|index| node(&tree, index, &samples)).collect();
    let samples: Vec<usize> = samples.into_iter().map(|node| node + 1).collect();
    json!({
        "nodes": nodes, "startTime": from.as_microsecond(), "endTime": to.as_microsecond(), "samples": samples, "timeDeltas": deltas,
    })
}

/// The one that is furthest behind its share has the next piece.
fn next(sources: &mut [Source]) -> (usize, u64) {
    let all: f64 = sources.iter().map(|source| source.given).sum::<f64>() + 1.0;
    let behind = |source: &Source| source.share * all - source.given;
    let Some(source) = sources.iter_mut().max_by(|a, b| behind(a).total_cmp(&behind(b))) else { return (0, 1) };
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let run = source.run as f64;
    source.given += run;
    (source.node, source.run)
}

fn node(tree: &Tree, index: usize, samples: &[usize]) -> Option<Value> {
    let node = tree.nodes.get(index)?;
    let hits = u64::try_from(samples.iter().filter(|sample| **sample == index).count()).unwrap_or(0);
    let mut value = json!({ "id": index + 1, "callFrame": call_frame(&node.frame), "hitCount": hits });
    let map = value.as_object_mut()?;
    if !node.children.is_empty() {
        map.insert("children".to_owned(), node.children.iter().map(|child| child + 1).collect());
    }
    let ticks = ticks(node.frame.lines, hits);
    if !ticks.is_empty() {
        map.insert("positionTicks".to_owned(), ticks.into());
    }
    Some(value)
}

/// The samples of a function, over its lines.
fn ticks(lines: &[(u64, u32)], hits: u64) -> Vec<Value> {
    let all: u64 = lines.iter().map(|(_, part)| u64::from(*part)).sum();
    let mut left = hits;
    let mut ticks = Vec::new();
    for (index, (line, part)) in lines.iter().enumerate() {
        let last = index + 1 == lines.len();
        let here = if last { left } else { (hits * u64::from(*part)).div_ceil(all.max(1)).min(left) };
        left -= here;
        if here > 0 {
            ticks.push(json!({ "line": line, "ticks": here }));
        }
    }
    ticks
}

//! What the services' logs say beside the usual: failed requests, dependencies that fail, long lines, and last words.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::{Body, Tone};
use super::effect::{Bug, Class};
use super::site::Site;
use crate::drill::world::behaviour::{Line, View};
use crate::drill::world::clock::later;
use crate::drill::world::seed::{hash, mix};

/// What a session takes in a log line, in bytes.
const SESSION: usize = 5 * 1024;

/// The lines of a healthy service, as this one would have written them, and its last words.
pub fn of(body: &Body, view: &View<'_>, (after, until): (Timestamp, Timestamp), healthy: Vec<Line>) -> Vec<Line> {
    let mut lines: Vec<Line> = healthy.into_iter().map(|line| troubled(body, view, line)).collect();
    let end = body.ends.iter().find(|end| end.run == view.run && end.exit.code == 134);
    if let Some(time) = end.map(|end| later(view.started, end.exit.after)).filter(|time| *time > after && *time <= until) {
        for text in [
            "<--- Last few GCs --->",
            "Mark-Compact (reduce) 0.7 (0.8) -> 0.7 (0.8) GB, pooled: 0.0 MB, 812.31 / 0.00 ms allocation failure; scavenge might not succeed",
            "FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory",
        ] {
            lines.push(Line { time, text: text.to_owned() });
        }
    }
    lines
}

fn troubled(body: &Body, view: &View<'_>, line: Line) -> Line {
    let Some(tone) = body.tones.iter().rev().find(|(since, _)| *since <= line.time).map(|(_, tone)| tone) else { return line };
    let chance = mix(hash(&line.text) ^ view.chance);
    let draw = f64::from(u32::try_from(chance % 10_000).unwrap_or(0)) / 10_000.0;
    let text = match trouble(tone, draw) {
        Some(Trouble::Waiting) => not_ready(body, line.time),
        Some(trouble) => failed(body, (line.time, chance), &trouble),
        None if tone.verbose => verbose(&line.text, chance),
        None => return line,
    };
    Line { text, ..line }
}

enum Trouble {
    Waiting,
    Bug(Bug),
    Call(Class),
    Dropped,
}

/// Which of its troubles a line tells of, if any.
fn trouble(tone: &Tone, draw: f64) -> Option<Trouble> {
    if tone.waiting {
        return (draw < 0.5).then_some(Trouble::Waiting);
    }
    if draw < tone.broken {
        return tone.bug.map(Trouble::Bug);
    }
    if draw < tone.broken + tone.calls {
        return tone.class.map(Trouble::Call);
    }
    (draw < tone.broken + tone.calls + tone.dropped).then_some(Trouble::Dropped)
}

fn time_of(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn not_ready(body: &Body, time: Timestamp) -> String {
    json!({
        "time": time_of(time), "level": "error", "msg": "not_ready", "service": body.facts.site.name, "version": body.facts.version,
        "err": { "type": "ConfigError", "message": "PAYMENTS_URL is not set" },
    })
    .to_string()
}

fn verbose(line: &str, chance: u64) -> String {
    let Ok(mut entry) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let item = format!("{:016x}", mix(chance));
    let session = item.repeat(SESSION / item.len());
    crate::drill::world::json::set(&mut entry, &["session"], session);
    entry.to_string()
}

fn failed(body: &Body, (time, chance): (Timestamp, u64), trouble: &Trouble) -> String {
    let site = body.facts.site;
    let (status, duration, error) = match trouble {
        Trouble::Waiting => (503, 0, Value::Null),
        Trouble::Bug(Bug::Null) => (500, 31, bug("TypeError", "Cannot read properties of null (reading 'country')")),
        Trouble::Bug(Bug::Schema) => (500, 22, bug("DatabaseError", "column \"total_cents\" does not exist")),
        Trouble::Dropped => (503, 2, bug("Error", "the server is closing")),
        Trouble::Call(class) => {
            let status = if *class == Class::Slow { 504 } else { 502 };
            (status, if class.fails_after_ms() > 500.0 { 3150 } else { 190 }, call(site, *class))
        }
    };
    json!({
        "time": time_of(time), "level": "error", "msg": "request_failed", "service": site.name, "version": body.facts.version,
        "request_id": format!("{:012x}", chance >> 16), "method": "POST", "route": "/checkout", "status": status,
        "duration_ms": duration + chance % 17, "err": error,
    })
    .to_string()
}

fn bug(kind: &str, message: &str) -> Value {
    json!({ "type": kind, "message": message, "stack": format!("{kind}: {message}\n    at checkout (/app/lib/checkout.js:31:27)") })
}

/// As fetch fails: the class is in the cause, not in the message.
fn call(site: &Site, class: Class) -> Value {
    let fetch = |cause: Value| json!({ "type": "TypeError", "message": "fetch failed", "cause": cause });
    let said = |status: u16| json!({ "type": "UpstreamStatusError", "message": format!("{} answered {status}", site.upstream), "status": status, "upstream": site.upstream });
    match class {
        Class::Down => fetch(
            json!({ "type": "Error", "code": "ECONNREFUSED", "syscall": "connect", "address": "10.60.0.7", "port": 443, "message": "connect ECONNREFUSED 10.60.0.7:443" }),
        ),
        Class::Unreachable => fetch(
            json!({ "type": "Error", "code": "EHOSTUNREACH", "syscall": "connect", "address": "10.60.0.7", "port": 443, "message": "connect EHOSTUNREACH 10.60.0.7:443" }),
        ),
        Class::Slow => json!({ "type": "TimeoutError", "message": "The operation was aborted due to timeout", "upstream": site.upstream }),
        Class::Quota => said(429),
        Class::Credentials => said(401),
        Class::Upstream => said(503),
    }
}

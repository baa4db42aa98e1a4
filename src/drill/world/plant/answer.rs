//! The endpoints of a service, in the shapes of the fixture of the tests: probes, metrics, runtime facts, flags, and its routes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::body::{Body, Scrape};
use super::model::Model;
use crate::drill::world::clock::between;
use crate::drill::world::seed::mix;

/// A probe says slow from here on, in ms of delay: the process is as good as stuck.
const STUCK_MS: f64 = 1000.0;
/// Delays below this are not worth waiting for.
const NOTICED_MS: f64 = 20.0;

/// A request to a service, its body whole.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    pub body: &'a [u8],
    pub now: jiff::Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
    /// How long it takes, in simulated time.
    pub after: Duration,
}

fn text(status: u16, body: impl Into<String>) -> Answer {
    Answer { status, content_type: "text/plain; charset=utf-8", body: body.into(), after: Duration::ZERO }
}

fn data(status: u16, body: &Value) -> Answer {
    Answer { status, content_type: "application/json", body: format!("{body}\n"), after: Duration::ZERO }
}

impl Model {
    /// What a pod answers. None: nothing listens there.
    pub fn answer(&mut self, uid: &str, asked: &Asked<'_>) -> Option<Answer> {
        let body = self.bodies.get(uid).filter(|body| body.facts.started.is_some())?;
        let mut answer = probe(body, asked).or_else(|| self.work(body, asked)).unwrap_or_else(|| text(0, ""));
        let delay_ms = body.flow.delay_ms;
        if answer.status == 0 {
            answer = self.flags_api(uid, asked);
        }
        let late = if delay_ms >= NOTICED_MS { Duration::from_secs_f64(delay_ms / 1000.0) } else { Duration::ZERO };
        answer.after = answer.after.max(late);
        Some(answer)
    }

    /// What a service answers, from one of its ready pods in turn. None: no pod is ready.
    pub fn answer_of(&mut self, service: &'static str, asked: &Asked<'_>) -> Option<Answer> {
        let mut ready: Vec<String> =
            self.of(service).filter(|body| body.facts.ready && !body.facts.deleting).map(|body| body.facts.uid.clone()).collect();
        ready.sort();
        let kept = self.services.get_mut(service)?;
        kept.asked += 1;
        let turn = usize::try_from(kept.asked).unwrap_or(0).checked_rem(ready.len())?;
        let uid = ready.get(turn)?.clone();
        self.answer(&uid, asked)
    }

    fn flags_api(&mut self, uid: &str, asked: &Asked<'_>) -> Answer {
        let Some(site) = self.bodies.get(uid).map(|body| body.facts.site) else { return text(404, "") };
        let (pod_ready, version) = self.bodies.get(uid).map(|body| (body.facts.ready, body.facts.version.clone())).unwrap_or_default();
        let Some(service) = self.services.get_mut(site.name) else { return text(404, "") };
        let name = asked.path.strip_prefix("/flags/").unwrap_or_default();
        match (asked.path, asked.method) {
            ("/healthz", "GET") => {
                let status = if pod_ready { "ok" } else { "starting" };
                data(200, &json!({ "status": status, "service": site.name, "version": version, "flags_on": service.flags.on() }))
            }
            ("/flags", "GET") => data(200, &service.flags.all()),
            (_, "GET") if !name.is_empty() => match service.flags.one(name) {
                Some(flag) => data(200, &flag),
                None => unknown(name, &service.flags.names()),
            },
            (_, "PUT") if !name.is_empty() => {
                if service.flags.one(name).is_none() {
                    return unknown(name, &service.flags.names());
                }
                let said: Option<bool> = serde_json::from_slice::<Value>(asked.body).ok().and_then(|body| body.get("enabled")?.as_bool());
                let Some(enabled) = said else { return data(400, &json!({ "error": "say {\"enabled\": true} or {\"enabled\": false}" })) };
                let previous = service.flags.set(name, enabled);
                data(200, &json!({ "name": name, "enabled": enabled, "previous": previous }))
            }
            ("/livez" | "/readyz" | "/healthz" | "/metrics" | "/runtime" | "/flags", method) => {
                data(405, &json!({ "error": format!("{method} is not allowed on {}", asked.path) }))
            }
            (_, method) if !name.is_empty() => data(405, &json!({ "error": format!("{method} is not allowed on /flags/:name") })),
            (path, _) => data(404, &json!({ "error": format!("no route {path}") })),
        }
    }

    /// The service's own routes: what one user would get.
    fn work(&self, body: &Body, asked: &Asked<'_>) -> Option<Answer> {
        let route = body.facts.site.routes.iter().position(|route| route.path == asked.path)?;
        if !matches!(asked.method, "GET" | "POST") {
            return None;
        }
        let row = body.flow.answered.get(route)?;
        let all: f64 = row.iter().sum();
        let asked_so_far = self.services.get(body.facts.site.name).map_or(0, |service| service.asked);
        let draw = f64::from(u32::try_from(mix(self.seed ^ asked_so_far.rotate_left(17)) % 10_000).unwrap_or(0)) / 10_000.0 * all;
        let mut reached = 0.0;
        let found = row.iter().position(|share| {
            reached += share;
            draw < reached
        });
        let status: u16 = found.and_then(|index| super::flow::STATUSES.get(index)?.parse().ok()).unwrap_or(200);
        let takes = body.flow.parts.get(route).map_or(0.0, |parts| super::latency::quantile(parts, 0.5));
        let said = if status < 300 {
            json!({ "ok": true })
        } else {
            json!({ "error": if status == 500 { "internal error" } else { "the payment failed" } })
        };
        Some(Answer { after: Duration::from_secs_f64(takes / 1000.0), ..data(status, &said) })
    }
}

fn unknown(name: &str, known: &[&str]) -> Answer {
    data(404, &json!({ "error": format!("no flag {name:?}"), "known": known }))
}

fn probe(body: &Body, asked: &Asked<'_>) -> Option<Answer> {
    if asked.method != "GET" {
        return None;
    }
    let delay = body.flow.delay_ms;
    Some(match asked.path {
        "/livez" => {
            let (status, word) = if delay >= STUCK_MS { (503, "slow") } else { (200, "ok") };
            text(
                status,
                format!("{word}\nevent_loop_delay_p99_ms {delay:.1}\nevent_loop_delay_max_ms {:.1}\nwindow_ms 5000\n", delay * 1.2),
            )
        }
        "/readyz" => {
            let waits = if body.tones.last().is_some_and(|(_, tone)| tone.waiting) { "PAYMENTS_URL is not set" } else { "starting" };
            let reasons: Vec<&str> = if body.facts.deleting {
                vec!["draining"]
            } else if body.facts.ready {
                Vec::new()
            } else {
                vec![waits]
            };
            data(if reasons.is_empty() { 200 } else { 503 }, &json!({ "ready": reasons.is_empty(), "reasons": reasons }))
        }
        "/metrics" => Answer { content_type: "text/plain; version=0.0.4; charset=utf-8", ..text(200, exposition(body)) },
        "/runtime" => {
            let uptime = body.facts.started.map_or(0, |started| between(started, asked.now).as_secs());
            let facts = json!({
                "node": "24.11.0", "v8": "13.6.233.10-node.28", "uv": "1.51.0", "openssl": "3.5.2", "modules": "137", "platform": "linux",
                "arch": "x64", "pid": 1, "version": body.facts.version, "uptime_s": uptime,
            });
            data(200, &facts)
        }
        _ => return None,
    })
}

/// Its series in the text format, each metric's lines together.
fn exposition(body: &Body) -> String {
    let mut metrics: BTreeMap<&'static str, String> = BTreeMap::new();
    body.each(&mut |scrape, name, labels, value| {
        if scrape != Scrape::Service || name == "up" {
            return;
        }
        let lines = metrics.entry(name).or_default();
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // Writing to a String can't fail.
        let _ = writeln!(lines, "{name}{labels} {value}");
    });
    metrics.into_values().collect()
}

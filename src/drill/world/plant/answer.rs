//! The endpoints of a service, in the shapes of the fixture of the tests: probes, metrics, runtime facts, flags, and its routes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::body::{Body, Scrape};
use super::model::Model;
use super::site::Site;
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
        let (site, delay_ms) = (body.facts.site, body.flow.delay_ms);
        let read = probe(body, asked).or_else(|| self.summary(body, asked)).or_else(|| self.work(body, asked));
        let mut answer = match read {
            Some(answer) => answer,
            None => self.flag(site, asked),
        };
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

    /// The summary for people.
    fn summary(&self, body: &Body, asked: &Asked<'_>) -> Option<Answer> {
        if (asked.method, asked.path) != ("GET", "/healthz") {
            return None;
        }
        let facts = &body.facts;
        let flags = self.services.get(facts.site.name).map(|service| service.flags.on()).unwrap_or_default();
        let status = if facts.ready { "ok" } else { "starting" };
        let summary = json!({ "status": status, "service": facts.site.name, "version": facts.version, "flags_on": flags });
        Some(data(200, &summary))
    }

    /// The flags API, and what is left over.
    fn flag(&mut self, site: &Site, asked: &Asked<'_>) -> Answer {
        let Some(flags) = self.services.get_mut(site.name).map(|service| &mut service.flags) else { return text(404, "") };
        let not_allowed = |path: &str| data(405, &json!({ "error": format!("{} is not allowed on {path}", asked.method) }));
        let name = match asked.path {
            "/flags" if asked.method == "GET" => return data(200, &flags.all()),
            "/livez" | "/readyz" | "/healthz" | "/metrics" | "/runtime" | "/flags" => return not_allowed(asked.path),
            path => match path.strip_prefix("/flags/").filter(|name| !name.is_empty()) {
                Some(name) => name,
                None => return data(404, &json!({ "error": format!("no route {path}") })),
            },
        };
        let Some(flag) = flags.one(name) else {
            return data(404, &json!({ "error": format!("no flag {name:?}"), "known": flags.names() }));
        };
        match asked.method {
            "GET" => data(200, &flag),
            "PUT" => {
                let said: Option<bool> = serde_json::from_slice::<Value>(asked.body).ok().and_then(|body| body.get("enabled")?.as_bool());
                let Some(enabled) = said else {
                    return data(400, &json!({ "error": "say {\"enabled\": true} or {\"enabled\": false}" }));
                };
                let previous = flags.set(name, enabled);
                data(200, &json!({ "name": name, "enabled": enabled, "previous": previous }))
            }
            _ => not_allowed("/flags/:name"),
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

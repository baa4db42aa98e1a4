//! One debugger's session: messages of the Chrome DevTools Protocol in, answers out. The inspector has a thread of its own: it answers
//! while the event loop is blocked. Only what waits for a promise waits for the loop.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::evaluate::{Numbers, Scope, evaluate};
use super::{Entry, heap, method, process, profile};
use crate::drill::world::plant::{Inside, Memory};
use crate::drill::world::seed::{hash, mix};

/// How often a session looks whether its inspector is still open, in real time.
const LOOK: Duration = Duration::from_millis(100);
/// A loop that comes round later than this, in ms, is as good as blocked: as for the service's own probe.
const BLOCKED_MS: f64 = 1000.0;
/// Answers that wait for the loop; more are lost.
const WAITING: usize = 256;

/// V8's sampling interval, in microseconds.
const INTERVAL: u64 = 1000;

#[derive(Default)]
struct Session {
    context_told: bool,
    profiler: bool,
    interval: Option<u64>,
    profiled_since: Option<Timestamp>,
    /// The memory when heap sampling began, and its interval in bytes.
    sampling: Option<(Memory, f64)>,
    numbers: Numbers,
}

/// An error of the protocol.
struct Failed {
    code: i64,
    message: String,
    data: Option<String>,
}

fn failed(message: impl Into<String>) -> Failed {
    Failed { code: -32000, message: message.into(), data: None }
}

/// A parameter that is missing or something else.
fn invalid(name: &str, what: &str) -> Failed {
    let data = format!("Failed to deserialize params.{name} - BINDINGS: {what}");
    Failed { code: -32602, message: "Invalid parameters".to_owned(), data: Some(data) }
}

/// What a message brings.
enum Said {
    Now(Vec<Value>),
    /// When the loop is free.
    Later(Value),
}

pub async fn serve(mut socket: WebSocketStream<DuplexStream>, entry: Entry) {
    entry.attach();
    let mut session = Session::default();
    let mut waiting: Vec<Value> = Vec::new();
    let mut look = tokio::time::interval(LOOK);
    'talk: loop {
        tokio::select! {
            message = socket.next() => {
                let Some(Ok(message)) = message else { break };
                let Message::Text(text) = message else { continue };
                match session.take(&entry, &text) {
                    None => break 'talk,
                    Some(Said::Later(answer)) if waiting.len() < WAITING => waiting.push(answer),
                    Some(Said::Later(_)) => {}
                    Some(Said::Now(answers)) => for answer in answers {
                        if socket.send(Message::text(answer.to_string())).await.is_err() {
                            break 'talk;
                        }
                    }
                }
            }
            _ = look.tick() => {
                let Some(inside) = entry.inside() else { break };
                if inside.delay_ms < BLOCKED_MS {
                    for answer in waiting.drain(..) {
                        if socket.send(Message::text(answer.to_string())).await.is_err() {
                            break 'talk;
                        }
                    }
                }
            }
        }
    }
    entry.detach();
    // Node gives no reason.
    let _ = socket.close(None).await;
}

impl Session {
    /// None: the process is gone.
    fn take(&mut self, entry: &Entry, text: &str) -> Option<Said> {
        let inside = entry.inside()?;
        let error = |id: Option<&Value>, code: i64, message: String| {
            let mut answer = json!({ "error": { "code": code, "message": message } });
            if let Some(id) = id {
                crate::drill::world::json::set(&mut answer, &["id"], id.clone());
            }
            Some(Said::Now(vec![answer]))
        };
        let Ok(message @ Value::Object(_)) = serde_json::from_str::<Value>(text) else {
            return error(None, -32700, "Message must be a valid JSON".to_owned());
        };
        let Some(id) = message.get("id").filter(|id| id.is_i64()) else {
            return error(None, -32600, "Message must have integer 'id' property".to_owned());
        };
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            return error(Some(id), -32600, "Message must have string 'method' property".to_owned());
        };
        let none = Value::Object(serde_json::Map::new());
        let params = message.get("params").unwrap_or(&none);
        if !params.is_object() {
            return error(Some(id), -32600, "Message may have object 'params' property".to_owned());
        }
        let mut said = Vec::new();
        if method == "Runtime.enable" && !self.context_told {
            self.context_told = true;
            said.push(context(entry));
        }
        let answer = match self.answer((entry, &inside), method, params) {
            Ok(result) => json!({ "id": id, "result": result }),
            Err(Failed { code, message, data: None }) => json!({ "id": id, "error": { "code": code, "message": message } }),
            Err(Failed { code, message, data }) => json!({ "id": id, "error": { "code": code, "message": message, "data": data } }),
        };
        let promised = params.get("awaitPromise") == Some(&Value::Bool(true));
        if method == "Runtime.evaluate" && promised && inside.delay_ms >= BLOCKED_MS {
            return Some(Said::Later(answer));
        }
        said.push(answer);
        Some(Said::Now(said))
    }

    fn answer(&mut self, (entry, inside): (&Entry, &Inside), method: &str, params: &Value) -> Result<Value, Failed> {
        let done = || Ok(json!({}));
        match method {
            "Runtime.evaluate" => self.evaluate((entry, inside), params),
            "Runtime.getHeapUsage" => Ok(process::heap_usage(inside)),
            "Runtime.getIsolateId" => Ok(json!({ "id": format!("{:016x}", hash(&entry.key.0)) })),
            "Runtime.disable" => {
                self.context_told = false;
                done()
            }
            "Runtime.enable"
            | "Runtime.runIfWaitingForDebugger"
            | "Runtime.releaseObject"
            | "Runtime.releaseObjectGroup"
            | "NodeRuntime.enable"
            | "NodeRuntime.disable"
            | "NodeWorker.disable"
            | "HeapProfiler.enable" => done(),
            // The services have no workers to tell of.
            "NodeWorker.enable" if params.get("waitForDebuggerOnStart").is_some_and(Value::is_boolean) => done(),
            "NodeWorker.enable" => Err(invalid("waitForDebuggerOnStart", "mandatory field missing at position 8")),
            "Schema.getDomains" => {
                let domains: Vec<Value> = method::DOMAINS.iter().map(|name| json!({ "name": name, "version": "1.3" })).collect();
                Ok(json!({ "domains": domains }))
            }
            _ if method.starts_with("Profiler.") => self.profile((entry, inside), method, params),
            _ if method.starts_with("HeapProfiler.") => self.sample(inside, method, params),
            _ => Err(unknown(method)),
        }
    }

    fn evaluate(&mut self, (entry, inside): (&Entry, &Inside), params: &Value) -> Result<Value, Failed> {
        let expression = match params.get("expression") {
            Some(Value::String(expression)) => expression,
            Some(_) => return Err(invalid("expression", "string value expected at position 19")),
            None => return Err(invalid("expression", "mandatory field missing at position 8")),
        };
        if params.get("contextId").is_some_and(|context| context != 1) {
            return Err(failed("Cannot find context with specified id"));
        }
        let by_value = params.get("returnByValue") == Some(&Value::Bool(true));
        evaluate(&mut Scope::new(entry, inside), expression, (by_value, &mut self.numbers)).map_err(failed)
    }

    fn profile(&mut self, (entry, inside): (&Entry, &Inside), method: &str, params: &Value) -> Result<Value, Failed> {
        match method {
            "Profiler.enable" => self.profiler = true,
            "Profiler.disable" => (self.profiler, self.profiled_since) = (false, None),
            "Profiler.setSamplingInterval" if self.profiled_since.is_some() => {
                return Err(failed("Cannot change sampling interval when profiling."));
            }
            "Profiler.setSamplingInterval" => match params.get("interval") {
                // V8 takes any number, and begins at once with one that is not above 0.
                Some(interval) if interval.is_i64() => self.interval = interval.as_u64().filter(|interval| *interval > 0),
                Some(_) => return Err(invalid("interval", "int32 value expected at position 17")),
                None => return Err(invalid("interval", "mandatory field missing at position 8")),
            },
            "Profiler.start" if !self.profiler => return Err(failed("Profiler is not enabled")),
            "Profiler.start" => self.profiled_since = self.profiled_since.or(Some(entry.now())),
            "Profiler.stop" => {
                let Some(since) = self.profiled_since.take() else { return Err(failed("No recording profiles found")) };
                return Ok(json!({ "profile": profile::cpu(inside, (since, entry.now()), self.interval.unwrap_or(INTERVAL)) }));
            }
            _ => return Err(unknown(method)),
        }
        Ok(json!({}))
    }

    fn sample(&mut self, inside: &Inside, method: &str, params: &Value) -> Result<Value, Failed> {
        match method {
            "HeapProfiler.startSampling" => {
                let interval = params.get("samplingInterval").map_or(Some(heap::INTERVAL), Value::as_f64);
                let interval = interval.ok_or_else(|| invalid("samplingInterval", "double value expected at position 25"))?;
                if interval <= 0.0 {
                    return Err(failed("Invalid sampling interval"));
                }
                self.sampling = Some((inside.memory, interval));
                Ok(json!({}))
            }
            "HeapProfiler.getSamplingProfile" | "HeapProfiler.stopSampling" => {
                let sampling = if method.ends_with("stopSampling") { self.sampling.take() } else { self.sampling };
                let Some((before, interval)) = sampling else { return Err(failed("V8 sampling heap profiler was not started.")) };
                Ok(json!({ "profile": heap::sampled(inside, &before, interval) }))
            }
            "HeapProfiler.disable" => {
                self.sampling = None;
                Ok(json!({}))
            }
            _ => Err(unknown(method)),
        }
    }
}

fn unknown(method: &str) -> Failed {
    let (code, message) = method::refused(method);
    Failed { code, message, data: None }
}

fn context(entry: &Entry) -> Value {
    let unique = format!("-{}.{}", mix(hash(&entry.id)) >> 1, mix(hash(&entry.key.0)) >> 1);
    let context = json!({ "id": 1, "origin": "", "name": "node[1]", "uniqueId": unique, "auxData": { "isDefault": true } });
    json!({ "method": "Runtime.executionContextCreated", "params": { "context": context } })
}

//! `Runtime.evaluate`: what the names in an expression mean, and how a value is sent.

use std::time::Duration;

use serde_json::{Value, json};

use super::Entry;
use super::process;
use super::script::{self, Host, Js, Thrown};
use crate::drill::world::clock::between;
use crate::drill::world::plant::Inside;

/// Names and histograms that expressions may leave in a process.
const KEPT: usize = 64;

const OBJECTS: [(&str, &str); 7] = [
    ("globalThis", "global"),
    ("process", "process"),
    ("performance", "Performance"),
    ("v8", "Object"),
    ("perf_hooks", "Object"),
    ("inspector", "Object"),
    ("worker_threads", "Object"),
];
const FUNCTIONS: &[&str] = &[
    "inspector.close",
    "inspector.url",
    "perf_hooks.monitorEventLoopDelay",
    "performance.eventLoopUtilization",
    "performance.now",
    "process.constrainedMemory",
    "process.cpuUsage",
    "process.getBuiltinModule",
    "process.memoryUsage",
    "process.memoryUsage.rss",
    "process.uptime",
    "setImmediate",
    "setTimeout",
    "v8.getHeapStatistics",
];
const METHODS: [&str; 4] = ["disable", "enable", "percentile", "reset"];

/// A process that an expression is about.
pub struct Scope<'a> {
    pub entry: &'a Entry,
    pub inside: &'a Inside,
    /// The time after which what is done now is done.
    wait: Duration,
}

impl<'a> Scope<'a> {
    pub fn new(entry: &'a Entry, inside: &'a Inside) -> Self {
        Self { entry, inside, wait: Duration::ZERO }
    }

    fn at(&self, path: &str) -> Option<Js> {
        let path = path.strip_prefix("globalThis.").unwrap_or(path);
        let path = path.strip_prefix("perf_hooks.performance").map_or_else(|| path.to_owned(), |rest| format!("performance{rest}"));
        if let Some((name, _)) = OBJECTS.iter().find(|(name, _)| **name == path) {
            return Some(Js::Object(name));
        }
        if let Some(name) = FUNCTIONS.iter().find(|name| **name == path) {
            return Some(Js::Function(name));
        }
        let data = self.data(&path)?;
        Some(Js::Plain(data))
    }

    fn data(&self, path: &str) -> Option<Value> {
        Some(match path {
            "process.pid" => 1.into(),
            "process.ppid" | "worker_threads.threadId" => 0.into(),
            "process.version" => format!("v{}", process::VERSION).into(),
            "process.versions" => process::versions(),
            "process.release" => process::release(),
            "process.arch" => "x64".into(),
            "process.platform" => "linux".into(),
            "process.title" | "process.argv0" => "node".into(),
            "process.execPath" => process::PROGRAM.into(),
            "process.argv" => json!([process::PROGRAM, process::SCRIPT]),
            "process.execArgv" => self.entry.look(|process| process.options.flags.clone())?.into(),
            "worker_threads.isMainThread" => true.into(),
            _ => return None,
        })
    }

    /// Seconds since a histogram was enabled.
    fn watched(&self, number: usize) -> f64 {
        let since = self.entry.look(|process| process.delays.get(number).copied().flatten()).flatten();
        since.map_or(0.0, |since| between(since, self.entry.now()).as_secs_f64())
    }

    fn method(&self, number: usize, name: &str, arguments: &[Js]) -> Option<Js> {
        let now = self.entry.now();
        let enabled = |since| {
            let before = self.entry.look(|process| process.delays.get_mut(number).map(|delay| std::mem::replace(delay, since)));
            Some(before??.is_some())
        };
        match name {
            "enable" if self.watched(number) > 0.0 => Some(Js::Plain(false.into())),
            "enable" => enabled(Some(now)).map(|was| Js::Plain((!was).into())),
            "disable" => enabled(None).map(|was| Js::Plain(was.into())),
            "reset" => enabled(Some(now)).map(|_| Js::Undefined),
            "percentile" => match arguments {
                [Js::Plain(share)] => {
                    let share = share.as_f64().filter(|share| *share > 0.0 && *share <= 100.0)?;
                    Some(Js::Plain(process::percentile(self.inside, self.watched(number), share)))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn uptime(&self) -> f64 {
        between(self.inside.started, self.entry.now()).as_secs_f64()
    }
}

impl Host for Scope<'_> {
    fn name(&self, name: &str) -> Option<Js> {
        self.entry.look(|process| process.globals.get(name).cloned()).flatten().or_else(|| self.at(name))
    }

    fn member(&self, of: &Js, name: &str) -> Option<Js> {
        match of {
            Js::Object("globalThis") => self.name(name).or(Some(Js::Undefined)),
            Js::Object(path) | Js::Function(path) => self.at(&format!("{path}.{name}")),
            Js::Delay(number) => match METHODS.iter().find(|method| **method == name) {
                Some(method) => Some(Js::Method(*number, method)),
                None => process::delay(self.inside, self.watched(*number), name).map(Js::Plain),
            },
            Js::Undefined | Js::Plain(_) | Js::Method(..) | Js::Arrow(_) | Js::Timer => None,
        }
    }

    fn call(&mut self, function: &Js, arguments: &[Js]) -> Option<Js> {
        let name = match function {
            Js::Function(name) => *name,
            Js::Method(number, name) => return self.method(*number, name, arguments),
            Js::Undefined | Js::Plain(_) | Js::Object(_) | Js::Delay(_) | Js::Arrow(_) | Js::Timer => return None,
        };
        let inside = self.inside;
        Some(Js::Plain(match (name, arguments) {
            ("process.memoryUsage", []) => process::memory_usage(inside),
            ("process.memoryUsage.rss", []) => process::memory_usage(inside).get("rss")?.clone(),
            ("process.cpuUsage", []) => process::cpu_usage(inside),
            ("process.uptime", []) => self.uptime().into(),
            ("performance.now", []) => (self.uptime() * 1000.0).into(),
            // Without a limit Node has a number that is larger than any memory.
            ("process.constrainedMemory", []) if inside.memory_limit.is_finite() => json!(inside.memory_limit.floor()),
            ("process.constrainedMemory", []) => json!(18_446_744_073_709_552_000.0),
            ("v8.getHeapStatistics", []) => process::heap_statistics(inside),
            ("performance.eventLoopUtilization", []) => process::utilization(inside, None),
            ("performance.eventLoopUtilization", [Js::Plain(since)]) => process::utilization(inside, Some(since)),
            ("inspector.url", []) => self.entry.look(|process| process.door.as_ref().map(|door| process.url(door)))??.into(),
            ("inspector.close", []) => {
                self.entry.close(self.wait);
                return Some(Js::Undefined);
            }
            ("perf_hooks.monitorEventLoopDelay", [] | [Js::Plain(_)]) => {
                let number = self.entry.look(|process| {
                    process.delays.push(None);
                    process.delays.len() - 1
                })?;
                return Some(Js::Delay(number)).filter(|_| number < KEPT);
            }
            ("process.getBuiltinModule", [Js::Plain(name)]) => {
                let name = name.as_str()?;
                let name = name.strip_prefix("node:").unwrap_or(name);
                return OBJECTS.iter().skip(3).find(|(module, _)| *module == name).map(|(module, _)| Js::Object(module));
            }
            _ => return None,
        }))
    }

    fn assign(&mut self, name: &str, value: &Js) {
        self.entry.look(|process| {
            if process.globals.len() < KEPT || process.globals.contains_key(name) {
                process.globals.insert(name.to_owned(), value.clone());
            }
        });
    }

    fn later(&mut self, ms: Option<f64>) {
        self.wait = Duration::try_from_secs_f64(ms.unwrap_or(0.0).clamp(0.0, 86_400_000.0) / 1000.0).unwrap_or_default();
    }
}

/// How values are told apart that stay in the process.
#[derive(Debug, Default)]
pub struct Numbers {
    objects: u64,
    scripts: u64,
    exceptions: u64,
}

impl Numbers {
    fn object(&mut self) -> String {
        self.objects += 1;
        format!("1.1.{}", self.objects)
    }
}

/// The result of `Runtime.evaluate`; an error is one of the protocol's.
pub fn evaluate(scope: &mut Scope<'_>, expression: &str, (by_value, numbers): (bool, &mut Numbers)) -> Result<Value, String> {
    numbers.scripts += 1;
    match script::run(scope, expression) {
        Ok(value) => Ok(json!({ "result": remote(&value, by_value, numbers)? })),
        Err(thrown) => Ok(exception(&thrown, numbers)),
    }
}

fn exception(thrown: &Thrown, numbers: &mut Numbers) -> Value {
    let syntax = thrown.class == "SyntaxError";
    let place = if syntax { String::new() } else { format!("\n    at <anonymous>:1:{}", thrown.at + 1) };
    let mut error = || {
        json!({
            "type": "object", "subtype": "error", "className": thrown.class,
            "description": format!("{}: {}{place}", thrown.class, thrown.message), "objectId": numbers.object(),
        })
    };
    let (result, exception) = (error(), error());
    numbers.exceptions += 1;
    let script = (100 + numbers.scripts).to_string();
    let mut details = json!({
        "exceptionId": numbers.exceptions, "text": "Uncaught", "lineNumber": 0, "columnNumber": thrown.at, "scriptId": script,
    });
    if !syntax {
        let frame = json!({ "functionName": "", "scriptId": script, "url": "", "lineNumber": 0, "columnNumber": thrown.at });
        crate::drill::world::json::set(&mut details, &["stackTrace"], json!({ "callFrames": [frame] }));
    }
    crate::drill::world::json::set(&mut details, &["exception"], exception);
    json!({ "result": result, "exceptionDetails": details })
}

/// A value as CDP's RemoteObject.
fn remote(value: &Js, by_value: bool, numbers: &mut Numbers) -> Result<Value, String> {
    let mut kept = |kind: &str, class: &str, description: &str| {
        if by_value {
            json!({ "type": kind, "value": {} })
        } else {
            json!({ "type": kind, "className": class, "description": description, "objectId": numbers.object() })
        }
    };
    Ok(match value {
        Js::Undefined => json!({ "type": "undefined" }),
        Js::Plain(value) => match value {
            Value::Null => json!({ "type": "object", "subtype": "null", "value": null }),
            Value::Bool(truth) => json!({ "type": "boolean", "value": truth }),
            Value::Number(number) => json!({ "type": "number", "value": number, "description": number.to_string() }),
            Value::String(text) => json!({ "type": "string", "value": text }),
            Value::Array(_) | Value::Object(_) if by_value => json!({ "type": "object", "value": value }),
            Value::Object(_) => kept("object", "Object", "Object"),
            Value::Array(all) => {
                let mut array = kept("object", "Array", &format!("Array({})", all.len()));
                crate::drill::world::json::set(&mut array, &["subtype"], "array");
                array
            }
        },
        Js::Function(name) => {
            kept("function", "Function", &format!("function {}() {{ [native code] }}", name.rsplit('.').next().unwrap_or(name)))
        }
        Js::Method(_, name) => kept("function", "Function", &format!("function {name}() {{ [native code] }}")),
        Js::Arrow(body) => kept("function", "Function", &format!("()=>{body}")),
        Js::Delay(_) => kept("object", "ELDHistogram", "ELDHistogram"),
        // Its list of timers leads back to it.
        Js::Timer if by_value => return Err("Object reference chain is too long".to_owned()),
        Js::Timer => kept("object", "Timeout", "Timeout"),
        Js::Object(name) if by_value => return Err(format!("not simulated: the value of {name}; ask for what you need of it")),
        Js::Object(name) => {
            let class = OBJECTS.iter().find(|(known, _)| known == name).map_or("Object", |(_, class)| class);
            kept("object", class, class)
        }
    })
}

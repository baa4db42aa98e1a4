//! Two processes in one pod, restarts, options; and what the little JavaScript takes and refuses.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::script::{Host, Js, run};
use super::*;

fn pod(options: &str) -> Value {
    json!({
        "metadata": { "uid": "u-1", "name": "checkout-1" },
        "spec": { "containers": [{ "name": "checkout", "env": [{ "name": "NODE_OPTIONS", "value": options }] }, { "name": "sidecar" }] },
    })
}

fn view(pod: &Value, container: usize, run: i64) -> View<'_> {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    View { pod, container: &pod["spec"]["containers"][container], run, started: now, now: later(now, Duration::from_secs(60)), chance: 7 }
}

fn inspectors() -> Inspectors {
    Inspectors::new(Plant::new(1), Clock::new(Pace::Stepped, "2026-01-01T00:01:00Z".parse().unwrap()))
}

fn kill(inspectors: &Inspectors, view: &View<'_>, line: &str) -> (i32, String) {
    let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let ran = inspectors.exec(view, &argv).unwrap();
    (ran.code, String::from_utf8(ran.stderr).unwrap())
}

fn said(inspectors: &Inspectors, view: &View<'_>) -> Vec<String> {
    let (after, until) = (super::super::clock::earlier(view.started, Duration::from_secs(1)), view.now);
    inspectors.lines(view, after, until).into_iter().map(|line| line.text).collect()
}

#[test]
fn a_second_process_finds_the_port_taken() {
    let (inspectors, pod) = (inspectors(), pod(""));
    let (first, second) = (view(&pod, 0, 0), view(&pod, 1, 0));
    assert_eq!(kill(&inspectors, &first, "kill -USR1 1"), (0, String::new()));
    assert_eq!(kill(&inspectors, &second, "kill -s SIGUSR1 1").0, 0, "the signal was sent; what comes of it is in the log");
    assert_eq!(said(&inspectors, &second), ["Starting inspector on 127.0.0.1:9229 failed: address already in use"]);
    assert_eq!(inspectors.ports(&first), [9229]);
    assert!(said(&inspectors, &first)[0].starts_with("Debugger listening on ws://127.0.0.1:9229/"));
}

#[test]
fn an_open_one_stays_as_it_is_and_a_restart_closes_it() {
    let (inspectors, pod) = (inspectors(), pod(""));
    kill(&inspectors, &view(&pod, 0, 0), "kill -USR1 1");
    let before = said(&inspectors, &view(&pod, 0, 0));
    kill(&inspectors, &view(&pod, 0, 0), "kill -10 1");
    assert_eq!(said(&inspectors, &view(&pod, 0, 0)), before);
    assert!(inspectors.ports(&view(&pod, 0, 1)).is_empty(), "a new process has a closed inspector");
}

#[test]
fn options_are_obeyed() {
    let open = pod("--inspect=0.0.0.0:9300");
    let opened = inspectors();
    assert_eq!(opened.ports(&view(&open, 0, 0)), [9300]);
    assert!(said(&opened, &view(&open, 0, 0))[0].starts_with("Debugger listening on ws://0.0.0.0:9300/"));
    let deaf = pod("--disable-sigusr1");
    let closed = inspectors();
    assert_eq!(kill(&closed, &view(&deaf, 0, 0), "kill -USR1 1").0, 0);
    assert!(closed.ports(&view(&deaf, 0, 0)).is_empty());
    let mut files = vec![("/proc/1/status", "Name:\tnode\n".to_owned())];
    closed.files(&view(&deaf, 0, 0), &mut files);
    assert!(files[0].1.contains("SigBlk:\t0000000000000200") && files[0].1.contains("SigCgt:\t0000000100004402"), "{}", files[0].1);
}

#[test]
fn other_signals_and_other_processes_are_not_made_up() {
    let (inspectors, pod) = (inspectors(), pod(""));
    let view = view(&pod, 0, 0);
    assert_eq!(kill(&inspectors, &view, "kill -USR1 99"), (1, "kill: (99) - No such process\n".to_owned()));
    assert!(kill(&inspectors, &view, "kill -TERM 1").1.contains("not simulated"));
    assert!(kill(&inspectors, &view, "kill 1").1.contains("not simulated"));
    assert_eq!(kill(&inspectors, &view, "kill -0 1").0, 0);
    assert!(inspectors.ports(&view).is_empty());
    let argv = ["sh", "-c", "kill -USR1 1"].map(str::to_owned);
    assert_eq!(inspectors.exec(&view, &argv).unwrap().code, 0);
    assert_eq!(inspectors.ports(&view), [9229]);
    assert!(inspectors.exec(&view, &["ls".to_owned()]).is_none());
}

/// Knows `one`, `twice(n)` and what was assigned.
#[derive(Default)]
struct Toy(std::collections::BTreeMap<String, Js>, Option<f64>, Vec<Option<f64>>);

impl Host for Toy {
    fn name(&self, name: &str) -> Option<Js> {
        match name {
            "one" => Some(Js::Plain(json!({ "is": 1, "all": [1, 2] }))),
            "twice" => Some(Js::Function("twice")),
            "setTimeout" => Some(Js::Function("setTimeout")),
            "globalThis" => Some(Js::Object("globalThis")),
            other => self.0.get(other).cloned(),
        }
    }
    fn member(&self, _of: &Js, name: &str) -> Option<Js> {
        self.name(name)
    }
    fn call(&mut self, _function: &Js, arguments: &[Js]) -> Option<Js> {
        self.2.push(self.1);
        match arguments {
            [Js::Plain(Value::Number(number))] => Some(Js::Plain((number.as_i64()? * 2).into())),
            _ => None,
        }
    }
    fn assign(&mut self, name: &str, value: &Js) {
        self.0.insert(name.to_owned(), value.clone());
    }
    fn later(&mut self, ms: Option<f64>) {
        self.1 = ms;
    }
}

#[test]
fn the_little_language_is_javascript() {
    for (source, value) in [
        ("twice(one.is)", json!(2)),
        ("({a: one.is, 'b': [twice(2), true, null], one,})", json!({ "a": 1, "b": [4, true, null], "one": { "is": 1, "all": [1, 2] } })),
        (" one.is ; 'x' , \"y\" ", json!("y")),
        ("globalThis.n = twice(4), n", json!(8)),
        ("m = 3; m", json!(3)),
        ("(() => twice(-5))()", json!(-10)),
        ("one?.all.length", json!(2)),
        ("setTimeout(() => twice(1), 100), true", json!(true)),
    ] {
        assert_eq!(run(&mut Toy::default(), source), Ok(Js::Plain(value)), "{source}");
    }
    assert_eq!(run(&mut Toy::default(), "void twice(1)"), Ok(Js::Undefined));
    let mut toy = Toy::default();
    assert_eq!(run(&mut toy, "setTimeout(()=>twice(1),100)"), Ok(Js::Timer));
    assert_eq!(toy.2, [Some(100.0)], "what a timer does is done later");
    assert_eq!(toy.1, None);
}

#[test]
fn what_it_does_not_know_it_refuses_and_never_panics() {
    for source in ["1 + 1", "new Map()", "while(1){}", "{ a: 1 }", "one => 2", "`x`", "(() => { return 1 })()", "'a\\n'", "one.is == 1"] {
        let thrown = run(&mut Toy::default(), source).unwrap_err();
        assert!(thrown.message.starts_with("not simulated"), "{source}: {}", thrown.message);
    }
    for (source, class) in [("require('v8')", "ReferenceError"), ("one.no.x", "TypeError"), ("twice(", "SyntaxError"), ("(", "SyntaxError")]
    {
        assert_eq!(run(&mut Toy::default(), source).unwrap_err().class, class, "{source}");
    }
    for source in [
        "(".repeat(5000),
        "[".repeat(5000),
        "(()=>".repeat(900),
        "void ".repeat(1600),
        "é'\u{0}(".to_owned(),
        "9".repeat(400),
        "x".repeat(9000),
    ] {
        assert!(run(&mut Toy::default(), &source).is_err());
    }
    // Every cut of a good one is an end or an error.
    let whole = "globalThis.a = ({x: twice(2), y: ['é', one?.is]}); setTimeout(() => twice(1), 10), a";
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        let _ = run(&mut Toy::default(), &whole[..end]);
    }
}

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn scope() -> Value {
    json!({
        "out": { "value": 0.5, "ready": 3, "desired": 3, "whole": 2.0, "text": "VmRSS:\t 120 kB\nThreads: 4", "none": null,
                 "list": [1, 2, 3], "big": 18_446_744_073_709_551_615_u64 },
        "rollout_status": { "out": { "ready": 1, "desired": 2 } },
        "pods": [{ "name": "a", "restarts": 0, "cpu": "250m" }, { "name": "b", "restarts": 4, "cpu": "1" }],
        "window": "30m",
        "exit": 0,
    })
}

fn value(source: &str) -> Value {
    evaluate(source, &scope()).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn why(source: &str) -> String {
    evaluate(source, &scope()).expect_err(source).why
}

#[test]
fn numbers_compare_across_kinds_and_keep_their_own() {
    for source in [
        "out.value < 1",
        "out.value > 0",
        "1 > out.value",
        "out.ready == 3.0",
        "out.whole == 2",
        "out.ready + 1 == 4",
        "out.ready == out.desired",
        "out.big > 1",
        "out.list.exists(x, x > 2.5)",
        "2 in [2.0]",
        "7 / 2 == 3",
        "out.whole / 4.0 == 0.5",
    ] {
        assert_eq!(value(source), true, "{source}");
    }
    assert_eq!(value("out.whole").to_string(), "2.0");
    assert_eq!(value("out.ready").to_string(), "3");
    assert!(why("out.value * 2").contains("write `2.0`"), "{}", why("out.value * 2"));
}

#[test]
fn every_documented_function_does_what_its_example_says() {
    for function in FUNCTIONS {
        let gives: Value = serde_json::from_str(function.gives).unwrap();
        assert_eq!(evaluate(function.example, &json!({})), Ok(gives), "{}", function.example);
        assert!(function.example.contains(function.name) && function.signature.contains(function.name), "{}", function.name);
        assert_eq!(FUNCTIONS.iter().filter(|other| other.name == function.name).count(), 1);
    }
}

#[test]
fn quantities_are_read_as_production_writes_them() {
    let cases = [
        ("pods.map(p, cpu(p.cpu))", json!([0.25, 1.0])),
        ("cpu(2)", json!(2.0)),
        ("cpu('1500u')", json!(0.0015)),
        ("bytes('1Gi')", json!(1_073_741_824)),
        ("bytes('1.5k')", json!(1500)),
        ("bytes('120 kB')", json!(120_000)),
        ("bytes('0')", json!(0)),
        ("bytes(42)", json!(42)),
        ("bytes(first(out.text, 'VmRSS:\\\\s+(\\\\d+ kB)'))", json!(120_000)),
        ("number('-1.5e3x')", json!(-1500.0)),
        ("max(pods.map(p, p.restarts))", json!(4)),
        ("lines_matching(out.text, '^Thr')", json!(["Threads: 4"])),
        ("count(out.text, '\\\\d+')", json!(2)),
        ("first(out.text, 'nothing')", Value::Null),
        ("duration(window).getMinutes()", json!(30)),
        ("duration('90s')", json!(90)),
        ("duration('1500ms')", json!(1.5)),
        ("timestamp('2026-01-02T03:04:05Z') + duration('1h')", json!("2026-01-02T04:04:05+00:00")),
    ];
    for (source, expected) in cases {
        assert_eq!(value(source), expected, "{source}");
    }
    for source in ["cpu('much')", "bytes('1 Qi')", "number('x')", "max()", "max(['a'])", "floor(1e300)", "first('a', '(')", "cpu(1, 2)"] {
        assert!(evaluate(source, &scope()).is_err(), "{source}");
    }
}

#[test]
fn what_has_no_value_says_why() {
    let cases = [
        ("deploy.out.ready == 1", "`deploy` has not run yet, or is not known here"),
        ("out.nothing > 1", "there is no `nothing` in the value"),
        ("1 / (exit * 1) == 1", "division by zero"),
        ("1.0 / 0.0", "the result is inf, which is not a finite number"),
        ("1 +", "not valid CEL"),
        ("nonsense(1)", "there is no function `nonsense`"),
        ("out.list[9]", "ndex"),
        ("b'x'", "no form"),
        ("'a' > 1", "does not take string and int"),
    ];
    for (source, expected) in cases {
        assert!(why(source).contains(expected), "{source}: {}", why(source));
    }
    assert!(truth("out.ready", &scope()).unwrap_err().why.contains("gave 3, not true or false"));
    assert_eq!(truth("out.ready == 3 && has(out.value) && !has(out.nothing)", &scope()), Ok(true));
    assert_eq!(truth("exit == 1 && deploy.out.ready == 1", &scope()), Ok(false));
    assert_eq!(truth("out.none == null", &scope()), Ok(true));
}

#[test]
fn references_have_their_paths_and_places() {
    let source = "'é' == '' || rollout_status.out.ready < out[\"the key\"].x && pods.all(p, p.name != window) && has(facts.gitops.managed)";
    let found = check(source).unwrap();
    let paths: Vec<String> = found.iter().map(|variable| variable.path.join(".")).collect();
    assert_eq!(paths, ["rollout_status.out.ready", "out.the key.x", "pods", "window", "facts.gitops.managed"]);
    for variable in found {
        assert!(source[variable.offset..].starts_with(&variable.path[0]), "{variable:?}");
    }
    assert_eq!(check("1 + + 2").unwrap_err().offset, 4);
    assert_eq!(check("'é' + + 2").unwrap_err().offset, 7);
    assert_eq!(check("1 < nonsense(2)").unwrap_err().offset, 4 + "nonsense".len());
}

#[test]
fn only_what_is_referred_to_is_converted() {
    let large = json!({ "log": { "out": "x".repeat(2 * VALUE_BYTES), "exit": 0 }, "other": { "out": "y".repeat(2 * VALUE_BYTES) } });
    assert_eq!(truth("log.exit == 0", &large), Ok(true));
    assert!(truth("size(log.out) > 0", &large).unwrap_err().why.contains("`log` is larger than 1048576 bytes"));
    let results = evaluate_all(&["log.exit", "size(log.out)", "1 +", "log.exit == 0"], &large);
    assert_eq!(results[0], Ok(json!(0)));
    assert!(results[1].is_err() && results[2].is_err());
    assert_eq!(results[3], Ok(json!(true)));
    assert_eq!(evaluate_all(&["out.ready", "exit"], &scope()), [Ok(json!(3)), Ok(json!(0))]);
}

#[test]
fn size_and_nesting_are_bounded() {
    assert!(check(&"1+".repeat(600)).unwrap_err().message.contains("at most 1024"));
    let deep = "[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))";
    assert!(check(deep).unwrap_err().message.contains("more than 3"));
    assert!(check("[1].all(a, [1].all(b, [1].all(c, true)))").is_ok());
    assert!(check("[[1]].map(a, a.map(b, b)).map(c, c.map(d, d)).all(e, true)").is_ok());
    let mut nested = json!(1);
    for _ in 0..200 {
        nested = json!([nested]);
    }
    assert!(evaluate("x", &json!({ "x": nested })).unwrap_err().why.contains("nested deeper"));
}

/// Every shape that recurses, as long as the source limit lets it be.
#[test]
fn no_expression_overflows_the_stack() {
    let shapes = [
        format!("1{}", "+1".repeat(511)),
        format!("{}1{}", "(".repeat(511), ")".repeat(511)),
        format!("{}true", "!".repeat(1000)),
        format!("{}1", "-".repeat(1000)),
        format!("{}{}", "[".repeat(511), "]".repeat(511)),
        format!("{}1{}", "{1:".repeat(250), "}".repeat(250)),
        format!("out{}", ".a".repeat(500)),
        format!("out{}", "[0]".repeat(330)),
        format!("true{}", "?1:true".repeat(140)),
        format!("true{}", "&&true".repeat(170)),
        format!("{}1{}", "size(".repeat(170), ")".repeat(170)),
    ];
    for shape in shapes {
        let _ = evaluate(&shape, &scope());
        let _ = check(&shape);
    }
    assert_eq!(value("1 + 1"), 2);
}

#[test]
fn an_endless_expression_is_given_up_and_its_thread_ends() {
    let many: Vec<i64> = (0..50_000).collect();
    let scope = json!({ "l": many });
    let slow = "l.all(a, l.all(b, l.all(c, a + b + c >= 0)))";
    for _ in 0..6 {
        let error = evaluate_within(slow, &scope, Duration::from_millis(5)).unwrap_err();
        assert!(error.why.contains("took longer than 5 ms"), "{error}");
        // It looks at `l` again and again, and ends there.
        while worker::late() > 0 {
            std::thread::yield_now();
        }
    }
    assert_eq!(evaluate("size(l)", &scope), Ok(json!(50_000)));
}

#[test]
fn at_most_four_threads_are_left_behind() {
    let pool: &'static worker::Pool = Box::leak(Box::default());
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(std::sync::Mutex::new(gate));
    for _ in 0..4 {
        let gate = Arc::clone(&gate);
        let stuck = pool.run(Duration::ZERO, move |_| gate.lock().unwrap().recv().is_ok());
        assert_eq!(stuck, Err(worker::Stopped::TooSlow(Duration::ZERO)));
    }
    assert_eq!(pool.run(DEADLINE, |_| ()), Err(worker::Stopped::TooMany));
    drop(open);
    while pool.late() > 0 {
        std::thread::yield_now();
    }
    assert_eq!(pool.run(Duration::from_secs(30), |_| 7), Ok(7));
}

#[test]
fn a_panic_inside_is_an_answer() {
    let result: Result<(), _> = worker::run(DEADLINE, |_| std::panic::resume_unwind(Box::new("inside")));
    assert_eq!(result, Err(worker::Stopped::Failed));
    assert_eq!(value("1 + 1"), 2);
}

#[test]
fn many_callers_at_once_each_get_their_own_answer() {
    std::thread::scope(|threads| {
        for n in 0..16 {
            threads.spawn(move || {
                for m in 0..20 {
                    let within = Duration::from_secs(30);
                    assert_eq!(evaluate_within("n * 100 + m", &json!({ "n": n, "m": m }), within), Ok(json!(n * 100 + m)));
                }
            });
        }
    });
}

proptest! {
    #[test]
    fn any_source_gives_an_answer(source in "(out|pods|x|\\.|\\[|\\]|\\(|\\)|all|map|has|,|1|2\\.5|'a'|\\+|-|<|==|&&|!|\\?|:| |é|\\{|\\}|in|null){0,25}") {
        let _ = check(&source);
        let _ = evaluate(&source, &scope());
    }

    #[test]
    fn json_goes_through_unchanged(number in any::<i64>(), double in any::<f64>().prop_filter("finite", |d| d.is_finite()), text in ".*") {
        let scope = json!({ "x": { "a": number, "b": [double, text], "c": null, "d": true } });
        prop_assert_eq!(evaluate("x", &scope), Ok(scope["x"].clone()));
    }
}

//! No query text panics, overflows a stack or runs without a limit.

use proptest::prelude::*;
use qrh::drill::world::promql::{Labels, Release, Sample, Store};
use serde_json::Value;

use crate::sample::{START, Samples};
use crate::values::{form, ours};

/// The stack of a thread of tokio's.
const STACK: usize = 2 * 1024 * 1024;

fn small() -> Store {
    let mut store = Store::new(100, 20);
    for (name, le) in [("a", ""), ("b", ""), ("h", "1"), ("h", "+Inf")] {
        for minute in 0..10 {
            let value = f64::from(u32::try_from(minute).unwrap());
            store.push(&Labels::of_metric(name, &[("x", "y"), ("le", le)]), Sample { at: START + minute * 60_000, value }).unwrap();
        }
    }
    store
}

/// Answers on a thread with a small stack: an overflow would end the whole test.
fn asked(query: &str) -> Vec<(u16, Value)> {
    let query = query.to_owned();
    let both = move || {
        let store = small();
        let instant = form(&[("query", &query), ("time", "1700000300")]);
        let range = form(&[("query", &query), ("start", "1700000000"), ("end", "1700000600"), ("step", "60")]);
        [("/api/v1/query", instant), ("/api/v1/query_range", range)]
            .map(|(path, form)| ours(&store, Release::CURRENT, path, &form))
            .to_vec()
    };
    std::thread::Builder::new().stack_size(STACK).spawn(both).unwrap().join().unwrap()
}

/// Pieces of PromQL, most of which fit together.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "b",
        "h",
        "{x=\"y\"}",
        "{x=~\"y|z\"}",
        "[5m]",
        "[1m:1s]",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "==",
        "!=",
        ">",
        "<=",
        " and ",
        " or ",
        " unless ",
        " atan2 ",
        " bool ",
        " on (x) ",
        " ignoring (x) ",
        " group_left ",
        " group_right (le) ",
        " offset ",
        "5m",
        "-1h",
        " @ ",
        "1e300",
        "9999999999y",
        "Inf",
        "NaN",
        "0",
        "-1",
        "0x1F",
        "\"",
        "'",
        "`",
        "\\",
        "#",
        "\n",
        ",",
        "=~",
        "!~",
        "rate(",
        "sum(",
        "sum by (x) (",
        "topk(2,",
        "quantile(0.5,",
        "histogram_quantile(0.9,",
        "absent(",
        "scalar(",
        "vector(",
        "round(",
        "clamp(",
        "time()",
        "deriv(a[5m])",
        "rate(b[2m])",
        "quantile_over_time(0.5,a[5m])",
        " without ",
        " by ",
        "é",
        "\u{0}",
        "start()",
        " fill(1) ",
    ];
    proptest::sample::select(pieces.map(str::to_owned).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(pieces in proptest::collection::vec(piece(), 0..24), noise in ".{0,40}") {
        for query in [pieces.concat(), noise.clone(), format!("{}{noise}", pieces.concat())] {
            for (status, answer) in asked(&query) {
                prop_assert!(matches!(status, 200 | 400 | 422), "{status} {answer}");
                prop_assert!(answer["status"] == "success" || answer["error"].as_str().is_some_and(|why| !why.is_empty()));
            }
        }
    }

    #[test]
    fn any_parameters_are_answered(fields in proptest::collection::vec(("query|start|end|step|time|timeout|limit|match\\[\\]", "[-+0-9.eInfNaT:Zsmh ]{0,12}"), 0..6)) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let store = small();
        for path in ["/api/v1/query", "/api/v1/query_range", "/api/v1/labels", "/api/v1/series"] {
            let (status, _) = ours(&store, Release::CURRENT, path, &form(&fields));
            prop_assert!(matches!(status, 200 | 400 | 422), "{status}");
        }
    }
}

#[test]
fn the_deepest_query_that_is_taken_fits_a_small_stack() {
    let nested = |open: &str, inner: &str, close: &str, levels: usize| format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
    let sum = nested("sum(", "a", ")", 64);
    let signs = nested("-", &sum, "", 60);
    let chain = format!("{signs}{}", "+a".repeat(60));
    let powers = format!("{}a", "a^".repeat(120));
    for query in [sum, chain, powers, nested("(", "a", ")", 64), nested("abs(-(", "a", "))", 32)] {
        for (status, answer) in asked(&query) {
            assert_eq!(status, 200, "{query}: {answer}");
        }
    }
}

#[test]
fn what_would_cost_too_much_is_refused_before_it_costs() {
    let regexes: Vec<_> = (0..200).map(|index| format!("b{index}=~\"(x{{900}}){{900}}\"")).collect();
    for (query, why) in [
        ("a".repeat(17_000), "16384"),
        ("(".repeat(8_000), "64 levels of parentheses"),
        ("-".repeat(16_000) + "a", "128 operators"),
        ("a or ".repeat(3_000) + "a", "128 operators"),
        (format!("a{{{}}}", regexes.join(",")), "regular expressions this large"),
        (r#"a{b=~"\\pL{1000}"}"#.to_owned(), "regular expressions this large"),
    ] {
        for (status, answer) in asked(&query) {
            assert_eq!(status, 400, "{answer}");
            assert!(answer["error"].as_str().unwrap().contains(why), "{answer}");
        }
    }
    // Many samples at many steps, and many cells: refused as an execution that would be too large.
    let store = Samples::all().store();
    for query in ["quantile_over_time(0.5, http_request_duration_seconds_bucket[2h])", "{__name__=~\".+\"} or {__name__=~\".+\"}"] {
        let asked = form(&[("query", query), ("start", "1700000000"), ("end", "1700011000"), ("step", "1")]);
        let (status, answer) = ours(&store, Release::CURRENT, "/api/v1/query_range", &asked);
        assert_eq!((status, answer["errorType"].as_str()), (422, Some("execution")), "{answer}");
    }
}

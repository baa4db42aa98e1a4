//! Two runs of one drill with one seed give the same log, but for ids and times.

use regex::Regex;
use serde_json::Value;

use crate::home::{Home, shipped};

/// A run's log without what may differ: ids, times and how long things took, the ports the kernel gave, and digests over any of these.
fn played(id: &str, seed: &str) -> Vec<String> {
    let home = Home::new();
    let ended = home.run(&["test", &shipped(id), "--level", "basic", "--seed", seed, "--keep", "kept"]);
    assert!(ended.out.contains(id), "{}\n{}", ended.out, ended.err);
    let moving = [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"in \d+ ms", "in some ms"),
        (r"[0-9A-HJKMNP-TV-Z]{26}", "ID"),
        (r#""(took_ms|considered_ms)":\d+"#, "TOOK"),
        (r#""(sha256|digest)":"[0-9a-f]{64}""#, "DIGEST"),
        (r#"\\?"time\\?":\d+(\.\d+)?|\[\d{10}(\.\d+)?,"#, "INSTANT"),
        (r"\d{10}\.\d{3}|\b1[78]\d{8}\b", "INSTANT"),
    ];
    let moving: Vec<(Regex, &str)> = moving.into_iter().map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).collect();
    let still = |record: Value| {
        let text = format!("{} {}", record["type"], record["data"]);
        moving.iter().fold(text, |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned())
    };
    home.records("kept").into_iter().map(still).collect()
}

#[test]
fn one_seed_gives_one_log() {
    let (first, second) = (played("bad-deploy", "11"), played("bad-deploy", "11"));
    assert!(first.len() > 60, "{}", first.len());
    for (number, (first, second)) in first.iter().zip(&second).enumerate() {
        assert_eq!(first, second, "event {number}");
    }
    assert_eq!(first.len(), second.len());
}

#[test]
fn another_seed_gives_another_one() {
    assert_ne!(played("bad-deploy", "11"), played("bad-deploy", "12"));
}

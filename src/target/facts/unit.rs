//! What systemd says of a unit, by `systemctl show`, which only reads. Parsing is pure.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::action::run::Run;
use crate::target::host;
use crate::target::stream::Conduct;

/// Property of systemd, name of the fact.
const PROPERTIES: [(&str, &str); 13] = [
    ("Id", "id"),
    ("LoadState", "load_state"),
    ("ActiveState", "active_state"),
    ("SubState", "sub_state"),
    ("Result", "result"),
    ("MainPID", "main_pid"),
    ("ExecMainStartTimestamp", "started_at"),
    ("ExecMainCode", "exec_main_code"),
    ("ExecMainStatus", "exec_main_status"),
    ("NRestarts", "restarts"),
    ("MemoryCurrent", "memory_current"),
    ("MemoryMax", "memory_max"),
    ("CPUUsageNSec", "cpu_usage_ns"),
];
const LIMIT: Duration = Duration::from_secs(3);

pub async fn show(unit: &str) -> Result<Value, String> {
    // sd_booted(3): the one official test.
    if !Path::new("/run/systemd/system").is_dir() {
        return Err("systemd is not what runs this host".to_owned());
    }
    let names = PROPERTIES.map(|(property, _)| property).join(",");
    let argv = ["systemctl", "show", "--no-pager", "-p", &names, "--", unit].map(str::to_owned).to_vec();
    // Nobody watches: with the receiver gone, lines are only collected.
    let conduct = Conduct { lines: mpsc::channel(1).0, cancel: CancellationToken::new(), timeout: LIMIT };
    let report = host::run(&Run { argv, env: [].into(), dir: None }, &conduct).await;
    let said = report.tail.last().cloned().unwrap_or_default();
    match (&report.exit, report.out.as_str()) {
        (Some(0), Some(text)) => read(text, unit),
        _ => Err(format!("systemctl could not be asked ({:?}): {said}", report.ending)),
    }
}

fn read(text: &str, unit: &str) -> Result<Value, String> {
    let mut facts = Map::new();
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        if let Some((_, name)) = PROPERTIES.iter().find(|(property, _)| *property == key) {
            facts.insert((*name).to_owned(), property(value));
        }
    }
    match facts.get("load_state").and_then(Value::as_str) {
        Some("not-found") => Err(format!("systemd knows no unit {unit}: check its name in the service's catalog entry")),
        Some(_) => Ok(Value::Object(facts)),
        None => Err("systemctl answered nothing about the unit".to_owned()),
    }
}

/// A number where it is one; null for what is not set or has no limit.
fn property(value: &str) -> Value {
    match value {
        "" | "[not set]" | "infinity" | "n/a" => Value::Null,
        text => match text.parse::<u64>() {
            Ok(u64::MAX) => Value::Null,
            Ok(number) => number.into(),
            Err(_) => text.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_what_is_not_set() {
        let text = "Id=api.service\nLoadState=loaded\nMainPID=812\nMemoryMax=infinity\nMemoryCurrent=[not set]\nCPUUsageNSec=18446744073709551615\n\
                    ExecMainStartTimestamp=Sat 2026-10-03 10:02:11 UTC\nUnasked=1\n";
        assert_eq!(
            read(text, "api").unwrap(),
            json!({"id": "api.service", "load_state": "loaded", "main_pid": 812, "memory_max": null, "memory_current": null,
                   "cpu_usage_ns": null, "started_at": "Sat 2026-10-03 10:02:11 UTC"})
        );
    }

    #[test]
    fn an_unknown_unit_is_not_an_idle_one() {
        assert!(read("Id=x.service\nLoadState=not-found\nActiveState=inactive\n", "x").unwrap_err().contains("knows no unit x"));
        assert!(read("", "x").unwrap_err().contains("nothing"));
    }
}

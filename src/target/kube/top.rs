//! What pods and nodes use, from the metrics API. The numbers are 15 to 60 s old: each item has its own `timestamp` and `window`.

use serde_json::{Value, json};

use super::fault::{Author, Cause, Fault};
use super::get::say;
use super::list::{self, Listing, fit};
use super::wire::{Ask, Session};
use super::{Outcome, quantity, table};
use crate::action::kube::{Top, describe};
use crate::target::stream::Collector;

pub(super) async fn run(session: &Session<'_>, target: &Top, lines: &mut Collector) -> Result<Outcome, Fault> {
    let plural = match target.resource.as_str() {
        "pods" | "pod" | "po" => "pods",
        "nodes" | "node" | "no" => "nodes",
        other => return Err(Fault::refused(format!("`top {other}` is not possible; `pods` and `nodes` are"))),
    };
    let call = describe::top(target, session.namespace());
    let ask = Ask::new(format!("read what {plural} use"), format!("list {plural}.metrics.k8s.io"), call);
    let Listing { items, rest } = list::read(session, &ask).await.map_err(without_metrics)?;
    let uses: Vec<Value> = if plural == "pods" { items.iter().flat_map(pod).collect() } else { items.iter().map(node).collect() };
    let rows = std::iter::once(vec!["NAME".to_owned(), "CONTAINER".to_owned(), "CPU".to_owned(), "MEMORY".to_owned()]);
    let rows: Vec<Vec<String>> = rows.chain(uses.iter().map(row)).collect();
    say(lines, table::align(&rows)).await;
    let (out, cut_bytes) = fit(uses, rest);
    say(lines, rest.line()).await;
    Ok(Outcome { cut_bytes, ..Outcome::of(out) })
}

/// A plain 404 page and the API's own 404 both mean that nobody serves the group.
fn without_metrics(fault: Fault) -> Fault {
    let Cause::Answer(answer) = &fault.cause else { return fault };
    if answer.code == 404 && (answer.author == Author::Gateway || !answer.message.contains('"')) {
        return Fault::refused(
            "metrics-server isn't installed in this cluster: there is nothing to ask what pods use; ask Prometheus instead",
        );
    }
    fault
}

fn pod(item: &Value) -> Vec<Value> {
    let name = &item["metadata"]["name"];
    let of = |container: &Value| {
        let mut used = usage(&container["usage"], item);
        used["pod"] = name.clone();
        used["container"] = container["name"].clone();
        used
    };
    table::array(item, "/containers").iter().map(of).collect()
}

fn node(item: &Value) -> Value {
    let mut used = usage(&item["usage"], item);
    used["node"] = item["metadata"]["name"].clone();
    used
}

fn usage(usage: &Value, item: &Value) -> Value {
    json!({
        "cpu_cores": usage["cpu"].as_str().and_then(quantity::parse),
        "memory_bytes": usage["memory"].as_str().and_then(quantity::bytes),
        "timestamp": item["timestamp"],
        "window": item["window"],
    })
}

fn row(used: &Value) -> Vec<String> {
    let text = |key: &str| used[key].as_str().map(str::to_owned);
    let cpu = used["cpu_cores"].as_f64().map_or_else(|| "?".to_owned(), |cores| format!("{:.0}m", cores * 1000.0));
    let memory = used["memory_bytes"].as_i64().map_or_else(|| "?".to_owned(), |bytes| format!("{}Mi", bytes / (1024 * 1024)));
    vec![text("pod").or_else(|| text("node")).unwrap_or_default(), text("container").unwrap_or_else(|| "-".to_owned()), cpu, memory]
}

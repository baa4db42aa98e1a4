//! Two answers of the API, value by value.

use serde_json::Value;

/// Relative difference that two evaluations of the same floating point formula may have.
const TOLERANCE: f64 = 1e-9;

fn close(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let read = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("{text:?} is no value"));
    let (a, b) = (read(a), read(b));
    (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}

fn points(series: &Value) -> Vec<(Value, String)> {
    let list = match (&series["values"], &series["value"]) {
        (Value::Array(points), _) => points.clone(),
        (_, point @ Value::Array(_)) => vec![point.clone()],
        _ => panic!("no values: {series}"),
    };
    list.iter().map(|point| (point[0].clone(), point[1].as_str().expect("a value is a string").to_owned())).collect()
}

fn same_points(ours: &Value, theirs: &Value) -> Result<(), String> {
    let (ours, theirs) = (points(ours), points(theirs));
    if ours.len() != theirs.len() {
        return Err(format!("{} points, and there {}", ours.len(), theirs.len()));
    }
    for ((at, ours), (there, theirs)) in ours.iter().zip(&theirs) {
        if at.as_f64() != there.as_f64() || !close(ours, theirs) {
            return Err(format!("{ours} at {at}, and there {theirs} at {there}"));
        }
    }
    Ok(())
}

/// Whether the order of a vector is part of the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Free,
    Kept,
}

/// Bodies of `query` or `query_range` that succeeded, or failed alike.
pub fn same(ours: &Value, theirs: &Value, order: Order) -> Result<(), String> {
    if ours["status"] != theirs["status"] || ours["errorType"] != theirs["errorType"] {
        return Err(format!("{ours}\n  and there {theirs}"));
    }
    if ours["status"] == "error" {
        return Ok(());
    }
    let (ours, theirs) = (&ours["data"], &theirs["data"]);
    if ours["resultType"] != theirs["resultType"] {
        return Err(format!("{}, and there {}", ours["resultType"], theirs["resultType"]));
    }
    match ours["resultType"].as_str().unwrap() {
        "scalar" => same_points(&serde_json::json!({ "value": ours["result"] }), &serde_json::json!({ "value": theirs["result"] })),
        "string" if ours["result"] == theirs["result"] => Ok(()),
        "string" => Err(format!("{}, and there {}", ours["result"], theirs["result"])),
        _ => same_series(ours["result"].as_array().unwrap(), theirs["result"].as_array().unwrap(), order),
    }
}

fn same_series(ours: &[Value], theirs: &[Value], order: Order) -> Result<(), String> {
    let name = |series: &Value| series["metric"].to_string();
    let sorted = |list: &[Value]| {
        let mut list = list.to_vec();
        if order == Order::Free {
            list.sort_by_key(name);
        }
        list
    };
    let (ours, theirs) = (sorted(ours), sorted(theirs));
    let names = |list: &[Value]| list.iter().map(name).collect::<Vec<_>>();
    if names(&ours) != names(&theirs) {
        return Err(format!("series {:?}\n  and there {:?}", names(&ours), names(&theirs)));
    }
    for (ours, theirs) in ours.iter().zip(&theirs) {
        same_points(ours, theirs).map_err(|why| format!("{}: {why}", name(ours)))?;
    }
    Ok(())
}

//! Recorded answers of the Prometheus HTTP API over loopback: each becomes a value a condition can use, or one clear line.

use std::time::Duration;

use crate::loopback::{Server, Step};
use qrh::action::promql::Promql;
use qrh::action::{Ending, Report};
use qrh::target::http::Client;
use qrh::target::prometheus;
use qrh::target::stream::Conduct;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const JSON: &str = "content-type: application/json\r\n";

fn ask(server: &Server, query: &str, range: Option<&str>, step: Option<&str>) -> Promql {
    Promql { query: query.into(), server: Some(server.url("")), range: range.map(Into::into), step: step.map(Into::into) }
}

async fn query_within(promql: &Promql, timeout: Duration) -> Report {
    let (lines, _receiver) = mpsc::channel(1000);
    prometheus::query(&Client::new(), promql, &Conduct { lines, cancel: CancellationToken::new(), timeout }).await
}

async fn answered(status: &str, headers: &str, body: &str) -> Report {
    let server = Server::saying(status, headers, body).await;
    query_within(&ask(&server, "up", None, None), Duration::from_secs(60)).await
}

fn why(report: &Report) -> &str {
    match &report.ending {
        Ending::Failed(why) | Ending::Unreachable(why) | Ending::Unknown(why) | Ending::Voided(why) => why,
        Ending::Succeeded | Ending::Stopped => panic!("{report:?} has no reason"),
    }
}

#[tokio::test]
async fn a_vector_has_a_value_and_a_table() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"__name__":"up","job":"api"},"value":[1700000000.1,"0.07"]},{"metric":{"job":"db"},"value":[1700000000.1,"12"]}]}}"#;
    let report = answered("200 OK", JSON, body).await;
    assert_eq!((&report.ending, report.exit), (&Ending::Succeeded, Some(200)));
    assert_eq!((&report.out["type"], &report.out["value"], &report.out["count"]), (&json!("vector"), &json!(0.07), &json!(2)));
    assert_eq!(report.out["series"][1], json!({"labels": {"job": "db"}, "value": 12.0}));
    assert_eq!(report.tail, ["0.07000  up{job=\"api\"}", "     12  {job=\"db\"}"]);
}

#[tokio::test]
async fn a_range_asks_the_range_endpoint_and_gives_points() {
    let body = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[16,"3"]]}]}}"#;
    let server = Server::saying("200 OK", JSON, body).await;
    let report = query_within(&ask(&server, "rate(x[5m])", Some("30m"), None), Duration::from_secs(60)).await;
    assert_eq!(
        report.out,
        json!({"type": "matrix", "value": 3.0, "series": [{"labels": {}, "points": [[1.0, 1.0], [16.0, 3.0]]}], "count": 1})
    );
    assert_eq!(report.tail, ["1 → 3 (1 … 3, 2 points)"]);
    let request = server.requests().remove(0);
    assert!(request.starts_with("GET /api/v1/query_range?query=rate%28x%5B5m%5D%29&timeout=60000ms&start="), "{request}");
    assert!(request.contains("&step=15.000 HTTP/1.1"), "{request}");
}

#[tokio::test]
async fn too_fine_a_step_is_widened_and_said() {
    let body = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    let server = Server::saying("200 OK", JSON, body).await;
    let report = query_within(&ask(&server, "up", Some("2d"), Some("1s")), Duration::from_secs(60)).await;
    assert!(server.requests()[0].contains("&step=16.000 "), "{}", server.requests()[0]);
    assert!(report.tail.iter().any(|line| line.contains("11,000 points")));
}

#[tokio::test]
async fn no_data_and_nan_are_null_and_said() {
    let report = answered("200 OK", JSON, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#).await;
    assert_eq!((&report.ending, &report.out["value"], &report.out["count"]), (&Ending::Succeeded, &Value::Null, &json!(0)));
    assert_eq!(report.tail, ["no data: the query matched no series"]);
    for odd in ["NaN", "+Inf", "-Inf"] {
        let body = format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[1,"{odd}"]}}}}"#);
        let report = answered("200 OK", JSON, &body).await;
        assert_eq!(report.out["value"], Value::Null);
        assert!(report.tail.last().unwrap().contains("NaN or infinite"), "{:?}", report.tail);
    }
}

#[tokio::test]
async fn warnings_are_lines() {
    let body =
        r#"{"status":"success","warnings":["store down"],"infos":["not a counter"],"data":{"resultType":"scalar","result":[1,"2"]}}"#;
    assert_eq!(answered("200 OK", JSON, body).await.tail, ["2", "warning: store down", "info: not a counter"]);
}

#[tokio::test]
async fn the_apis_own_error_is_the_reason() {
    for status in ["400 Bad Request", "422 Unprocessable Entity", "503 Service Unavailable"] {
        let body = r#"{"status":"error","errorType":"bad_data","error":"1:4: parse error: unclosed left parenthesis"}"#;
        let report = answered(status, JSON, body).await;
        assert_eq!(why(&report), "Prometheus refused the query (bad_data): 1:4: parse error: unclosed left parenthesis");
        assert_eq!(report.out, Value::Null);
    }
}

#[tokio::test]
async fn what_is_not_prometheus_is_named() {
    let html = "content-type: text/html\r\n";
    for (status, headers, body, says) in [
        ("200 OK", html, "<!doctype html><title>Sign in</title>", "a web page, not the API: a login page, or the wrong address"),
        ("200 OK", "", "hello", "not JSON; is this a Prometheus server?: hello"),
        ("200 OK", JSON, r#"{"hello":1}"#, "is JSON, but not of the Prometheus API"),
        ("200 OK", JSON, r#"{"status":"success","data":{"resultType":"vector"}}"#, "not of the Prometheus API"),
        ("302 Found", "location: https://sso.example.com/?state=x\r\n", "", "probably a login"),
        ("401 Unauthorized", "", "", "it wants a login"),
        ("404 Not Found", "", "404 page not found", "no Prometheus API there"),
        ("502 Bad Gateway", html, "<html>nginx</html>", "HTTP 502"),
        ("500 Internal Server Error", "", "boom", "HTTP 500 from "),
    ] {
        let report = answered(status, headers, body).await;
        assert!(matches!(report.ending, Ending::Failed(_)), "{status}: {:?}", report.ending);
        assert!(why(&report).contains(says), "{status}: {}", why(&report));
        assert!(!why(&report).contains('<'), "no markup: {}", why(&report));
    }
}

#[tokio::test]
async fn a_truncated_answer_is_no_answer() {
    let bytes = format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 900\r\n\r\n{{\"status\":\"success\"").into_bytes();
    let server = Server::start(move |_| Step::Say(bytes.clone())).await;
    let report = query_within(&ask(&server, "up", None, None), Duration::from_secs(60)).await;
    assert!(why(&report).contains("is not whole: the connection was lost"), "{}", why(&report));
}

#[tokio::test]
async fn a_server_that_hangs_or_refuses_is_unreachable() {
    let server = Server::start(|_| Step::SayAndHang(Vec::new())).await;
    let report = query_within(&ask(&server, "up", None, None), Duration::from_millis(200)).await;
    assert!(matches!(report.ending, Ending::Unreachable(_)), "{:?}", report.ending);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = Promql { query: "up".into(), server: Some(format!("http://{}", listener.local_addr().unwrap())), range: None, step: None };
    drop(listener);
    let report = query_within(&nobody, Duration::from_secs(60)).await;
    assert!(why(&report).contains("connection refused"), "{}", why(&report));
}

#[tokio::test]
async fn a_mistake_in_the_range_is_found_before_anything_is_sent() {
    let server = Server::saying("200 OK", JSON, "{}").await;
    let report = query_within(&ask(&server, "up", Some("soon"), None), Duration::from_secs(60)).await;
    assert!(why(&report).contains("`range` is `soon`"), "{}", why(&report));
    assert!(server.requests().is_empty());
}

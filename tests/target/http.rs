//! Real requests to a loopback server: every ending `target::http` and `target::announce` promise.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::loopback::{Server, Step, answer};
use qrh::action::announce::Announce;
use qrh::action::http::{Http, Method};
use qrh::action::{Ending, Report};
use qrh::target::announce;
use qrh::target::http::Client;
use qrh::target::stream::{Conduct, Line};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);

fn conduct(timeout: Duration) -> (Conduct, mpsc::Receiver<Line>) {
    let (lines, receiver) = mpsc::channel(10_000);
    (Conduct { lines, cancel: CancellationToken::new(), timeout }, receiver)
}

fn get(url: String) -> Http {
    Http { url, method: Method::Get, headers: BTreeMap::new(), body: None }
}

fn post(url: String) -> Http {
    Http { method: Method::Post, body: Some(json!({"on": false})), ..get(url) }
}

async fn send(http: Http) -> Report {
    send_within(http, LONG).await
}

async fn send_within(http: Http, timeout: Duration) -> Report {
    Client::new().send(&http, &conduct(timeout).0).await
}

fn why(report: &Report) -> &str {
    match &report.ending {
        Ending::Failed(why) | Ending::Unreachable(why) | Ending::Unknown(why) | Ending::Voided(why) => why,
        Ending::Succeeded | Ending::Stopped => panic!("{report:?} has no reason"),
    }
}

fn everything(report: &Report) -> String {
    serde_json::to_string(report).unwrap()
}

#[tokio::test]
async fn json_is_parsed_and_shown_readable() {
    let server = Server::saying("200 OK", "content-type: application/json\r\n", r#"{"status":"ok","lag":0.02}"#).await;
    let report = send(get(server.url("/livez?x=1"))).await;
    assert_eq!((&report.ending, report.exit), (&Ending::Succeeded, Some(200)));
    assert_eq!(report.out, json!({"status": "ok", "lag": 0.02}));
    assert_eq!(report.tail[..4], ["{", "  \"status\": \"ok\",", "  \"lag\": 0.02", "}"]);
    assert!(report.tail.last().unwrap().starts_with("HTTP 200 OK, application/json, 26 bytes in "));
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /livez?x=1 HTTP/1.1\r\n"));
    assert!(requests[0].contains("user-agent: qrh/"));
}

#[tokio::test]
async fn text_stays_text_and_a_bare_json_number_is_a_number() {
    let server = Server::saying("200 OK", "content-type: text/plain\r\n", "up 1\ndown 0\n").await;
    assert_eq!(send(get(server.url("/"))).await.out, "up 1\ndown 0");
    let server = Server::saying("200 OK", "content-type: application/json; charset=utf-8\r\n", "42").await;
    assert_eq!(send(get(server.url("/"))).await.out, 42);
}

#[tokio::test]
async fn json_that_is_none_stays_text_and_is_said() {
    let server = Server::saying("200 OK", "content-type: application/json\r\n", "{\"a\": ").await;
    let report = send(get(server.url("/"))).await;
    assert_eq!((&report.ending, &report.out), (&Ending::Succeeded, &json!("{\"a\": ")));
    assert!(report.tail.iter().any(|line| line.starts_with("qrh: the answer calls itself JSON and is not: EOF")), "{:?}", report.tail);
}

#[tokio::test]
async fn a_change_sends_its_body_once_as_json() {
    let server = Server::saying("204 No Content", "", "").await;
    let report = send(post(server.url("/flags"))).await;
    assert_eq!((report.ending, report.exit), (Ending::Succeeded, Some(204)));
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].contains("content-type: application/json\r\n"));
    assert!(requests[0].ends_with("\r\n\r\n{\"on\":false}"));
}

#[tokio::test]
async fn the_status_and_the_first_line_are_the_reason() {
    let server = Server::saying("503 Service Unavailable", "", "\n  draining\nsecond\n").await;
    let report = send(get(server.url("/readyz"))).await;
    assert_eq!(report.ending, Ending::Failed(format!("HTTP 503 from {}: draining", server.url("/readyz"))));
    assert_eq!((report.exit, &report.out), (Some(503), &json!("\n  draining\nsecond")));
}

#[tokio::test]
async fn retry_after_is_shown() {
    let server = Server::saying("429 Too Many Requests", "retry-after: 30\r\n", "slow down").await;
    let report = send(get(server.url("/"))).await;
    assert!(why(&report).ends_with(": slow down (retry after 30 s)"), "{}", why(&report));
    assert!(report.tail.last().unwrap().contains("retry-after: 30"));
}

#[tokio::test]
async fn a_gateway_that_gave_up_on_a_change_leaves_it_unknown() {
    for status in ["502 Bad Gateway", "504 Gateway Timeout"] {
        let server = Server::saying(status, "", "upstream").await;
        assert!(matches!(send(post(server.url("/"))).await.ending, Ending::Unknown(_)), "{status}");
        assert!(matches!(send(get(server.url("/"))).await.ending, Ending::Failed(_)), "{status}");
    }
    let server = Server::saying("500 Internal Server Error", "", "no").await;
    assert!(matches!(send(post(server.url("/"))).await.ending, Ending::Failed(_)));
}

#[tokio::test]
async fn a_read_follows_redirects_on_its_own_host_only() {
    let server = Server::start(|request| {
        if request.starts_with("GET /old") {
            Step::Say(answer("302 Found", "location: /new\r\n", b""))
        } else {
            Step::Say(answer("200 OK", "", b"here"))
        }
    })
    .await;
    assert_eq!(send(get(server.url("/old"))).await.out, "here");

    let elsewhere = Server::saying("200 OK", "", "stolen").await;
    let location = format!("location: {}?token=abc\r\n", elsewhere.url("/login"));
    let server = Server::saying("302 Found", &location, "").await;
    let secret = Http { headers: [("Authorization".to_owned(), "Bearer hunter22".to_owned())].into(), ..get(server.url("/")) };
    let report = send(secret).await;
    assert!(why(&report).contains("redirects to http://127.0.0.1:"), "{}", why(&report));
    assert!(why(&report).contains("token=‹hidden›, not followed"), "{}", why(&report));
    assert!(elsewhere.requests().is_empty(), "nothing goes to the other place");
}

#[tokio::test]
async fn a_redirect_in_a_circle_ends() {
    let server = Server::saying("302 Found", "location: /again\r\n", "").await;
    let report = send(get(server.url("/"))).await;
    assert!(why(&report).starts_with("HTTP 302"), "{}", why(&report));
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn a_change_follows_no_redirect() {
    for (status, unknown) in
        [("302 Found", true), ("303 See Other", true), ("307 Temporary Redirect", false), ("308 Permanent Redirect", false)]
    {
        let server = Server::saying(status, "location: /new\r\n", "").await;
        let report = send(post(server.url("/"))).await;
        assert_eq!(matches!(report.ending, Ending::Unknown(_)), unknown, "{status}: {:?}", report.ending);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn refused_is_unreachable_for_reads_and_changes() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for http in [get(url.clone()), post(url.clone())] {
        let report = send(http).await;
        assert_eq!(report.ending, Ending::Unreachable(format!("connection refused by {url}: nothing listens there")));
        assert_eq!((report.exit, report.out), (None, Value::Null));
    }
}

#[tokio::test]
async fn an_unknown_name_is_unreachable() {
    let report = send(get("http://qrh-test.invalid/".to_owned())).await;
    assert!(matches!(report.ending, Ending::Unreachable(_)), "{:?}", report.ending);
    assert!(why(&report).starts_with("the host name of http://qrh-test.invalid/ can't be resolved"), "{}", why(&report));
}

#[tokio::test]
async fn tls_to_a_plain_port_says_so() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    for http in [get(format!("https://127.0.0.1:{port}/")), post(format!("https://127.0.0.1:{port}/"))] {
        let report = send(http).await;
        assert!(matches!(report.ending, Ending::Unreachable(_)), "no TLS means nothing was sent: {:?}", report.ending);
        assert!(why(&report).contains("is it http, not https?"), "{}", why(&report));
    }
}

#[tokio::test]
async fn a_server_that_hangs_leaves_a_change_unknown() {
    let server = Server::start(|_| Step::SayAndHang(Vec::new())).await;
    let read = send_within(get(server.url("/")), SHORT).await;
    assert_eq!(read.ending, Ending::Unreachable(format!("no answer from {} within 0.3 s", server.url("/"))));
    let change = send_within(post(server.url("/")), SHORT).await;
    assert_eq!(change.ending, Ending::Unknown(format!("no answer from {} within 0.3 s; it may have been done", server.url("/"))));
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_not_sent_again() {
    let server = Server::start(|_| Step::Close).await;
    assert!(matches!(send(get(server.url("/"))).await.ending, Ending::Unreachable(_)));
    assert_eq!(server.requests().len(), 1);
    let report = send(post(server.url("/"))).await;
    assert!(matches!(report.ending, Ending::Unknown(_)), "{:?}", report.ending);
    assert_eq!(server.requests().len(), 2, "a change is sent once");
}

#[tokio::test]
async fn cancel_ends_it_and_a_sent_change_is_unknown() {
    let server = Server::start(|_| Step::SayAndHang(Vec::new())).await;
    for (http, stopped) in [(get(server.url("/")), true), (post(server.url("/")), false)] {
        let (conduct, _lines) = conduct(LONG);
        let cancel = conduct.cancel.clone();
        let task = tokio::spawn(async move { Client::new().send(&http, &conduct).await });
        server.arrived.acquire().await.unwrap().forget();
        cancel.cancel();
        let ending = task.await.unwrap().ending;
        assert_eq!(matches!(ending, Ending::Stopped), stopped, "{ending:?}");
        assert_eq!(matches!(ending, Ending::Unknown(_)), !stopped, "{ending:?}");
    }
    let (conduct, _lines) = conduct(LONG);
    conduct.cancel.cancel();
    assert_eq!(Client::new().send(&post(server.url("/")), &conduct).await.ending, Ending::Stopped);
    assert_eq!(server.requests().len(), 2, "cancelled before, it is not sent");
}

#[tokio::test]
async fn a_body_without_end_is_cut_at_the_timeout() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let server = Server::start(move |_| Step::SayAndHang([head.clone(), b"5\r\nhello\r\n".to_vec()].concat())).await;
    let report = send_within(get(server.url("/")), SHORT).await;
    assert!(why(&report).contains("the body was not whole after 0.3 s (5 bytes came)"), "{}", why(&report));
    assert_eq!((report.exit, &report.out), (Some(200), &json!("hello")));
    let report = send_within(post(server.url("/")), SHORT).await;
    assert!(matches!(report.ending, Ending::Unknown(_)), "{:?}", report.ending);
}

#[tokio::test]
async fn an_endless_fast_body_is_bounded_and_counted() {
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let server = Server::start(move |_| Step::SayForEver(head.clone(), chunk.clone())).await;
    let report = send(get(server.url("/"))).await;
    assert_eq!((&report.ending, &report.out), (&Ending::Succeeded, &Value::Null));
    assert!(report.cut_bytes >= 63 * 1024 * 1024, "{}", report.cut_bytes);
    assert!(report.tail.last().unwrap().contains("of them not kept"));
}

#[tokio::test]
async fn a_body_shorter_than_it_says_is_a_lost_connection() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_vec();
    let server = Server::start(move |_| Step::Say(bytes.clone())).await;
    let report = send(get(server.url("/"))).await;
    assert!(matches!(report.ending, Ending::Failed(_)), "{:?}", report.ending);
    assert!(why(&report).contains("the connection was lost before the body was whole (5 bytes came)"), "{}", why(&report));
    assert!(matches!(send(post(server.url("/"))).await.ending, Ending::Unknown(_)));
}

#[tokio::test]
async fn what_is_not_http_is_one_clear_line() {
    let server = Server::start(|_| Step::Say(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    let report = send(get(server.url("/"))).await;
    assert!(why(&report).starts_with(&format!("no HTTP answer from {}: ", server.url("/"))), "{}", why(&report));
}

#[tokio::test]
async fn a_secret_header_is_nowhere_even_if_the_server_echoes_it() {
    let server = Server::start(|request| Step::Say(answer("403 Forbidden", "set-cookie: sid=s3cr3tcookie\r\n", request.as_bytes()))).await;
    let url = server.url("/").replace("http://", "http://me:passw0rd@");
    let http = Http {
        headers: [("X-Api-Key".to_owned(), "k-4711-abc".to_owned()), ("Authorization".to_owned(), "Bearer hunter22".to_owned())].into(),
        ..get(url)
    };
    let report = send(http.clone()).await;
    assert!(server.requests()[0].contains("k-4711-abc"), "the server did get it");
    let shown = everything(&report) + &serde_json::to_string(&http.describe()).unwrap();
    for secret in ["k-4711-abc", "hunter22", "s3cr3tcookie", "passw0rd"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn a_secret_in_a_json_answer_is_neither_shown_nor_kept() {
    let body = r#"{"name":"DB_PASSWORD","value":"hunter22","nested":{"kind":"Secret","data":{"x":"aHVudGVyMjI="}}}"#;
    let server = Server::saying("200 OK", "content-type: application/json\r\n", body).await;
    let (conduct, mut lines) = conduct(LONG);
    let report = Client::new().send(&get(server.url("/")), &conduct).await;
    drop(conduct);
    let mut shown = everything(&report);
    while let Some(line) = lines.recv().await {
        shown.push_str(&line.text);
    }
    assert!(!shown.contains("hunter22") && !shown.contains("aHVudGVyMjI="), "{shown}");
}

#[tokio::test]
async fn headers_are_the_answer_of_a_head() {
    let server =
        Server::start(|_| Step::Say(b"HTTP/1.1 200 OK\r\nx-version: 7\r\nset-cookie: sid=1\r\nconnection: close\r\n\r\n".to_vec())).await;
    let report = send(Http { method: Method::Head, ..get(server.url("/")) }).await;
    assert_eq!((&report.ending, &report.out), (&Ending::Succeeded, &json!("")));
    assert!(report.tail.contains(&"x-version: 7".to_owned()));
    assert!(report.tail.contains(&"set-cookie: ‹hidden›".to_owned()));
}

#[tokio::test]
async fn a_request_that_cannot_be_made_says_why() {
    for (http, says) in [
        (get("localhost:3000/x".to_owned()), "neither http nor https"),
        (get("not an address".to_owned()), "is not an address"),
        (get("file:///etc/passwd".to_owned()), "neither http nor https"),
        (Http { headers: [("bad name".to_owned(), "x".to_owned())].into(), ..get("http://h/".to_owned()) }, "`bad name` is no name"),
        (
            Http { headers: [("X-Key".to_owned(), "hunter\n2".to_owned())].into(), ..get("http://h/".to_owned()) },
            "the value of header `X-Key`",
        ),
    ] {
        let report = send(http).await;
        assert!(matches!(report.ending, Ending::Failed(_)));
        assert!(why(&report).contains(says) && !why(&report).contains("hunter"), "{}", why(&report));
    }
}

/// The client reads the proxy from the environment when it is made, so this runs in a process of its own that has one set.
#[tokio::test]
async fn loopback_never_goes_to_a_proxy() {
    const PROXY: &str = "QRH_TEST_PROXY";
    let Ok(proxy) = std::env::var(PROXY) else {
        let proxy = Server::saying("418 I'm a teapot", "", "the proxy").await;
        let this = std::env::current_exe().unwrap();
        let output = tokio::process::Command::new(this)
            .args(["--exact", "http::loopback_never_goes_to_a_proxy", "--nocapture"])
            .env(PROXY, proxy.url("/"))
            .env("HTTP_PROXY", proxy.url("/"))
            .env("http_proxy", proxy.url("/"))
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(proxy.requests().len(), 1, "only the request to the outside");
        return;
    };
    let server = Server::saying("200 OK", "", "direct").await;
    assert_eq!(send(get(server.url("/"))).await.out, "direct");
    let outside = send(get("http://qrh-test.invalid/".to_owned())).await;
    assert_eq!((outside.exit, &outside.out), (Some(418), &json!("the proxy")), "{proxy}");
}

#[tokio::test]
async fn a_webhook_gets_the_text_and_its_address_stays_secret() {
    let server = Server::saying("200 OK", "", "ok").await;
    let announce = Announce { message: "api is \"down\"\nsince 10:02".into(), webhook: Some(server.url("/T0/XyZ")) };
    let report = announce::send(&Client::new(), &announce, &conduct(LONG).0).await;
    assert_eq!((&report.ending, &report.out), (&Ending::Succeeded, &json!("ok")));
    assert!(server.requests()[0].ends_with(r#"{"text":"api is \"down\"\nsince 10:02"}"#));

    let refused = Server::saying("404 Not Found", "", "no_team").await;
    let announce = Announce { webhook: Some(refused.url("/T0/XyZ")), ..announce };
    let report = announce::send(&Client::new(), &announce, &conduct(LONG).0).await;
    assert!(why(&report).ends_with("/‹hidden›: no_team"), "{}", why(&report));

    let hanging = Server::start(|_| Step::SayAndHang(Vec::new())).await;
    let announce = Announce { webhook: Some(hanging.url("/T0/XyZ")), ..announce };
    let report = announce::send(&Client::new(), &announce, &conduct(SHORT).0).await;
    assert!(matches!(report.ending, Ending::Unknown(_)) && !everything(&report).contains("XyZ"), "{report:?}");
}

#[tokio::test]
async fn the_clipboard_gets_the_message_back_whole() {
    let announce = Announce { message: "one\ntwo".into(), webhook: None };
    let report = announce::send(&Client::new(), &announce, &conduct(LONG).0).await;
    assert_eq!((&report.ending, &report.out, report.lines), (&Ending::Succeeded, &json!("one\ntwo"), 2));
}

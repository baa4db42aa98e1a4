//! Node's inspector in the pods: opened, talked to and closed over the path a responder has, exec and port-forward; and its answers held
//! to the shapes of a real Node's.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use qrh::drill::world::baseline::stepped;
use qrh::drill::world::{self, Kind, Options, Running};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::ground::tool;
use crate::remedy::fault;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}
type Stream = Box<dyn Wire>;

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} took too long"))
}

/// One pod of the world, and the API to it.
struct Patient {
    world: Running,
    pods: Api<Pod>,
    name: String,
}

impl Patient {
    async fn of(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = world::start(options).await.unwrap();
        let config = KubeConfigOptions { context: Some("world".to_owned()), ..KubeConfigOptions::default() };
        let mut config = Config::from_custom_kubeconfig(Kubeconfig::from_yaml(world.kubeconfig()).unwrap(), &config).await.unwrap();
        config.proxy_url = None;
        let pods = Api::namespaced(Client::try_from(config).unwrap(), "shop");
        let name = checkout(&world);
        Self { world, pods, name }
    }

    async fn exec(&self, line: &[&str]) -> (String, bool) {
        let mut run = in_time("exec", self.pods.exec(&self.name, line.to_vec(), &kube::api::AttachParams::default())).await.unwrap();
        let mut said = String::new();
        let (mut out, mut err) = (run.stdout().unwrap(), run.stderr().unwrap());
        out.read_to_string(&mut said).await.unwrap();
        err.read_to_string(&mut said).await.unwrap();
        let status = run.take_status().unwrap().await.unwrap();
        (said, status.status.as_deref() == Some("Success"))
    }

    /// A connection to port 9229 of the pod; None: it was refused.
    async fn connect(&self, port: u16) -> Option<Stream> {
        let mut forward = in_time("port-forward", self.pods.portforward(&self.name, &[port])).await.unwrap();
        let refused = forward.take_error(port).unwrap();
        let mut stream = forward.take_stream(port).unwrap();
        tokio::spawn(async move { forward.join().await });
        // What is refused is said before anything else.
        stream.write_all(b"GET /json/version HTTP/1.1\r\nHost: 127.0.0.1:9229\r\n\r\n").await.ok();
        tokio::select! {
            refused = refused => { assert!(refused.is_none_or(|said| said.contains("connection refused"))); None }
            read = read_answer(&mut stream) => (!read.is_empty()).then(|| Box::new(stream) as Stream),
        }
    }

    async fn get(&self, path: &str) -> String {
        http(&mut self.connect(9229).await.expect("it listens"), path).await
    }

    async fn target(&self) -> Value {
        target(&self.get("/json/list").await)
    }

    async fn debug(&self) -> Debugger {
        let id = self.target().await["id"].as_str().unwrap().to_owned();
        Debugger::of(self.connect(9229).await.expect("it listens"), &id).await
    }

    async fn open(&self) -> Debugger {
        assert_eq!(self.exec(&["kill", "-USR1", "1"]).await, (String::new(), true));
        self.debug().await
    }
}

fn checkout(world: &Running) -> String {
    world.look(|state| {
        let mut pods = state.store.list(Kind::Pod, "shop").filter(|pod| pod.id.name.starts_with("checkout") && !pod.deleting);
        pods.next().unwrap().id.name.clone()
    })
}

/// An HTTP answer, by its length, or to the end of the connection.
async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = String::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let length =
            all.to_ascii_lowercase().split_once("content-length: ").map(|(_, rest)| rest.lines().next().unwrap().parse::<usize>().unwrap());
        if let (Some(length), Some((_, body))) = (length, all.split_once("\r\n\r\n"))
            && body.len() >= length
        {
            return all;
        }
        match in_time("an answer", stream.read(&mut buffer)).await {
            Ok(read) if read > 0 => all.push_str(&String::from_utf8_lossy(&buffer[..read])),
            _ => return all,
        }
    }
}

async fn http(stream: &mut Stream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:9229\r\n\r\n").as_bytes()).await.unwrap();
    read_answer(stream).await
}

fn target(answer: &str) -> Value {
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    serde_json::from_str::<Value>(body).unwrap()[0].take()
}

struct Debugger {
    socket: WebSocketStream<Stream>,
    last: i64,
}

impl Debugger {
    async fn of(stream: Stream, id: &str) -> Self {
        let upgrade = tokio_tungstenite::client_async(format!("ws://127.0.0.1:9229/{id}"), stream);
        Self { socket: in_time("the upgrade", upgrade).await.unwrap().0, last: 0 }
    }

    async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next message; None: the connection was closed.
    async fn next(&mut self) -> Option<Value> {
        match in_time("a message", self.socket.next()).await {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
            _ => None,
        }
    }

    async fn send(&mut self, method: &str, params: &Value) -> i64 {
        self.last += 1;
        self.say(&json!({ "id": self.last, "method": method, "params": params }).to_string()).await;
        self.last
    }

    /// The answer, and the notifications before it.
    async fn ask_all(&mut self, method: &str, params: &Value) -> Vec<Value> {
        let id = self.send(method, params).await;
        let mut all = Vec::new();
        loop {
            let message = self.next().await.unwrap_or_else(|| panic!("{method}: the connection was closed"));
            let last = message.get("id").is_some_and(|answered| *answered == id);
            all.push(message);
            if last {
                return all;
            }
        }
    }

    async fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.ask_all(method, params).await.pop().unwrap()
    }

    async fn value(&mut self, expression: &str) -> Value {
        let answer = self.ask("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true })).await;
        assert!(answer["result"].get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["result"]["value"].clone()
    }
}

/// Milliseconds on top of each other: the profile of `seconds` of the world's time.
async fn profiled(patient: &Patient, debugger: &mut Debugger, seconds: u64) -> Value {
    for (method, params) in
        [("Profiler.enable", json!({})), ("Profiler.setSamplingInterval", json!({ "interval": 1000 })), ("Profiler.start", json!({}))]
    {
        assert_eq!(debugger.ask(method, &params).await["result"], json!({}), "{method}");
    }
    patient.world.advance(Duration::from_secs(seconds));
    let mut answer = debugger.ask("Profiler.stop", &json!({})).await;
    assert_eq!(debugger.ask("Profiler.disable", &json!({})).await["result"], json!({}));
    answer["result"]["profile"].take()
}

/// Shares of the non-idle samples by what `of` makes of each stack, root first; a stack counts once for each of its names.
fn shares(profile: &Value, of: impl Fn(&[&Value]) -> Vec<String>) -> BTreeMap<String, f64> {
    let nodes: BTreeMap<u64, &Value> =
        profile["nodes"].as_array().unwrap().iter().map(|node| (node["id"].as_u64().unwrap(), node)).collect();
    let mut parents = BTreeMap::new();
    for (id, node) in &nodes {
        for child in node["children"].as_array().into_iter().flatten() {
            assert!(parents.insert(child.as_u64().unwrap(), *id).is_none(), "a node has one parent");
        }
    }
    let (mut busy, mut counted) = (0.0, BTreeMap::new());
    for sample in profile["samples"].as_array().unwrap() {
        let mut here = sample.as_u64().unwrap();
        let mut stack = vec![nodes[&here]];
        while let Some(parent) = parents.get(&here) {
            here = *parent;
            stack.insert(0, nodes[&here]);
        }
        if stack.last().unwrap()["callFrame"]["functionName"] == "(idle)" {
            continue;
        }
        busy += 1.0;
        let mut names = of(&stack);
        names.dedup();
        names.into_iter().for_each(|name| *counted.entry(name).or_insert(0.0) += 1.0);
    }
    counted.values_mut().for_each(|count| *count /= busy);
    counted
}

fn own(profile: &Value) -> BTreeMap<String, f64> {
    shares(profile, |stack| vec![stack.last().unwrap()["callFrame"]["functionName"].as_str().unwrap().to_owned()])
}

fn by_url(profile: &Value) -> BTreeMap<String, f64> {
    shares(profile, |stack| stack.iter().map(|node| node["callFrame"]["url"].as_str().unwrap().to_owned()).collect())
}

/// V8's own rules of a profile, which its viewers rely on.
fn check(profile: &Value) {
    let all = |name: &str| profile[name].as_array().unwrap().iter().map(|value| value.as_u64().unwrap()).collect::<Vec<_>>();
    let (samples, deltas) = (all("samples"), all("timeDeltas"));
    assert_eq!(samples.len(), deltas.len());
    let span = profile["endTime"].as_u64().unwrap() - profile["startTime"].as_u64().unwrap();
    assert!(deltas.iter().sum::<u64>() <= span, "samples lie within the profile");
    let hits: u64 = profile["nodes"].as_array().unwrap().iter().map(|node| node["hitCount"].as_u64().unwrap()).sum();
    assert_eq!(hits, samples.len() as u64);
    for node in profile["nodes"].as_array().unwrap() {
        let ticks: u64 = node["positionTicks"].as_array().into_iter().flatten().map(|tick| tick["ticks"].as_u64().unwrap()).sum();
        assert!(node.get("positionTicks").is_none() || ticks == node["hitCount"].as_u64().unwrap(), "{node}");
    }
}

#[tokio::test]
async fn it_is_opened_by_a_signal_used_and_closed_without_a_trace() {
    let patient = Patient::of(Options::default()).await;
    assert!(patient.connect(9229).await.is_none(), "closed at first");
    let status = patient.exec(&["cat", "/proc/1/status"]).await.0;
    assert!(status.contains("SigCgt:\t0000000100004602"), "the signal would be caught: {status}");
    let mut debugger = patient.open().await;
    let first = patient.target().await;
    assert!(patient.exec(&["cat", "/proc/net/tcp"]).await.0.contains("0100007F:240D 00000000:0000 0A"));
    assert_eq!(debugger.value("process.pid").await, 1);
    assert_eq!(
        debugger.value("process.getBuiltinModule('inspector').url()").await,
        format!("ws://127.0.0.1:9229/{}", first["id"].as_str().unwrap())
    );
    assert!(patient.pods.logs(&patient.name, &kube::api::LogParams::default()).await.unwrap().contains("Debugger attached."));
    // A real Node can't send the timer, and closes all the same.
    let close = json!({ "expression": "setTimeout(()=>process.getBuiltinModule('inspector').close(),100)", "returnByValue": true });
    assert_eq!(debugger.ask("Runtime.evaluate", &close).await["error"]["message"], "Object reference chain is too long");
    assert!(debugger.next().await.is_none(), "closing ends the sessions");
    assert!(patient.connect(9229).await.is_none(), "the listener is gone");
    assert!(!patient.exec(&["cat", "/proc/net/tcp"]).await.0.contains(":240D"));
    assert!(http(&mut patient_service(&patient).await, "/healthz").await.contains("200 OK"), "the app answers on");
    assert!(patient.exec(&["node", "-e", "process.kill(1, 'SIGUSR1')"]).await.1, "an image without kill");
    assert_ne!(patient.target().await["id"], first["id"], "opened again it is another");
    patient.world.stop().await;
}

async fn patient_service(patient: &Patient) -> Stream {
    let mut forward = in_time("port-forward", patient.pods.portforward(&patient.name, &[3000])).await.unwrap();
    let stream = forward.take_stream(3000).unwrap();
    tokio::spawn(async move { forward.join().await });
    Box::new(stream)
}

#[tokio::test]
async fn only_addresses_and_the_right_id_are_let_in() {
    let patient = Patient::of(Options::default()).await;
    patient.open().await;
    let mut stream = patient.connect(9229).await.unwrap();
    stream.write_all(b"GET /json/list HTTP/1.1\r\nHost: evil.example\r\n\r\n").await.unwrap();
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.0 400 Bad Request"));
    let stream = patient.connect(9229).await.unwrap();
    assert!(tokio_tungstenite::client_async("ws://127.0.0.1:9229/not-the-id", stream).await.is_err());
    assert!(patient.get("/json/protocol").await.contains("not simulated"));
    let mut flood = patient.connect(9229).await.unwrap();
    let _ = flood.write_all(&vec![b'x'; 64 * 1024]).await;
    assert_eq!(read_answer(&mut flood).await, "", "a head without end is dropped");
    patient.world.stop().await;
}

#[tokio::test]
async fn a_profile_names_the_fault() {
    // The fault, whose self or url, and the least share of the busy time.
    let cases = [
        ("sync-json", "serializeRows", "file:///app/lib/routes/report.js", 0.85, Some(18)),
        ("sync-regex", "matchEmail", "file:///app/lib/routes/search.js", 0.85, Some(12)),
        ("compression", "processChunkSync", "node:zlib", 0.7, None),
        ("logger", "session", "file:///app/node_modules/pino/lib/tools.js", 0.5, Some(27)),
        ("gc-churn", "(garbage collector)", "", 0.2, None),
        ("retry-loop", "dispatch", "file:///app/lib/retry.js", 0.4, None),
    ];
    for (kind, function, url, least, line) in cases {
        let patient = Patient::of(Options { faults: vec![("f".to_owned(), fault(kind, &json!({})))], ..stepped(3) }).await;
        patient.world.advance(Duration::from_secs(120));
        let mut debugger = patient.open().await;
        let profile = profiled(&patient, &mut debugger, 10).await;
        check(&profile);
        let samples = profile["samples"].as_array().unwrap().len();
        assert!((8_500..10_000).contains(&samples), "{kind}: {samples} samples of a millisecond in ten seconds");
        let (own, by_url) = (own(&profile), by_url(&profile));
        assert!(own[function] >= least, "{kind}: {own:?}");
        assert!(by_url[url] >= least, "{kind}: {by_url:?}");
        let hottest = profile["nodes"].as_array().unwrap().iter().find(|node| node["callFrame"]["functionName"] == function).unwrap();
        if let Some(line) = line {
            let ticks = hottest["positionTicks"].as_array().unwrap();
            assert!(ticks.iter().any(|tick| tick["line"] == line), "{kind}: the line that a search of its code finds: {ticks:?}");
        }
        patient.world.stop().await;
    }
}

#[tokio::test]
async fn work_in_the_pool_leaves_the_main_thread_idle_and_profiles_repeat() {
    let mut profiles = Vec::new();
    for _ in 0..2 {
        let patient = Patient::of(Options { faults: vec![("f".to_owned(), fault("crypto-burst", &json!({})))], ..stepped(3) }).await;
        patient.world.advance(Duration::from_secs(120));
        let mut debugger = patient.open().await;
        let mut profile = profiled(&patient, &mut debugger, 10).await;
        check(&profile);
        let idle = profile["nodes"].as_array().unwrap().iter().find(|node| node["callFrame"]["functionName"] == "(idle)").unwrap();
        let share = idle["hitCount"].as_f64().unwrap() / profile["samples"].as_array().unwrap().len() as f64;
        assert!(share > 0.85, "{share}");
        assert!(by_url(&profile).contains_key("file:///app/lib/sign.js"), "and yet it is seen who hands the work over");
        let (start, end) = (profile["startTime"].take().as_u64().unwrap(), profile["endTime"].take().as_u64().unwrap());
        profiles.push((end - start, profile));
        patient.world.stop().await;
    }
    assert_eq!(profiles[0], profiles[1], "the same seed and script give the same profile");
}

#[tokio::test]
async fn memory_is_the_plants_and_heap_sampling_names_the_leak() {
    let leak = fault("heap-leak", &json!({ "mib_per_minute": 60 }));
    let patient = Patient::of(Options { faults: vec![("f".to_owned(), leak)], ..stepped(5) }).await;
    let mut debugger = patient.open().await;
    let before = debugger.value("process.memoryUsage()").await;
    assert_eq!(debugger.ask("HeapProfiler.startSampling", &json!({ "samplingInterval": 32768 })).await["result"], json!({}));
    patient.world.advance(Duration::from_secs(120));
    let after = debugger.value("process.memoryUsage()").await;
    let grown = (after["heapUsed"].as_f64().unwrap() - before["heapUsed"].as_f64().unwrap()) / 1_048_576.0;
    assert!((80.0..160.0).contains(&grown), "{grown} MiB in two minutes");
    let limit = debugger.value("process.getBuiltinModule('v8').getHeapStatistics()").await["heap_size_limit"].as_u64().unwrap();
    assert_eq!(limit, (768 + 192) * 1_048_576, "the cap of its NODE_OPTIONS, and Node 24's young generation");
    let sampled = debugger.ask("HeapProfiler.stopSampling", &json!({})).await;
    let mut largest = (0, String::new());
    let mut open = vec![&sampled["result"]["profile"]["head"]];
    while let Some(node) = open.pop() {
        let own = (node["selfSize"].as_u64().unwrap(), node["callFrame"]["functionName"].as_str().unwrap().to_owned());
        let ours: u64 = sampled["result"]["profile"]["samples"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|sample| sample["nodeId"] == node["id"])
            .map(|sample| sample["size"].as_u64().unwrap())
            .sum();
        assert_eq!(own.0, ours, "the samples of {} add up", own.1);
        largest = largest.max(own);
        open.extend(node["children"].as_array().unwrap());
    }
    assert_eq!(largest.1, "remember");
    assert!(
        debugger.ask("HeapProfiler.takeHeapSnapshot", &json!({})).await["error"]["message"].as_str().unwrap().starts_with("not simulated")
    );
    patient.world.stop().await;
}

#[tokio::test]
async fn a_blocked_loop_is_profiled_and_keeps_its_promises_to_itself() {
    let fault = fault("sync-json", &json!({ "block_ms": 3000 }));
    let patient = Patient::of(Options { faults: vec![("f".to_owned(), fault)], ..stepped(3) }).await;
    patient.world.advance(Duration::from_secs(60));
    let mut debugger = patient.open().await;
    let promised =
        debugger.send("Runtime.evaluate", &json!({ "expression": "process.pid", "returnByValue": true, "awaitPromise": true })).await;
    let elu = debugger.value("globalThis.before = performance.eventLoopUtilization()").await;
    assert!(elu["utilization"].is_number());
    let profile = profiled(&patient, &mut debugger, 5).await;
    assert!(own(&profile)["serializeRows"] > 0.9);
    let during = debugger.value("performance.eventLoopUtilization(before)").await;
    assert!(during["utilization"].as_f64().unwrap() > 0.95, "{during}");
    // Everything but the promise was answered. It is answered when the loop is free.
    let flag = format!("{}/flags/report-details", patient.world.service_url("checkout").unwrap());
    crate::ground::put_json(&flag, &json!({ "enabled": false })).await;
    patient.world.advance(Duration::from_secs(20));
    assert_eq!(debugger.next().await.unwrap()["id"], promised);
    patient.world.stop().await;
}

#[tokio::test]
async fn the_end_of_the_process_is_the_end_of_its_inspector() {
    let patient = Patient::of(stepped(4)).await;
    let mut debugger = patient.open().await;
    let id = world::object::Id::new(Kind::Pod, "shop", &patient.name);
    patient.world.change(|state| state.edit(&id, |pod| pod["status"]["containerStatuses"][0]["restartCount"] = json!(1)));
    patient.world.advance(Duration::from_secs(10));
    assert!(debugger.next().await.is_none(), "its session ends");
    assert!(patient.connect(9229).await.is_none(), "the new process has a closed one");
    patient.world.stop().await;
}

/// A real Node with an open inspector; killed at the end.
struct Real {
    child: Child,
    address: String,
    id: String,
}

impl Real {
    fn start() -> Self {
        let idle = "setInterval(() => { for (const end = Date.now() + 5; Date.now() < end;) JSON.stringify([1, 2]); }, 10)";
        let mut child = Command::new(tool("QRH_TEST_NODE", "node"))
            .args(["--inspect=127.0.0.1:0", "-e", idle])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines.find_map(|line| line.unwrap().strip_prefix("Debugger listening on ws://").map(str::to_owned)).unwrap();
        // What it says later must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let (address, id) = url.split_once('/').unwrap();
        Self { child, address: address.to_owned(), id: id.to_owned() }
    }

    async fn connect(&self) -> Stream {
        Box::new(tokio::net::TcpStream::connect(&self.address).await.unwrap())
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Field names and types, in one line each; of a list its first element, of a node's children nothing.
fn shape(path: &str, value: &Value, lines: &mut BTreeMap<String, &'static str>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(all) => {
            all.iter().for_each(|one| shape(&format!("{path}[]"), one, lines));
            "list"
        }
        Value::Object(map) => {
            map.iter().for_each(|(name, value)| shape(&format!("{path}.{name}"), value, lines));
            "object"
        }
    };
    lines.insert(path.to_owned(), kind);
}

fn shape_of(messages: &[Value]) -> BTreeMap<String, &'static str> {
    let mut lines = BTreeMap::new();
    for message in messages {
        let name = message["method"].as_str().unwrap_or("answer").to_owned();
        shape(&name, message, &mut lines);
    }
    // Where a function has children, how deep that goes, and which stacks an error has, is a matter of what runs.
    let varies = |path: &str| path.contains(".children[]") || path.contains(".stackTrace") || path.contains(".children");
    lines.retain(|path, _| !varies(path));
    lines
}

/// Everything that is asked of both.
fn questions() -> Vec<(&'static str, Value)> {
    let evaluate = |expression: &str| ("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
    let kept = |expression: &str| ("Runtime.evaluate", json!({ "expression": expression }));
    let with = |method: &'static str, params: Value| (method, params);
    let plain = |method: &'static str| (method, json!({}));
    vec![
        plain("Runtime.enable"),
        evaluate("process.memoryUsage()"),
        kept("process.memoryUsage()"),
        evaluate("process.memoryUsage.rss()"),
        evaluate("process.release"),
        evaluate("process.version"),
        evaluate("process.pid"),
        evaluate("process.execArgv.length"),
        evaluate("process.argv.length"),
        evaluate("process.uptime()"),
        evaluate("process.cpuUsage()"),
        evaluate("process.constrainedMemory()"),
        evaluate("({ pid: process.pid, memory: process.memoryUsage(), modules: process.versions.modules })"),
        evaluate("process.getBuiltinModule('v8').getHeapStatistics()"),
        evaluate("process.getBuiltinModule('node:perf_hooks').performance.eventLoopUtilization()"),
        evaluate("globalThis.before = performance.eventLoopUtilization(), performance.eventLoopUtilization(before)"),
        kept("globalThis.delay = process.getBuiltinModule('perf_hooks').monitorEventLoopDelay({ resolution: 10 })"),
        evaluate("delay.enable()"),
        evaluate(
            "({ min: delay.min, max: delay.max, mean: delay.mean, p99: delay.percentile(99), stddev: delay.stddev, count: delay.count, exceeds: delay.exceeds })",
        ),
        evaluate("delay.disable()"),
        kept("process"),
        kept("performance"),
        kept("setTimeout(() => 1, 1)"),
        evaluate("setTimeout(() => 1, 1)"),
        evaluate("setTimeout(() => 1, 1), true"),
        evaluate("void 0"),
        evaluate("[1, 'a', null]"),
        kept("[1, 'a', null]"),
        evaluate("process.getBuiltinModule"),
        evaluate("process.getBuiltinModule('inspector').url()"),
        evaluate("undefined.x"),
        evaluate("process.nothing()"),
        evaluate("process.pid +"),
        with("Runtime.evaluate", json!({})),
        with("Runtime.evaluate", json!({ "expression": 1 })),
        with("Runtime.evaluate", json!({ "expression": "1", "contextId": 77 })),
        plain("Runtime.getIsolateId"),
        plain("Runtime.runIfWaitingForDebugger"),
        plain("Profiler.start"),
        plain("Profiler.enable"),
        plain("Profiler.setSamplingInterval"),
        with("Profiler.setSamplingInterval", json!({ "interval": 1000 })),
        plain("Profiler.stop"),
        plain("Profiler.start"),
        with("Profiler.setSamplingInterval", json!({ "interval": 500 })),
        plain("Profiler.stop"),
        plain("Profiler.disable"),
        plain("HeapProfiler.enable"),
        plain("HeapProfiler.stopSampling"),
        with("HeapProfiler.startSampling", json!({ "samplingInterval": -1 })),
        with("HeapProfiler.startSampling", json!({ "samplingInterval": 512 })),
        plain("HeapProfiler.getSamplingProfile"),
        plain("HeapProfiler.stopSampling"),
        plain("HeapProfiler.disable"),
        plain("Schema.getDomains"),
        with("NodeWorker.enable", json!({ "waitForDebuggerOnStart": false })),
        plain("NodeRuntime.enable"),
        plain("Nothing.nothing"),
        plain("Profiler.nothing"),
        plain("Runtime.disable"),
    ]
}

/// What both say to an error must be the same words; what they say of a value need only have the same shape.
fn error(messages: &[Value]) -> Option<Value> {
    let answer = messages.last().unwrap();
    let error = answer.get("error").cloned()?;
    Some(json!({ "code": error["code"], "message": error["message"], "data": error["data"] }))
}

#[tokio::test]
async fn every_answer_has_the_shape_of_a_real_nodes() {
    let real = Real::start();
    let fault = fault("heap-leak", &json!({}));
    let patient = Patient::of(Options { faults: vec![("f".to_owned(), fault)], ..stepped(3) }).await;
    let mut ours = patient.open().await;
    let mut theirs = Debugger::of(real.connect().await, &real.id).await;
    let mut differ = Vec::new();
    for path in ["/json/list", "/json", "/json/version", "/", "/json/nothing", "/JSON/LIST", "/json/list?x"] {
        let said = [patient.get(path).await, http(&mut real.connect().await, path).await];
        let heads = said.clone().map(|said| {
            said.split("\r\n\r\n").next().unwrap().lines().filter(|line| !line.starts_with("Content-Length")).collect::<Vec<_>>().join("\n")
        });
        let bodies = said.map(|said| match serde_json::from_str(said.split_once("\r\n\r\n").unwrap().1) {
            Ok(body) => format!("{:?}", shape_of(&[body])),
            Err(_) => said.split_once("\r\n\r\n").unwrap().1.to_owned(),
        });
        if heads[0] != heads[1] || bodies[0] != bodies[1] {
            differ.push(format!("GET {path}\n  ours   {} {}\n  theirs {} {}", heads[0], bodies[0], heads[1], bodies[1]));
        }
    }
    for (method, params) in questions() {
        let (ours, theirs) = (ours.ask_all(method, &params).await, theirs.ask_all(method, &params).await);
        if method == "Profiler.start" || method == "HeapProfiler.startSampling" {
            patient.world.advance(Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(80)).await;
        }
        if shape_of(&ours) != shape_of(&theirs) || error(&ours) != error(&theirs) {
            differ.push(format!("{method} {params}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
    // Broken messages, which have no id to wait for. A real Node says two things to some; the first is what counts.
    for text in [
        "not json",
        "[]",
        "3",
        r#"{"method":"Runtime.enable"}"#,
        r#"{"id":"x","method":"Runtime.enable"}"#,
        r#"{"id":3}"#,
        r#"{"id":5,"method":3}"#,
        r#"{"id":4,"method":"Runtime.evaluate","params":3}"#,
    ] {
        let mut theirs = Debugger::of(real.connect().await, &real.id).await;
        ours.say(text).await;
        theirs.say(text).await;
        let (ours, theirs) = (ours.next().await.unwrap(), theirs.next().await.unwrap());
        assert_eq!(ours, theirs, "{text}");
    }
    patient.world.stop().await;
}

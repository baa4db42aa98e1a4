//! Node's inspector in the pods: opened, talked to and closed over the path a responder has, exec and port-forward; and its answers held
//! to the shapes of a real Node's.

mod profile;
mod shape;
mod wire;

use std::time::Duration;

use qrh::drill::world::baseline::stepped;
use qrh::drill::world::{self, Kind, Options};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::remedy::fault;
use profile::{by_url, check, own, profiled};
use wire::{Patient, Stream, http, in_time, read_answer};

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
    let patient = Patient::of(stepped(3)).await;
    let mut debugger = patient.open().await;
    for (kind, function, url, least, line) in cases {
        patient.world.put("f", fault(kind, &json!({})));
        patient.world.advance(Duration::from_secs(120));
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
    }
    patient.world.stop().await;
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
        let (hits, all) = (idle["hitCount"].as_u64().unwrap(), profile["samples"].as_array().unwrap().len() as u64);
        assert!(hits * 100 > all * 85, "{hits} of {all}");
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

//! What a Node process says of itself: its release, its memory, its event loop. The names are Node 24's; the numbers are the plant's.

use serde_json::{Value, json};

use crate::drill::world::plant::{Inside, MIB};

pub const VERSION: &str = "24.11.0";
pub const PROGRAM: &str = "/usr/local/bin/node";
pub const SCRIPT: &str = "/app/server.js";
/// What V8 gives the young generation beside the cap of the old one, in MiB.
const YOUNG_MIB: f64 = 192.0;
/// The resolution of the event loop's delay, in ms: what a histogram of it shows without any delay.
const RESOLUTION_MS: f64 = 10.0;

/// Whole bytes.
fn bytes(mib: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes, and positive")]
    let bytes = (mib.max(0.0) * MIB) as u64;
    bytes.into()
}

pub fn versions() -> Value {
    json!({
        "node": VERSION, "acorn": "8.15.0", "ada": "3.3.0", "amaro": "1.1.4", "ares": "1.34.5", "brotli": "1.1.0",
        "cjs_module_lexer": "2.1.0", "cldr": "47.0", "icu": "77.1", "llhttp": "9.3.0", "modules": "137", "napi": "10", "nbytes": "0.1.1",
        "ncrypto": "0.0.1", "nghttp2": "1.66.0", "openssl": "3.5.4", "simdjson": "3.13.0", "simdutf": "6.4.0", "sqlite": "3.50.4",
        "tz": "2025b", "undici": "7.16.0", "unicode": "16.0", "uv": "1.51.0", "uvwasi": "0.0.23", "v8": "13.6.233.10-node.28",
        "zlib": "1.3.1-470d3a2", "zstd": "1.5.7",
    })
}

pub fn release() -> Value {
    let of = |file: &str| format!("https://nodejs.org/download/release/v{VERSION}/node-v{VERSION}{file}.tar.gz");
    json!({ "name": "node", "lts": "Krypton", "sourceUrl": of(""), "headersUrl": of("-headers") })
}

pub fn memory_usage(inside: &Inside) -> Value {
    let memory = &inside.memory;
    json!({
        "rss": bytes(memory.rss), "heapTotal": bytes(memory.heap_total), "heapUsed": bytes(memory.heap_used),
        "external": bytes(memory.external), "arrayBuffers": bytes(memory.external - 2.0),
    })
}

pub fn heap_usage(inside: &Inside) -> Value {
    let memory = &inside.memory;
    json!({
        "usedSize": bytes(memory.heap_used), "totalSize": bytes(memory.heap_total), "embedderHeapUsedSize": 131_072,
        "backingStorageSize": bytes(memory.external - 2.0),
    })
}

pub fn heap_statistics(inside: &Inside) -> Value {
    let memory = &inside.memory;
    let limit = inside.cap_mib + YOUNG_MIB;
    json!({
        "total_heap_size": bytes(memory.heap_total), "total_heap_size_executable": 4_456_448, "total_physical_size": bytes(memory.heap_total),
        "total_available_size": bytes(limit - memory.heap_used), "used_heap_size": bytes(memory.heap_used), "heap_size_limit": bytes(limit),
        "malloced_memory": 1_048_744, "peak_malloced_memory": 9_437_184, "does_zap_garbage": 0, "number_of_native_contexts": 1,
        "number_of_detached_contexts": 0, "total_global_handles_size": 16_384, "used_global_handles_size": 6_176,
        "external_memory": bytes(memory.external),
    })
}

pub fn cpu_usage(inside: &Inside) -> Value {
    json!({ "user": whole(inside.cpu * 0.88e6), "system": whole(inside.cpu * 0.12e6) })
}

fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and far below 2^53")]
    let whole = number.max(0.0) as u64;
    whole
}

/// `eventLoopUtilization(since)`, in ms: of the time that the plant has played.
pub fn utilization(inside: &Inside, since: Option<&Value>) -> Value {
    let of = |name: &str| since.and_then(|since| since.get(name)?.as_f64()).unwrap_or(0.0);
    let active = (inside.busy * 1000.0 - of("active")).max(0.0);
    let idle = ((inside.seconds - inside.busy).max(0.0) * 1000.0 - of("idle")).max(0.0);
    let utilization = if active + idle > 0.0 { active / (active + idle) } else { 0.0 };
    json!({ "idle": idle, "active": active, "utilization": utilization })
}

/// A histogram of the event loop's delay, in nanoseconds, over `seconds`; of the shape that the service's metrics have.
pub fn delay(inside: &Inside, seconds: f64, name: &str) -> Option<Value> {
    let at = |share: f64| json!(whole(percentile_ms(inside, share) * 1e6));
    let mean = percentile_ms(inside, 50.0) + inside.delay_ms * 0.03;
    Some(match name {
        // Where nothing was counted yet Node's mean is no number, and no number is sent as null.
        "min" if seconds <= 0.0 => json!(9_223_372_036_854_776_000.0),
        "max" if seconds <= 0.0 => 0.into(),
        "mean" | "stddev" if seconds <= 0.0 => Value::Null,
        "count" => whole(seconds * 1000.0 / (mean + 0.1)).into(),
        "exceeds" => 0.into(),
        "min" => at(0.0),
        "max" => at(100.0),
        "mean" => json!(mean * 1e6),
        "stddev" => json!(inside.delay_ms * 0.2e6),
        _ => return None,
    })
}

pub fn percentile(inside: &Inside, seconds: f64, share: f64) -> Value {
    // 511: the top of the first bucket, of an empty histogram.
    if seconds <= 0.0 { 511.into() } else { whole(percentile_ms(inside, share) * 1e6).into() }
}

fn percentile_ms(inside: &Inside, share: f64) -> f64 {
    let p99 = RESOLUTION_MS + 0.2 + inside.delay_ms;
    let usual = RESOLUTION_MS + 0.1 + inside.delay_ms / 12.0;
    let between = |low: f64, high: f64, from: f64, to: f64| low + (high - low) * ((share - from) / (to - from)).clamp(0.0, 1.0);
    if share <= 50.0 {
        between(RESOLUTION_MS - 0.1, usual, 0.0, 50.0)
    } else if share <= 99.0 {
        between(usual, p99, 50.0, 99.0)
    } else {
        between(p99, p99 * 1.2, 99.0, 100.0)
    }
}

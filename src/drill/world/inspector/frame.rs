//! Whose code the main thread runs: the call stacks of the shop's services, usual and faulty. Names, files and lines are those that the
//! container's own code search finds, so that a profile and a search point to the same line.

use crate::drill::world::plant::fault::What;
use crate::drill::world::plant::{Doing, Work};

/// A function on a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub function: &'static str,
    /// Empty: it is none of JavaScript's.
    pub url: &'static str,
    /// Of its head, counted from 1, and how far in.
    pub line: i64,
    pub column: i64,
    /// Lines of it that samples fall on, and their parts.
    pub lines: &'static [(u64, u32)],
}

const fn frame(function: &'static str, url: &'static str, (line, column): (i64, i64), lines: &'static [(u64, u32)]) -> Frame {
    Frame { function, url, line, column, lines }
}

const fn native(function: &'static str) -> Frame {
    frame(function, "", (0, 0), &[])
}

pub const ROOT: Frame = native("(root)");
pub const PROGRAM: Frame = native("(program)");
pub const IDLE: Frame = native("(idle)");
pub const COLLECTOR: Frame = native("(garbage collector)");

/// From the socket to the service's own code, as in Node 24.
const INCOMING: [Frame; 4] = [
    frame("parserOnHeadersComplete", "node:_http_common", (74, 33), &[(118, 1)]),
    frame("parserOnIncoming", "node:_http_server", (1073, 26), &[(1145, 1)]),
    frame("emit", "node:events", (455, 44), &[(519, 1)]),
    frame("handle", "file:///app/server.js", (41, 23), &[(52, 1)]),
];
const CHECKOUT: Frame = frame("checkout", "file:///app/lib/checkout.js", (24, 32), &[(31, 3), (38, 2)]);
const SEARCH: Frame = frame("search", "file:///app/lib/routes/search.js", (16, 30), &[(19, 2), (22, 1)]);
const REPORT: Frame = frame("report", "file:///app/lib/routes/report.js", (25, 30), &[(27, 1), (30, 2)]);
const EXPORT: Frame = frame("exportAll", "file:///app/lib/routes/export.js", (26, 33), &[(29, 2), (35, 1)]);
const ROUTES: [Frame; 4] = [CHECKOUT, SEARCH, REPORT, EXPORT];

const SERIALIZE_ROWS: Frame = frame("serializeRows", "file:///app/lib/routes/report.js", (16, 30), &[(18, 11), (21, 9)]);
const MATCH_EMAIL: Frame = frame("matchEmail", "file:///app/lib/routes/search.js", (8, 27), &[(12, 40), (9, 1)]);
const GZIP: [Frame; 3] = [
    frame("syncBufferWrapper", "node:zlib", (788, 38), &[(790, 1)]),
    frame("zlibBufferSync", "node:zlib", (165, 24), &[(178, 1)]),
    frame("processChunkSync", "node:zlib", (400, 26), &[(422, 195), (443, 2)]),
];
const SIGN: [Frame; 2] = [
    frame("sign", "file:///app/lib/sign.js", (11, 21), &[(14, 1)]),
    frame("pbkdf2", "node:internal/crypto/pbkdf2", (34, 16), &[(60, 33), (45, 1)]),
];
const LOG: [Frame; 4] = [
    frame("LOG", "file:///app/node_modules/pino/lib/tools.js", (41, 17), &[(54, 1)]),
    frame("write", "file:///app/node_modules/pino/lib/proto.js", (204, 16), &[(228, 1)]),
    frame("asJson", "file:///app/node_modules/pino/lib/tools.js", (104, 17), &[(171, 4), (188, 1)]),
    frame("session", "file:///app/lib/session.js", (25, 25), &[(27, 30), (28, 1)]),
];
const CATALOGUE: Frame = frame("freshCatalogue", "file:///app/lib/catalogue.js", (12, 31), &[(15, 5), (17, 2)]);
pub const REMEMBER: Frame = frame("remember", "file:///app/lib/search-cache.js", (7, 25), &[(11, 1)]);
pub const KEEP_SENT: Frame = frame("keepSent", "file:///app/lib/routes/export.js", (44, 25), &[(46, 1)]);
const TICKS: [Frame; 2] =
    [frame("processTicksAndRejections", "node:internal/process/task_queues", (72, 35), &[(105, 1)]), native("runMicrotasks")];
const CALL: Frame = frame("callUpstream", "file:///app/lib/upstream.js", (19, 35), &[(26, 1)]);
const ATTEMPT: Frame = frame("attempt", "file:///app/lib/retry.js", (13, 24), &[(17, 3), (22, 1)]);
const FETCH: [Frame; 2] = [
    frame("fetch", "node:internal/deps/undici/undici", (15842, 61), &[(15850, 1)]),
    frame("dispatch", "node:internal/deps/undici/undici", (1978, 15), &[(2004, 2), (1991, 1)]),
];

/// A request's way to a route, and on.
fn incoming(route: Frame, on: &[Frame]) -> Vec<Frame> {
    [&INCOMING[..], &[route], on].concat()
}

/// Where the time of a piece of work is spent: stacks from the root on, and the part of each.
pub fn stacks(work: &Work) -> Vec<(Vec<Frame>, f64)> {
    match work.doing {
        Doing::Node => vec![(vec![PROGRAM], 1.0)],
        Doing::Collection => vec![(vec![COLLECTOR], 1.0)],
        Doing::Route(index) => vec![(incoming(ROUTES.get(index).copied().unwrap_or(CHECKOUT), &[]), 1.0)],
        Doing::Calls => vec![([&TICKS[..], &[CALL], &FETCH].concat(), 1.0)],
        Doing::Fault(what) => faulty(what),
    }
}

fn faulty(what: What) -> Vec<(Vec<Frame>, f64)> {
    match what {
        What::SyncJson => vec![(incoming(REPORT, &[SERIALIZE_ROWS]), 1.0)],
        What::SyncRegex => vec![(incoming(SEARCH, &[MATCH_EMAIL]), 1.0)],
        What::Compression => vec![(incoming(EXPORT, &GZIP), 1.0)],
        What::CryptoBurst => vec![(incoming(CHECKOUT, &SIGN), 1.0)],
        What::Logger => vec![(incoming(CHECKOUT, &LOG), 0.8), (incoming(CHECKOUT, LOG.get(..3).unwrap_or_default()), 0.2)],
        What::GcChurn => vec![(incoming(SEARCH, &[CATALOGUE]), 1.0)],
        What::RetryLoop => {
            vec![([&TICKS[..], &[CALL, ATTEMPT], &FETCH].concat(), 0.6), ([&TICKS[..], &[CALL, ATTEMPT]].concat(), 0.4)]
        }
        What::HeapLeak => vec![(incoming(SEARCH, &[REMEMBER]), 1.0)],
        What::BufferLeak => vec![(incoming(EXPORT, &[KEEP_SENT]), 1.0)],
        What::BurstOom
        | What::OldSpaceNearCap
        | What::DependencyDown
        | What::DependencySlow
        | What::DependencyRefusing
        | What::BadRelease
        | What::SlowRelease
        | What::NeverReadyRelease
        | What::ImageMissingRelease
        | What::ContractedMigration
        | What::Gitops
        | What::Sigterm => vec![(incoming(CHECKOUT, &[]), 1.0)],
    }
}

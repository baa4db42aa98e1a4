//! What V8's sampling heap profiler says: who allocated what is still there, of what was allocated since it began.

use serde_json::{Value, json};

use super::frame::{Frame, KEEP_SENT, REMEMBER, stacks};
use super::profile::{Tree, call_frame};
use crate::drill::world::plant::fault::What;
use crate::drill::world::plant::{Doing, Inside, MIB, Memory, Work};

/// V8's own, in bytes.
pub const INTERVAL: f64 = 32_768.0;
/// Samples of one function; of more, each stands for more bytes.
const SAMPLES: u64 = 1000;
/// Of a Buffer's bytes, those that lie in the heap: the object that holds it.
const WRAPPER: f64 = 0.003;

/// `before`: the memory as it was when the sampling began.
pub fn sampled(inside: &Inside, before: &Memory, interval: f64) -> Value {
    let mut tree = Tree::new();
    let mut sizes: Vec<(usize, u64)> = Vec::new();
    let mut add = |stack: &[Frame], mib: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes, and positive")]
        let bytes = (mib * MIB) as u64;
        if f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) >= interval {
            sizes.push((tree.reach(stack), bytes));
        }
    };
    for (what, leaf, kept) in [
        (What::HeapLeak, REMEMBER, inside.memory.kept_heap - before.kept_heap),
        (What::BufferLeak, KEEP_SENT, (inside.memory.kept_buffers - before.kept_buffers) * WRAPPER),
    ] {
        let work = Work { doing: Doing::Fault(what), share: 0.0, piece_ms: 0.0 };
        let stack = stacks(&work).into_iter().next().map_or_else(|| vec![leaf], |(stack, _)| stack);
        add(&stack, kept.max(0.0));
    }
    // What is not collected yet, by who is at work.
    let young = (inside.memory.heap_used - inside.memory.live).max(0.0);
    let at_work = || inside.work.iter().filter(|work| !matches!(work.doing, Doing::Node | Doing::Collection));
    let all: f64 = at_work().map(|work| work.share).sum();
    for work in at_work() {
        for (stack, part) in stacks(work) {
            add(&stack, young * part * work.share / all.max(f64::MIN_POSITIVE));
        }
    }
    let mut ordinal = 0;
    let mut samples: Vec<Value> = Vec::new();
    for (node, bytes) in &sizes {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes, and positive")]
        let size = (interval as u64).max(bytes / SAMPLES).max(1);
        for index in 0..bytes.div_ceil(size) {
            ordinal += 1;
            samples.push(json!({ "size": size.min(bytes - index * size), "nodeId": node + 1, "ordinal": ordinal }));
        }
    }
    json!({ "head": node(&tree, 0, &sizes), "samples": samples })
}

fn node(tree: &Tree, index: usize, sizes: &[(usize, u64)]) -> Value {
    let Some(here) = tree.nodes.get(index) else { return Value::Null };
    let own: u64 = sizes.iter().filter(|(node, _)| *node == index).map(|(_, bytes)| bytes).sum();
    // A stack is a dozen functions deep at most.
    let children: Vec<Value> = here.children.iter().map(|child| node(tree, *child, sizes)).collect();
    json!({ "callFrame": call_frame(&here.frame), "selfSize": own, "id": index + 1, "children": children })
}

//! A pod's memory: what V8 holds, what lies outside of it, and when that is too much. All in MiB.

use super::effect::Effect;
use super::facts::Facts;

pub const MIB: f64 = 1_048_576.0;
/// Live objects of a service that is warm.
const LIVE: f64 = 85.0;
/// Garbage between two collections.
const YOUNG: f64 = 24.0;
/// The program itself, its stacks and its code.
const PROGRAM: f64 = 58.0;
/// Buffers of sockets and files.
const BUFFERS: f64 = 12.0;
/// What the kernel counts to the container beside the process.
const CACHE: f64 = 9.0;
/// Above this share of its cap a heap is collected more and more.
const TIGHT: f64 = 0.75;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Memory {
    /// Kept by leaks since the process started.
    pub kept_heap: f64,
    pub kept_buffers: f64,
    pub live: f64,
    pub heap_used: f64,
    pub heap_total: f64,
    pub external: f64,
    pub rss: f64,
    pub working_set: f64,
}

/// Why a process can't go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// V8 found no room under its cap, and aborted.
    Heap,
    /// The kernel killed it at the container's limit.
    Limit,
}

/// A moment in a pod's life: seconds since its process started, and since the last look.
#[derive(Debug, Clone, Copy)]
pub struct Age {
    pub seconds: f64,
    pub since: f64,
}

impl Memory {
    /// What the live objects leave free is less than V8 likes: the share of time this costs in collections.
    pub fn pressure(&self, cap: f64) -> f64 {
        ((self.live / cap - TIGHT) / (1.0 - TIGHT)).clamp(0.0, 1.0) * 0.5
    }

    pub fn grow(&mut self, effect: &Effect, facts: &Facts, age: Age) -> Option<Full> {
        if facts.ready {
            self.kept_heap += effect.heap_mib_per_minute * age.since / 60.0;
            self.kept_buffers += effect.buffer_mib_per_minute * age.since / 60.0;
        }
        let warm = (0.55 + age.seconds / 240.0).min(1.0);
        self.live = LIVE.max(effect.needs_mib) * warm + self.kept_heap;
        let young = if effect.gc > 0.05 { YOUNG * 1.6 } else { YOUNG };
        let phase = (age.seconds / 37.0).fract();
        self.heap_used = (self.live + young * phase).min(facts.cap_mib);
        self.heap_total = (self.live + YOUNG + 16.0).min(facts.cap_mib + 4.0);
        self.external = BUFFERS + self.kept_buffers;
        self.rss = self.heap_total + self.external + PROGRAM;
        self.working_set = self.rss + CACHE;
        let peak = self.working_set + effect.burst.unwrap_or(0.0);
        if peak * MIB >= facts.memory_limit {
            Some(Full::Limit)
        } else if self.live >= facts.cap_mib * 0.97 {
            Some(Full::Heap)
        } else {
            None
        }
    }
}

/// What a service needs for a moment with a burst; the limit must be above it.
pub fn peak_of(memory: &Memory, burst_mib: f64) -> f64 {
    memory.working_set + burst_mib
}

//! The world's time: real, scaled, or stepped by whoever drives it. Everything that happens in the world is due at a time of this clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// How the world's time passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    Real,
    /// So many simulated seconds in one real second; above 0.
    Scaled(f64),
    /// Only [`Running::advance`](super::Running::advance) moves it.
    Stepped,
}

/// A clone shows the same time, also where it is stepped.
#[derive(Debug, Clone)]
pub struct Clock {
    pace: Pace,
    began: Instant,
    epoch: Timestamp,
    /// Nanoseconds stepped so far.
    stepped: Arc<AtomicU64>,
}

impl Clock {
    pub fn new(pace: Pace, epoch: Timestamp) -> Self {
        Self { pace, began: Instant::now(), epoch, stepped: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        let passed = match self.pace {
            Pace::Real => self.began.elapsed(),
            Pace::Scaled(factor) => self.began.elapsed().mul_f64(factor.max(0.0)),
            Pace::Stepped => Duration::from_nanos(self.stepped.load(Ordering::Acquire)),
        };
        later(self.epoch, passed)
    }

    /// Moves a stepped clock on; the others go by themselves.
    pub fn step(&self, by: Duration) {
        self.stepped.fetch_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX), Ordering::AcqRel);
    }

    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// How long to wait, in real time, until the world's clock shows `due`. None: it never will by itself.
    pub fn until(&self, due: Timestamp) -> Option<Duration> {
        let left = Duration::try_from(due.duration_since(self.now())).unwrap_or(Duration::ZERO);
        match self.pace {
            Pace::Real => Some(left),
            Pace::Scaled(factor) if factor > 0.0 => Some(left.div_f64(factor)),
            Pace::Scaled(_) | Pace::Stepped => None,
        }
    }
}

/// `time + by`; stays where it is at the end of all time.
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(time)
}

/// `time - by`.
pub fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_sub(by).ok()).unwrap_or(time)
}

/// From `from` to `to`; zero where that is negative.
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// As metav1.Time has it: whole seconds.
pub fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As metav1.MicroTime has it.
pub fn micro(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// A time an object holds.
pub fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

//! What is due when. Two things due at the same time happen in the order they were asked for, so that a seed always gives one story.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::object::Id;

/// A step of a pod's life. `turn` is the life's turn it was set in: an older one is stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Schedule,
    Pull,
    Start,
    Ready(usize),
    Exit(usize),
    Restart(usize),
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    Pod {
        uid: String,
        turn: u64,
        step: Step,
    },
    /// Look at a Deployment or ReplicaSet again: a deadline or a minimum of readiness may have passed.
    Again(Id),
    Hpa(Id),
    /// The plant's next tick.
    Plant,
}

#[derive(Debug, Default)]
pub struct Timers {
    due: BTreeMap<(Timestamp, u64), Due>,
    asked: u64,
}

impl Timers {
    pub fn at(&mut self, time: Timestamp, due: Due) {
        self.asked += 1;
        self.due.insert((time, self.asked), due);
    }

    pub fn next(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((time, _), _)| *time)
    }

    /// The first thing due by `until`.
    pub fn pop(&mut self, until: Timestamp) -> Option<(Timestamp, Due)> {
        let entry = self.due.first_entry()?;
        (entry.key().0 <= until).then(|| {
            let time = entry.key().0;
            (time, entry.remove())
        })
    }

    pub fn len(&self) -> usize {
        self.due.len()
    }

    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

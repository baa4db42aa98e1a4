//! Readings around a change: the read-only commands a change names under `measure`, run once each.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;

use super::consider::action;
use super::judge;
use crate::action::{Identity, Planned, Preview, Write};
use crate::engine::scope;
use crate::guard::clearance::{self, Ruling, Wish};
use crate::guard::tier::Reach;
use crate::guard::{Admitted, Policy};
use crate::runbook::model::{Command, CommandId, Effect, Runbook};
use crate::target::Hands;
use crate::target::stream::Conduct;
use crate::timeline::record::Reading;

/// A reading may hold up a change for this long at most.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Lines of a measuring command are not shown; this many wait before it slows down.
const UNSHOWN: usize = 64;

#[derive(Clone)]
pub struct Gauge {
    pub runbook: Arc<Runbook>,
    pub hands: Arc<Hands>,
    pub policy: Arc<Policy>,
    pub target: Identity,
}

impl Gauge {
    /// One reading a command, all at once; a command that may not run by itself, or fails, gives a reading without a value.
    pub async fn readings(&self, ids: impl Iterator<Item = &CommandId>, scope: &Value) -> Vec<Reading> {
        let commands = ids.filter_map(|id| self.runbook.command(id)).map(|(_, command)| self.read(command, scope));
        join_all(commands).await.into_iter().flatten().collect()
    }

    async fn read(&self, command: &Command, scope: &Value) -> Option<Reading> {
        let unit = command.value.as_ref()?.unit.clone();
        let missing = Reading { command: command.id.clone(), value: None, unit };
        let Some(admitted) = block_in_place(|| self.admit(command, scope)) else { return Some(missing) };
        let (lines, mut unshown) = mpsc::channel(UNSHOWN);
        let conduct = Conduct { lines, cancel: CancellationToken::new(), timeout: command.timeout.min(TIMEOUT) };
        let (report, ()) = tokio::join!(
            async {
                let report = self.hands.read(&admitted, &conduct).await;
                drop(conduct);
                report
            },
            async { while unshown.recv().await.is_some() {} }
        );
        let known = scope::with_result(scope, &report);
        block_in_place(|| judge::reading(command, &known, &mut Vec::new())).or(Some(missing))
    }

    /// Only what would run at once: nobody is asked for a reading.
    fn admit(&self, command: &Command, scope: &Value) -> Option<Admitted> {
        let action = action(&command.action, scope).ok()?;
        let verdict = action.classify();
        let describes = action.describe(&self.target);
        let timeout_ms = u64::try_from(command.timeout.as_millis()).ok()?;
        let wish = Wish {
            title: command.id.0.clone(),
            effect: Effect::ReadOnly,
            write: Write { planned: Planned { action, place: command.place, timeout_ms }, identity: self.target.clone(), undo: None },
            describes,
            undo_describes: None,
            preview: Preview::None(String::new()),
            reach: Reach::default(),
            hazards: Vec::new(),
            stops: Vec::new(),
            fighters: Vec::new(),
            workload: String::new(),
        };
        match clearance::rule(wish, &verdict, &self.policy, false) {
            Ruling::Admitted(admitted) => Some(admitted),
            Ruling::Ask(_) | Ruling::Refused(_) => None,
        }
    }
}

//! Consequences: what follows once the log has a record.

use jiff::Timestamp;

use super::change;
use super::effect::{Effect, Notice};
use super::event::{Considered, Ran};
use super::reading::{self, Stage};
use super::state::{Log, State, append, entered};
use crate::action::{Ending, Report};
use crate::runbook::model::CommandId;
use crate::timeline::incident::What;
use crate::timeline::record::{Finished, Happening, Record, Ruling, RunId};

pub(super) fn handle(state: &mut State, record: &Record) -> Vec<Effect> {
    state.incident.apply(record);
    let at = record.time;
    match &record.happening {
        Happening::StepEntered { .. } | Happening::FactsRead { .. } | Happening::Ruled { .. } => state.consider().into_iter().collect(),
        Happening::Finished(finished) => {
            let again = change::outcome_recorded(state, finished.run);
            state.consider().into_iter().chain(again).collect()
        }
        Happening::StepCompleted { step, .. } | Happening::StepSkipped { step, .. } | Happening::StepMisfit { step, .. } => {
            if state.incident.step.as_ref() != Some(step) {
                return Vec::new();
            }
            let done = || Effect::Tell(Notice::Info("every step is settled: close the incident, or go to a step".to_owned()));
            vec![state.next_step().map_or_else(done, |step| append(at, entered(step)))]
        }
        Happening::Started(started) => reading::started(state, started.run, at),
        Happening::Intended(intended) => change::intended(state, intended.run, at),
        Happening::Closed { .. } => vec![Effect::Quit],
        Happening::Opened(_)
        | Happening::Resumed { .. }
        | Happening::Refused { .. }
        | Happening::Declined { .. }
        | Happening::FindingHeld { .. }
        | Happening::FindingLifted { .. }
        | Happening::Noted { .. }
        | Happening::Measured { .. }
        | Happening::LogMended { .. }
        | Happening::DrillBegan(_)
        | Happening::DrillInjected(_)
        | Happening::DrillHinted(_)
        | Happening::DrillObserved(_)
        | Happening::DrillDiagnosed(_)
        | Happening::DrillRated(_)
        | Happening::DrillPaused { .. }
        | Happening::DrillContinued { .. }
        | Happening::DrillRevealed(_)
        | Happening::DrillEnded(_) => Vec::new(),
    }
}

/// What qrh read about the target goes into the log, where templates and ages find it.
pub(super) fn looked(facts: Option<serde_json::Value>, at: Timestamp) -> Vec<Effect> {
    facts.map(|facts| append(at, Happening::FactsRead { facts })).into_iter().collect()
}

/// The log can't be written: what waited for it does not run, and no change starts any more.
pub(super) fn lost(state: &mut State, why: String, at: Timestamp) -> Vec<Effect> {
    let notice = Notice::Problem(format!("the log can't be written, so no change runs any more; reads still do: {why}"));
    state.log = Log::Lost(why);
    state.closing = None;
    let mut effects = vec![Effect::Tell(notice)];
    effects.extend(change::abandon_uncommitted(state, at));
    // Their starts may never be acknowledged now.
    let starting: Vec<RunId> = state.reads.iter().filter(|(_, read)| read.stage == Stage::Starting).map(|(run, _)| *run).collect();
    for run in starting {
        effects.extend(reading::started(state, run, at));
    }
    effects
}

/// A step was rendered: keep it if it is the newest, and record findings that changed.
pub(super) fn considered(state: &mut State, considered: Considered, at: Timestamp) -> Vec<Effect> {
    if considered.token != state.considering {
        return Vec::new();
    }
    let mut effects = Vec::new();
    for decided in &considered.findings {
        let key = (decided.step.clone(), decided.number);
        let held = state.incident.findings.get(&key);
        let (step, number) = key.clone();
        if decided.holds && held.is_none_or(|held| held.means != decided.means) {
            let (means, go) = (decided.means.clone(), decided.go.clone());
            effects.push(append(at, Happening::FindingHeld { step, number, means, go }));
        } else if !decided.holds && held.is_some() {
            effects.push(append(at, Happening::FindingLifted { step, number }));
        }
    }
    state.considered = Some(considered);
    effects
}

/// A change whose outcome is unknown and whose probe just answered: the probe settles it where it says yes. A probe that began before the
/// change was sent says nothing about it.
pub(super) fn rule_by_probe(state: &State, probe: &CommandId, (ran, began): (&Ran, Timestamp), at: Timestamp) -> Vec<Effect> {
    if !matches!(ran.report.ending, Ending::Succeeded | Ending::Failed(_)) {
        return Vec::new();
    }
    let settled = ran.expected.or(ran.until) == Some(true);
    let after = |id: &RunId| state.incident.runs.get(id).is_some_and(|run| run.at <= began);
    let waiting = state.unknown().into_iter().filter(|id| verified_by(state, *id) == Some(probe)).filter(after);
    waiting
        .map(|run| {
            if settled {
                let why = format!("{probe} saw it took effect");
                append(at, Happening::Ruled { run, happened: true, by: Ruling::Probe(probe.clone()), why })
            } else {
                Effect::Tell(Notice::Problem(format!("{probe} does not show that {run} took effect: decide it yourself")))
            }
        })
        .collect()
}

pub(super) fn verified_by(state: &State, run: RunId) -> Option<&CommandId> {
    match &state.incident.runs.get(&run)?.what {
        What::Change(intended) => intended.verify.as_ref(),
        What::Read(_) => None,
    }
}

/// A finished record with nothing but its report.
pub(super) fn finished(run: RunId, command: CommandId, report: Report) -> Finished {
    finished_from(Ran::plain(run, report), command, 0)
}

pub(super) fn finished_from(ran: Ran, command: CommandId, took_ms: u64) -> Finished {
    Finished {
        run: ran.run,
        command,
        report: ran.report,
        took_ms,
        captured: ran.captured,
        expected: ran.expected.or(ran.until),
        reading: ran.reading,
        undecided: ran.undecided,
        output: ran.output,
    }
}

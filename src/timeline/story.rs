//! The timeline in words: each event as one entry that a person reads. Every export and screen renders these, so that they say the same.
//! Text only: escaping is the renderer's.

use jiff::Timestamp;

use super::drill::{Observed, Sight};
use super::envelope::Envelope;
use super::incident::{Incident, Run, What};
use super::record::{Around, Finished, Happening, Intended, Opened, Reading, Ruling, RunId, Started};
use crate::action::{Ending, Identity};
use crate::runbook::model::Effect;

/// One event as told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// Whether it was written down later than it happened.
    pub told: Told,
    pub mark: Mark,
    pub text: String,
    /// What belongs to it: what ran, readings, reasons.
    pub details: Vec<Detail>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    Words(String),
    /// A command or an API call, exactly as it ran.
    Code(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    AtOnce,
    Later,
}

/// What sort of entry it is; one word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Incident,
    Step,
    Read,
    Change,
    Finding,
    Note,
    Refusal,
    Log,
    Drill,
}

impl Mark {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Step => "step",
            Self::Read => "read",
            Self::Change => "change",
            Self::Finding => "finding",
            Self::Note => "note",
            Self::Refusal => "refused",
            Self::Log => "log",
            Self::Drill => "drill",
        }
    }
}

/// An event recorded more than this after it happened was told later. Below it, it is the time between a run's end and the disk.
const LATER_SECONDS: i64 = 60;

/// The entries of a log, by the time things happened.
pub fn tell(envelopes: &[Envelope]) -> Vec<Entry> {
    let incident = Incident::replay(envelopes.iter().map(|envelope| &envelope.record));
    let mut entries: Vec<Entry> = envelopes.iter().filter_map(|envelope| entry(envelope, &incident)).collect();
    entries.sort_by_key(|entry| entry.at);
    entries
}

fn entry(envelope: &Envelope, incident: &Incident) -> Option<Entry> {
    let (mark, text, details) = words(&envelope.record.happening, incident)?;
    let at = envelope.record.time;
    let told = if envelope.recorded.duration_since(at).as_secs() > LATER_SECONDS { Told::Later } else { Told::AtOnce };
    Some(Entry { at, told, mark, text, details })
}

type Words = (Mark, String, Vec<Detail>);

/// `None`: the event is told with another one.
fn words(happening: &Happening, incident: &Incident) -> Option<Words> {
    let plain = |mark, text: String| Some((mark, text, Vec::new()));
    match happening {
        Happening::Opened(opened) => Some(opening(opened)),
        Happening::Resumed { actor } => plain(Mark::Incident, format!("Resumed by {actor}")),
        Happening::Closed { summary, .. } => plain(Mark::Incident, format!("Closed: {summary}")),
        Happening::StepEntered { step, phase } => plain(Mark::Step, format!("Began step {step} ({})", phase.as_str())),
        Happening::StepCompleted { step, observed } => plain(Mark::Step, format!("Completed step {step}: {observed}")),
        Happening::StepSkipped { step, reason } => plain(Mark::Step, format!("Skipped step {step}: {reason}")),
        Happening::StepMisfit { step, reason } => plain(Mark::Step, format!("Step {step} does not fit: {reason}")),
        Happening::Started(started) => Some(starting(started)),
        Happening::Intended(intended) => Some(intention(intended)),
        Happening::Finished(finished) => Some(finish(finished, incident)),
        Happening::Ruled { run, happened, by, why } => Some(ruling(&label(*run, incident), *happened, by, why)),
        Happening::Refused { command, why } => plain(Mark::Refusal, format!("Refused {command}: {why}")),
        Happening::Declined { command } => plain(Mark::Refusal, format!("Declined {command}: the responder did not confirm it")),
        Happening::FindingHeld { means, go, .. } => {
            Some((Mark::Finding, format!("Found: {means}"), go.iter().map(|step| Detail::Words(format!("leads to step {step}"))).collect()))
        }
        Happening::FindingLifted { step, number } => plain(Mark::Finding, format!("Finding {} of step {step} no longer holds", number + 1)),
        Happening::Noted { text } => plain(Mark::Note, text.clone()),
        Happening::Measured { run, when, readings } => measured(*run, *when, readings, incident),
        Happening::LogMended { what } => plain(Mark::Log, what.clone()),
        Happening::FactsRead { .. } => None,
        Happening::DrillObserved(_) | Happening::DrillRated(_) if incident.drill.revealed.is_none() => None,
        Happening::DrillBegan(began) => {
            let text = format!("Drill {} began ({}, world {}, seed {})", began.drill, began.level, began.world, began.seed);
            Some((Mark::Drill, text, in_words([format!("what is hidden is sealed as SHA-256 {}", began.hidden_sha256)])))
        }
        Happening::DrillInjected(injected) => plain(Mark::Drill, format!("Message from {}: {}", injected.from.as_str(), injected.text)),
        Happening::DrillHinted(hinted) => plain(Mark::Drill, format!("Hint {} (costs {}): {}", hinted.hint, hinted.penalty, hinted.text)),
        Happening::DrillObserved(observed) => {
            Some((Mark::Drill, sight(observed), in_words(Some(observed.detail.clone()).filter(|detail| !detail.is_empty()))))
        }
        Happening::DrillDiagnosed(diagnosed) => plain(Mark::Drill, format!("{} stated the diagnosis: {}", diagnosed.by, diagnosed.answer)),
        Happening::DrillRated(rated) => {
            let text = format!("{} rated {} as {}", rated.by, rated.objective, rated.rating.as_str());
            Some((Mark::Drill, text, in_words([rated.why.clone()])))
        }
        Happening::DrillPaused { by } => plain(Mark::Drill, format!("Paused by {by}")),
        Happening::DrillContinued { by } => plain(Mark::Drill, format!("Continued by {by}")),
        Happening::DrillRevealed(revealed) => plain(Mark::Drill, format!("Revealed what was hidden: SHA-256 {}", revealed.sha256)),
        Happening::DrillEnded(ended) => plain(Mark::Drill, format!("Drill ended, {}: {}", ended.outcome.as_str(), ended.why)),
    }
}

fn sight(observed: &Observed) -> String {
    let (service, of) = (&observed.service, observed.of.as_deref().unwrap_or("a fault"));
    match observed.what {
        Sight::Healthy => format!("In truth, {service} was well"),
        Sight::Unhealthy => format!("In truth, {service} was not well"),
        Sight::Mitigated => format!("In truth, the harm to {service} had stopped"),
        Sight::Unmitigated => format!("In truth, the harm to {service} was back"),
        Sight::Durable => format!("In truth, {service} had stayed well for long enough"),
        Sight::FaultBegan => format!("In truth, the fault {of} began"),
        Sight::FaultCured => format!("In truth, the fault {of} was cured"),
        Sight::FaultReturned => format!("In truth, the fault {of} was back"),
        Sight::Failing => format!("In truth, what must not happen did: {of}"),
    }
}

fn opening(opened: &Opened) -> Words {
    let text = format!("{} opened {} for {} ({})", opened.actor, opened.runbook_title, opened.service_name, opened.mode.as_str());
    let mut details = vec![format!("target {}", target(&opened.target))];
    if opened.read_only {
        details.push("read-only: no changes could be made".to_owned());
    }
    details.extend(opened.inputs.iter().map(|(name, value)| format!("{name} = {value}")));
    (Mark::Incident, text, in_words(details))
}

fn starting(started: &Started) -> Words {
    let typed = if started.ad_hoc { ", typed by the responder" } else { "" };
    (Mark::Read, format!("{} {} started ({}{typed})", started.run, started.title, started.hold.as_str()), in_code(&started.describes.runs))
}

fn intention(intended: &Intended) -> Words {
    let mark = match intended.effect {
        Effect::Mutating => Mark::Change,
        Effect::ReadOnly => Mark::Read,
    };
    let typed = if intended.ad_hoc { ", typed by the responder" } else { "" };
    let undoes = intended.undoes.map(|run| format!(", takes back {run}")).unwrap_or_default();
    let text = format!("{} {} confirmed (tier {}, {}{typed}{undoes})", intended.run, intended.title, intended.tier, intended.confirmed);
    let mut details = in_words([format!("target {}", target(&intended.identity))]);
    details.extend(in_code(&intended.describes.runs));
    details.extend(in_words(intended.reason.iter().map(|reason| format!("reason: {reason}"))));
    details.extend(in_words(intended.hazards.iter().map(|hazard| format!("hazard: {hazard}"))));
    if let Some(undo) = &intended.undo_describes {
        details.extend(in_words(["undo:".to_owned()]));
        details.extend(in_code(&undo.runs));
    }
    (mark, text, details)
}

fn in_words(lines: impl IntoIterator<Item = String>) -> Vec<Detail> {
    lines.into_iter().map(Detail::Words).collect()
}

fn in_code(lines: &[String]) -> Vec<Detail> {
    lines.iter().cloned().map(Detail::Code).collect()
}

fn finish(finished: &Finished, incident: &Incident) -> Words {
    let mark = incident.runs.get(&finished.run).map_or(Mark::Read, |run| match &run.what {
        What::Change(intended) if intended.effect == Effect::Mutating => Mark::Change,
        What::Change(_) | What::Read(_) => Mark::Read,
    });
    let reading = finished.reading.as_ref().map(|reading| format!(": {}", amount(reading))).unwrap_or_default();
    let text = format!("{} {} after {}{reading}", label(finished.run, incident), ending(finished.ending()), spent(finished.took_ms));
    let mut details: Vec<String> =
        finished.report.exit.iter().filter(|exit| **exit != 0).map(|exit| format!("exit or status {exit}")).collect();
    if finished.expected == Some(false) {
        details.push("not what the runbook expects".to_owned());
    }
    details.extend(finished.captured.iter().map(|(name, value)| format!("{name} = {value}")));
    details.extend(finished.undecided.iter().map(|why| format!("not decided: {why}")));
    (mark, text, in_words(details))
}

fn ruling(label: &str, happened: bool, by: &Ruling, why: &str) -> Words {
    let by = match by {
        Ruling::Probe(command) => format!("probe {command}"),
        Ruling::Person(name) => name.clone(),
    };
    let verdict = if happened { "it took effect" } else { "it did not take effect" };
    (Mark::Change, format!("{label} settled by {by}: {verdict}"), in_words([why.to_owned()]))
}

/// Told once: with the readings after the change, or with those before it where none came after.
fn measured(id: RunId, when: Around, readings: &[Reading], incident: &Incident) -> Option<Words> {
    let run = incident.runs.get(&id);
    let details: Vec<String> = match when {
        Around::Before if run.is_some_and(|run| !run.after.is_empty()) => return None,
        Around::Before => readings.iter().map(|reading| format!("{} {} before", reading.command, amount(reading))).collect(),
        Around::After => {
            let before = run.map(|run| run.before.as_slice()).unwrap_or_default();
            readings.iter().map(|reading| change(before, reading)).collect()
        }
    };
    Some((Mark::Change, format!("Measured around {}", label(id, incident)), in_words(details)))
}

fn change(before: &[Reading], after: &Reading) -> String {
    let before = before.iter().find(|before| before.command == after.command).map_or_else(|| "not read".to_owned(), amount);
    format!("{} {before} → {}", after.command, amount(after))
}

/// Whether this run is a change, not itself an undo, that took effect and was not taken back.
pub fn in_effect(run: &Run) -> bool {
    match &run.what {
        What::Change(intended) => intended.effect == Effect::Mutating && intended.undoes.is_none() && run.took_effect(),
        What::Read(_) => false,
    }
}

/// `p99 2100 ms → 340 ms` for each reading of a run.
pub fn readings(run: &Run) -> Vec<String> {
    run.after.iter().map(|after| change(&run.before, after)).collect()
}

/// `#3 Roll back to revision 41`.
pub fn label(id: RunId, incident: &Incident) -> String {
    incident.runs.get(&id).map_or_else(|| id.to_string(), |run| format!("{id} {}", run.what.title()))
}

/// `340 ms`, or `could not be read`. Three decimals at most, as many as a person compares by; the log has them all.
pub fn amount(reading: &Reading) -> String {
    let rounded = |value: f64| if value.abs() < 0.001 { value } else { (value * 1000.0).round() / 1000.0 };
    match (reading.value.map(rounded), reading.unit.as_str()) {
        (None, _) => "could not be read".to_owned(),
        (Some(value), "") => value.to_string(),
        (Some(value), unit) => format!("{value} {unit}"),
    }
}

pub fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Succeeded => "succeeded".to_owned(),
        Ending::Failed(why) => format!("failed ({why})"),
        Ending::Unreachable(why) => format!("was not reached ({why})"),
        Ending::Stopped => "was stopped".to_owned(),
        Ending::Unknown(why) => format!("ended with an unknown outcome ({why})"),
        Ending::Voided(why) => format!("was not sent: the target had changed since it was confirmed ({why})"),
    }
}

/// `cluster prod-eu / namespace shop / Deployment checkout`.
pub fn target(identity: &Identity) -> String {
    match identity {
        Identity::Cluster(cluster) => {
            let object = cluster.object.as_ref().map(|object| format!(" / {} {}", object.kind, object.name)).unwrap_or_default();
            format!("cluster {} / namespace {}{object}", cluster.context, cluster.namespace)
        }
        Identity::Host(host) => match &host.process {
            Some(process) => format!("host {} / process {}", host.host, process.pid),
            None => format!("host {}", host.host),
        },
        Identity::Here => "the responder's machine".to_owned(),
    }
}

/// Milliseconds as a person reads them: `340 ms`, `2.1 s`, `3 min 5 s`.
pub fn spent(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        3_600_000.. => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

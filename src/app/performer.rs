//! Carries out effects: each becomes a task that answers with an event. Every task can be stopped, and none outlives the console.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet, block_in_place};
use tokio_util::sync::CancellationToken;

use super::consider::{View, consider};
use super::judge::judge;
use super::output::Writing;
use super::prepare::{Desk, prepare};
use super::recorder::{Causes, Recorder, cause};
use super::world::{Sender, World};
use crate::action::{Action, Ending, Identity, Report, Write};
use crate::engine::event::{Ran, Token};
use crate::engine::{Effect, Event, Notice};
use crate::guard::{Admitted, Cleared};
use crate::runbook::expression;
use crate::runbook::model::CommandId;
use crate::target::stream::Conduct;
use crate::timeline::identifier::EventId;
use crate::timeline::record::{Output, Record, RunId};

/// Lines of one command that wait to be written and shown.
const LINES: usize = 1024;

/// What an effect means for the console itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Tell(Notice),
    Quit,
}

pub struct Performer {
    desk: Arc<Desk>,
    /// The target as it was pinned when the incident opened.
    target: Identity,
    world: Sender,
    recorder: mpsc::Sender<Record>,
    /// The incident's directory.
    dir: PathBuf,
    causes: Causes,
    tasks: JoinSet<()>,
    runs: BTreeMap<RunId, CancellationToken>,
    preparing: BTreeMap<Token, AbortHandle>,
}

/// What a run task needs of the performer.
struct Run {
    id: RunId,
    command: Option<CommandId>,
    cancel: CancellationToken,
    scope: Value,
    desk: Arc<Desk>,
    world: Sender,
    file: Option<(PathBuf, EventId)>,
}

impl Performer {
    pub fn new(desk: Desk, target: Identity, world: Sender, recorder: &Recorder, dir: PathBuf) -> Self {
        Self {
            desk: Arc::new(desk),
            target,
            world,
            recorder: recorder.records.clone(),
            dir,
            causes: Arc::clone(&recorder.causes),
            tasks: JoinSet::new(),
            runs: BTreeMap::new(),
            preparing: BTreeMap::new(),
        }
    }

    /// Starts what an effect asks for. Never waits.
    pub fn perform(&mut self, effect: Effect) -> Option<Said> {
        while self.tasks.try_join_next().is_some() {}
        match effect {
            Effect::Append(record) => self.append(*record),
            Effect::Consider { token, step, scope } => {
                let (desk, target, world) = (Arc::clone(&self.desk), self.target.clone(), self.world.clone());
                self.tasks.spawn(async move {
                    let considered = block_in_place(|| {
                        let view = View { runbook: &desk.runbook, kind: desk.kind, target: &target, scope: &scope };
                        consider(&view, token, &step)
                    });
                    answer(&world, Event::Considered(considered)).await;
                });
            }
            Effect::Prepare { token, request, scope } => {
                let (desk, world) = (Arc::clone(&self.desk), self.world.clone());
                let task = self.tasks.spawn(async move {
                    let result = prepare(&desk, request, scope).await;
                    answer(&world, Event::Prepared { token, result }).await;
                });
                self.preparing.insert(token, task);
            }
            Effect::Look => {
                let (desk, world) = (Arc::clone(&self.desk), self.world.clone());
                self.tasks.spawn(async move {
                    let facts = desk.hands.facts().await;
                    answer(&world, Event::Looked(facts)).await;
                });
            }
            Effect::Abandon(token) => {
                self.preparing.remove(&token).iter().for_each(AbortHandle::abort);
            }
            Effect::Read { run, command, admitted, after, scope } => {
                let run = self.run(run, command, scope);
                self.tasks.spawn(read(run, admitted, after));
            }
            Effect::Apply { run, command, cleared, scope } => {
                let run = self.run(run, command, scope);
                self.tasks.spawn(apply(run, cleared));
            }
            Effect::Stop(run) => self.runs.get(&run).into_iter().for_each(CancellationToken::cancel),
            Effect::Measure { run, commands, scope } => {
                let (desk, world) = (Arc::clone(&self.desk), self.world.clone());
                self.tasks.spawn(async move {
                    let readings = desk.measure.readings(commands.iter(), &scope).await;
                    answer(&world, Event::Measured { run, readings }).await;
                });
            }
            Effect::Tell(notice) => return Some(Said::Tell(notice)),
            Effect::Quit => return Some(Said::Quit),
        }
        None
    }

    fn append(&mut self, record: Record) {
        if self.recorder.try_send(record).is_err() {
            let why = "records come faster than the disk takes them".to_owned();
            let world = self.world.clone();
            self.tasks.spawn(async move { answer(&world, Event::LogLost { why }).await });
        }
    }

    fn run(&mut self, id: RunId, command: Option<CommandId>, scope: Value) -> Run {
        let cancel = self.runs.entry(id).or_default().clone();
        let file = cause(&self.causes, id).map(|event| (self.dir.clone(), event));
        Run { id, command, cancel, scope, desk: Arc::clone(&self.desk), world: self.world.clone(), file }
    }

    /// Whether anything still runs.
    pub fn is_idle(&mut self) -> bool {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.is_empty()
    }

    /// Asks everything to stop.
    pub fn stop_all(&self) {
        self.runs.values().for_each(CancellationToken::cancel);
        self.preparing.values().for_each(AbortHandle::abort);
    }
}

async fn answer(world: &Sender, event: Event) {
    // A closed console needs no answer any more.
    let _ = world.send(World::Event(event)).await;
}

impl Run {
    /// Runs something with a conduct, its lines on their way to the file and the screen.
    async fn conduct(&self, timeout: Duration, work: impl AsyncFnOnce(Conduct) -> Report) -> (Report, Option<Output>) {
        let (lines, waiting) = mpsc::channel(LINES);
        let conduct = Conduct { lines, cancel: self.cancel.clone(), timeout };
        let writing = Writing { run: self.id, file: self.file.clone(), world: self.world.clone() };
        tokio::join!(work(conduct), writing.forward(waiting))
    }

    fn judge(&self, report: Report, output: Option<Output>, began: Instant) -> Ran {
        let command = self.command.as_ref().and_then(|id| self.desk.runbook.command(id)).map(|(_, command)| command);
        let mut ran = block_in_place(|| judge(self.id, command, report, output, &self.scope));
        ran.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        ran
    }
}

async fn read(run: Run, admitted: Admitted, after: Duration) {
    let began = Instant::now();
    let planned = &admitted.read().planned;
    let timeout = Duration::from_millis(planned.timeout_ms);
    let (report, output) = if let Action::Compute(compute) = &planned.action {
        (block_in_place(|| computed(&compute.expression, &run.scope)), None)
    } else {
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = run.cancel.cancelled() => {}
        }
        run.conduct(timeout, async |conduct| run.desk.hands.read(&admitted, &conduct).await).await
    };
    let ran = run.judge(report, output, began);
    answer(&run.world, Event::Ran(Box::new(ran))).await;
}

fn computed(expression: &str, scope: &Value) -> Report {
    match expression::evaluate(expression, scope) {
        Ok(value) => {
            let mut report = Report::ended(Ending::Succeeded);
            report.tail = vec![value.as_str().map_or_else(|| value.to_string(), str::to_owned)];
            report.lines = 1;
            report.out = value;
            report
        }
        Err(undecided) => Report::ended(Ending::Failed(undecided.why)),
    }
}

async fn apply(run: Run, cleared: Box<Cleared<Write>>) {
    let began = Instant::now();
    let timeout = Duration::from_millis(cleared.planned().timeout_ms);
    let hands = Arc::clone(&run.desk.hands);
    let (report, output) = run.conduct(timeout, async |conduct| hands.apply(*cleared, &conduct).await).await;
    let ran = run.judge(report, output, began);
    answer(&run.world, Event::Applied(Box::new(ran))).await;
}

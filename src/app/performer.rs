//! Carries out effects: each becomes a task that answers with an event. Every task can be stopped, and none outlives the console.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
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
use crate::engine::{Effect, Event, Notice, Plea, Request};
use crate::guard::{Admitted, Cleared};
use crate::runbook::expression;
use crate::runbook::model::{CommandId, StepId};
use crate::target::stream::Conduct;
use crate::timeline::identifier::EventId;
use crate::timeline::record::{Output, Record, RunId};

/// Lines of one command that wait to be written and shown.
const LINES: usize = 1024;

/// What an effect means for the console itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Tell(Notice),
    Exercise(Plea),
    Quit,
}

/// Whether new work is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// The console ends: what runs is being stopped, and nothing is sent any more.
    Ending,
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
    stage: Stage,
    /// Commands that run. Each is stopped and its end is waited for.
    tasks: JoinSet<()>,
    /// What is only rendered or looked at. It can be dropped at any point.
    looks: JoinSet<()>,
    runs: BTreeMap<RunId, CancellationToken>,
    preparing: BTreeMap<Token, AbortHandle>,
    lane: Lane,
}

/// In which order what is looked at is answered.
#[derive(Debug)]
enum Lane {
    /// As it comes.
    Free,
    /// As it was asked: a stepped drill goes the same way each time. Holds the end of the one asked last.
    Single(Option<oneshot::Receiver<()>>),
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
            stage: Stage::Open,
            tasks: JoinSet::new(),
            looks: JoinSet::new(),
            runs: BTreeMap::new(),
            preparing: BTreeMap::new(),
            lane: Lane::Free,
        }
    }

    /// From now on what is looked at is answered in the order it was asked for.
    pub fn in_single_file(&mut self) {
        self.lane = Lane::Single(None);
    }

    /// Starts what is only looked at or rendered.
    fn glance(&mut self, work: impl Future<Output = Event> + Send + 'static) -> AbortHandle {
        let (done, next) = oneshot::channel();
        let before = match &mut self.lane {
            Lane::Free => None,
            Lane::Single(last) => last.replace(next),
        };
        let world = self.world.clone();
        self.looks.spawn(async move {
            let event = work.await;
            if let Some(before) = before {
                // Its end is all that counts, however it came.
                let _ = before.await;
            }
            answer(&world, event).await;
            drop::<oneshot::Sender<()>>(done);
        })
    }

    /// Starts what an effect asks for. Never waits.
    pub fn perform(&mut self, effect: Effect) -> Option<Said> {
        self.reap();
        match (self.stage, effect) {
            (_, Effect::Append(record)) => self.append(*record),
            (_, Effect::Abandon(token)) => self.preparing.remove(&token).iter().for_each(AbortHandle::abort),
            (_, Effect::Stop(run)) => self.runs.get(&run).into_iter().for_each(CancellationToken::cancel),
            (_, Effect::Tell(notice)) => return Some(Said::Tell(notice)),
            (_, Effect::Exercise(plea)) => return Some(Said::Exercise(plea)),
            (_, Effect::Quit) => return Some(Said::Quit),
            (Stage::Open, Effect::Consider { token, step, scope }) => self.consider(token, step, scope),
            (Stage::Open, Effect::Prepare { token, request, scope }) => self.prepare(token, request, scope),
            (Stage::Open, Effect::Look) => self.look(),
            (Stage::Open, Effect::Measure { run, commands, scope }) => self.measure(run, commands, scope),
            (Stage::Open, Effect::Read { run, command, admitted, after, scope }) => {
                let run = self.run(run, command, scope);
                self.tasks.spawn(read(run, admitted, after));
            }
            (Stage::Open, Effect::Apply { run, command, cleared, scope }) => {
                let run = self.run(run, command, scope);
                self.tasks.spawn(apply(run, cleared));
            }
            (Stage::Ending, Effect::Consider { .. } | Effect::Prepare { .. } | Effect::Look | Effect::Measure { .. }) => {}
            (Stage::Ending, Effect::Read { run, .. }) => self.leave_out(Event::Ran, run, Ending::Stopped),
            (Stage::Ending, Effect::Apply { run, .. }) => {
                self.leave_out(Event::Applied, run, Ending::Unreachable("nothing was sent: the console was ending".to_owned()));
            }
        }
        None
    }

    fn consider(&mut self, token: Token, step: StepId, scope: Value) {
        let (desk, target) = (Arc::clone(&self.desk), self.target.clone());
        self.glance(async move {
            Event::Considered(block_in_place(|| {
                let view = View { runbook: &desk.runbook, kind: desk.kind, target: &target, scope: &scope };
                consider(&view, token, &step)
            }))
        });
    }

    fn prepare(&mut self, token: Token, request: Request, scope: Value) {
        let desk = Arc::clone(&self.desk);
        let task = self.glance(async move { Event::Prepared { token, result: prepare(&desk, request, scope).await } });
        self.preparing.insert(token, task);
    }

    fn look(&mut self) {
        let desk = Arc::clone(&self.desk);
        self.glance(async move { Event::Looked(desk.hands.facts().await) });
    }

    fn measure(&mut self, run: RunId, commands: Vec<CommandId>, scope: Value) {
        let desk = Arc::clone(&self.desk);
        self.glance(async move { Event::Measured { run, readings: desk.measure.readings(commands.iter(), &scope).await } });
    }

    /// Answers for something that is not begun any more.
    fn leave_out(&mut self, event: fn(Box<Ran>) -> Event, run: RunId, ending: Ending) {
        let world = self.world.clone();
        self.tasks.spawn(async move { answer(&world, event(Box::new(Ran::plain(run, Report::ended(ending))))).await });
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

    /// Counts out what has ended.
    fn reap(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        while self.looks.try_join_next().is_some() {}
        self.preparing.retain(|_, task| !task.is_finished());
    }

    /// Whether no command runs any more.
    pub fn is_idle(&mut self) -> bool {
        self.reap();
        self.tasks.is_empty()
    }

    /// Until one of the running commands has ended. At once where none runs.
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }

    /// Asks every command to stop, drops what only looks, and begins nothing any more.
    pub fn wind_up(&mut self) {
        self.stage = Stage::Ending;
        self.runs.values().for_each(CancellationToken::cancel);
        self.looks.abort_all();
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
            () = run.desk.clock.sleep(after) => {}
            () = run.cancel.cancelled() => {}
        }
        run.conduct(timeout, async |conduct| run.desk.hands.read(&admitted, &conduct).await).await
    };
    if let Some(text) = for_clipboard(&planned.action, &report) {
        // A closed console has no clipboard.
        let _ = run.world.send(World::Copy(text)).await;
    }
    let ran = run.judge(report, output, began);
    answer(&run.world, Event::Ran(Box::new(ran))).await;
}

/// The message of an `announce` without a webhook.
fn for_clipboard(action: &Action, report: &Report) -> Option<String> {
    let is_announced = matches!(action, Action::Announce(_)) && report.ending == Ending::Succeeded;
    is_announced.then(|| report.out.as_str().map(str::to_owned))?
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

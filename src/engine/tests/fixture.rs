//! A small runbook and a console that is driven by hand: nothing is acknowledged or answered unless the test says so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::action::identity::{ClusterIdentity, ObjectIdentity};
use crate::action::kube::{Deployment, Get, Kube, Pod, Scale};
use crate::action::{Action, Description, Ending, Identity, Planned, Preview, Report, Write};
use crate::engine::event::{Considered, Decided, Event, Intent, Prepared, Ran, Ready, Rendered, Stamped, Token};
use crate::engine::{Effect, Notice, Request, Setup, State, Wish, handle};
use crate::guard::Policy;
use crate::guard::tier::Reach;
use crate::runbook::model::{
    ActionKind, ActionSpec, Card, Command, CommandId, Effect as Tag, Finding, Phase, Place, Requirement, Retry, Runbook, Step, StepId,
    TargetKind, Watch,
};
use crate::runbook::source::{Node, Span, Spanned, Value as Yaml};
use crate::timeline::record::{Happening, Mode, Opened, Record, RunId};

pub fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::default())
}

fn text(text: &str) -> Spanned<String> {
    spanned(text.to_owned())
}

pub fn command(id: &str, effect: Tag, place: Place) -> Command {
    let fields = Node { value: Yaml::Map(Vec::new()), span: Span::default() };
    Command {
        id: id.into(),
        title: text(&format!("The command {id}")),
        effect,
        place,
        when: None,
        action: ActionSpec { kind: ActionKind::Run, verb: None, fields, span: Span::default() },
        capture: Vec::new(),
        expect: None,
        value: None,
        watch: None,
        retry: None,
        timeout: Duration::from_secs(30),
        remember: Vec::new(),
        undo: None,
        irreversible: None,
        verify: None,
        measure: Vec::new(),
        hazards: Vec::new(),
        span: Span::default(),
    }
}

fn step(id: &str, phase: Phase, commands: Vec<Command>) -> Step {
    Step {
        id: id.into(),
        phase,
        title: text(&format!("The step {id}")),
        why: "Because the test says so.".to_owned(),
        requires: Vec::new(),
        commands,
        findings: Vec::new(),
        span: Span::default(),
    }
}

fn finding(means: &str, go: Option<&str>) -> Finding {
    Finding { when: text("true"), means: text(means), go: go.map(|go| spanned(go.into())) }
}

/// `on-host` (host only) comes first, so that a cluster incident must pass it over; then `look`, `fix`, `cure`, `end`.
pub fn runbook() -> Runbook {
    let (read, change) = (Tag::ReadOnly, Tag::Mutating);
    let watch = Watch {
        every: Duration::from_secs(2),
        until: text("out.ready == out.desired"),
        hold: Duration::from_secs(4),
        timeout: Duration::from_secs(20),
    };
    let retry = Some(Retry { times: 2, delay: Duration::from_secs(1) });
    let reads = (0..10).map(|number| command(&format!("read_{number}"), read, Place::Cluster));
    let mut look = step(
        "look",
        Phase::FirstChecks,
        vec![
            command("error_rate", read, Place::Here),
            command("logs", read, Place::Cluster),
            command("seen", read, Place::Here),
            command("seen_too", read, Place::Here),
            Command { watch: Some(watch), ..command("rollout", read, Place::Cluster) },
            Command { retry, ..command("flaky", read, Place::Here) },
        ],
    );
    look.commands.extend(reads);
    look.findings = vec![finding("It is slow", None), finding("It is the release", Some("cure"))];
    let verify = || Some(spanned("ready_now".into()));
    let scale = Command { verify: verify(), measure: vec![spanned("error_rate".into())], ..command("scale", change, Place::Cluster) };
    let delete = Command { verify: verify(), retry, ..command("delete", change, Place::Cluster) };
    let mut fix = step("fix", Phase::Recovery, vec![scale, delete, command("ready_now", read, Place::Cluster)]);
    fix.requires = vec![Requirement { command: spanned("error_rate".into()), max_age: Duration::from_secs(60) }];
    let restart = command("restart", change, Place::Cluster);
    let steps = vec![
        step("on-host", Phase::FirstChecks, vec![command("top", read, Place::Host)]),
        look,
        fix,
        step("cure", Phase::Recovery, vec![restart]),
        step("end", Phase::Verification, Vec::new()),
    ];
    Runbook {
        id: "slow".into(),
        title: "Slow service".to_owned(),
        summary: String::new(),
        targets: vec![TargetKind::Cluster, TargetKind::Host],
        symptoms: Vec::new(),
        inputs: Vec::new(),
        card: Card { owner: Some("team-shop".to_owned()), ..Card::default() },
        steps,
    }
}

pub fn setup() -> Setup {
    Setup {
        runbook: Arc::new(runbook()),
        policy: Arc::new(Policy::default()),
        service: json!({ "name": "checkout", "slo": "99.9 %" }),
        target: json!({ "kind": "cluster" }),
        workload: "checkout".to_owned(),
        read_only: false,
        person: true,
        actor: "ana".to_owned(),
        drill: None,
    }
}

pub fn opened(target_kind: TargetKind) -> Opened {
    Opened {
        qrh: "0.1.0".to_owned(),
        mode: Mode::Live,
        read_only: false,
        runbook: "slow".into(),
        runbook_title: "Slow service".to_owned(),
        runbook_sha256: "00".to_owned(),
        service: Value::Null,
        service_name: "checkout".to_owned(),
        target_kind,
        target: cluster(),
        inputs: BTreeMap::new(),
        actor: "ana".to_owned(),
        detected: None,
    }
}

pub fn cluster() -> Identity {
    Identity::Cluster(ClusterIdentity {
        context: "prod-eu".to_owned(),
        server: "https://10.0.0.1:6443".to_owned(),
        namespace: "shop".to_owned(),
        user: Some("ana@prod-eu".to_owned()),
        object: Some(ObjectIdentity {
            generation: None,
            kind: "Deployment".to_owned(),
            name: "checkout".to_owned(),
            uid: "u-1".to_owned(),
            resource_version: "812".to_owned(),
        }),
    })
}

pub fn policy(with: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    with(&mut policy);
    policy
}

pub fn scale(replicas: i64) -> Action {
    Action::Kube(Kube::Scale(Scale { deployment: "checkout".to_owned(), replicas, current_replicas: None }))
}

/// What each command of the runbook is once rendered.
pub fn action(id: &str) -> Action {
    use crate::action::ask::{Answer, Ask};
    use crate::action::http::{Http, Method};
    use crate::action::run::Run;
    let deployment = || Deployment { deployment: "checkout".to_owned() };
    match id {
        "error_rate" => Action::Promql(crate::action::promql::Promql { query: "up".to_owned(), server: None, range: None, step: None }),
        "seen" | "seen_too" => Action::Ask(Ask { question: "Do you see errors?".to_owned(), answer: Answer::Tick }),
        "flaky" => Action::Http(Http { url: "http://127.0.0.1/".to_owned(), method: Method::Get, headers: BTreeMap::new(), body: None }),
        "rollout" | "ready_now" => Action::Kube(Kube::RolloutStatus(deployment())),
        "scale" => scale(5),
        "delete" => Action::Kube(Kube::DeletePod(Pod { pod: "checkout-1".to_owned() })),
        "restart" => Action::Kube(Kube::RolloutRestart(deployment())),
        "logs" | "top" | "ad_hoc" => Action::Run(Run { argv: vec!["uptime".to_owned()], env: BTreeMap::new(), dir: None }),
        _ => {
            let get = Get { resource: "pods".to_owned(), name: None, selector: None, field_selector: None };
            Action::Kube(Kube::Get(get))
        }
    }
}

pub fn wish(title: &str, effect: Tag, action: Action, undo: Option<Action>) -> Wish {
    let describes = |action: &Action| Description { runs: vec![format!("do {}", action.name())], by_hand: Some("kubectl do".to_owned()) };
    Wish {
        title: title.to_owned(),
        effect,
        describes: describes(&action),
        undo_describes: undo.as_ref().map(describes),
        write: Write { planned: Planned { action, place: Place::Cluster, timeout_ms: 30_000 }, identity: cluster(), undo },
        preview: Preview::None("the test has no server".to_owned()),
        reach: Reach { objects: 1, pods: Some(3) },
        hazards: Vec::new(),
        stops: Vec::new(),
        fighters: Vec::new(),
        workload: "checkout".to_owned(),
    }
}

/// What an honest target makes of a request.
pub fn honest(request: &Request) -> Prepared {
    let (title, effect, action, undo) = match request {
        Request::Command(id) => {
            let book = runbook();
            let found = book.command(id).unwrap().1;
            let undo = match id.as_str() {
                "scale" => Some(scale(3)),
                "restart" => Some(action("restart")),
                _ => None,
            };
            (found.title.value.clone(), found.effect, action(id.as_str()), undo)
        }
        Request::AdHoc { line, effect } => (line.clone(), *effect, action("ad_hoc"), None),
        Request::Undo { title, undo, redo, .. } => (title.clone(), Tag::Mutating, (**undo).clone(), Some((**redo).clone())),
    };
    let verdict = action.classify();
    Prepared { wish: wish(&title, effect, action, undo), verdict, facts: None, remembered: BTreeMap::new(), before: Vec::new() }
}

pub fn report(ending: Ending) -> Report {
    Report { tail: vec!["a line".to_owned()], lines: 1, out: json!({ "value": 1 }), ..Report::ended(ending) }
}

/// A console whose log, target and clock are the test's.
pub struct Console {
    state: Option<State>,
    pub now: Timestamp,
    /// Appended, not yet acknowledged.
    pub pending: VecDeque<Record>,
    /// Acknowledged, in order.
    pub log: Vec<Record>,
    /// Everything else that went out and was not taken.
    pub effects: VecDeque<Effect>,
}

impl Console {
    pub fn opening(setup: Setup) -> Self {
        let now = "2026-03-01T03:00:00Z".parse().unwrap();
        let (state, effects) = State::open(setup, opened(TargetKind::Cluster), now);
        let mut console = Self::holding(state, now);
        console.keep(effects);
        console
    }

    pub fn holding(state: State, now: Timestamp) -> Self {
        Self { state: Some(state), now, pending: VecDeque::new(), log: Vec::new(), effects: VecDeque::new() }
    }

    /// Open, acknowledged, at `look`.
    pub fn open() -> Self {
        let mut console = Self::opening(setup());
        console.settle();
        console.effects.clear();
        console
    }

    /// As [`Console::open`], at a step, with fresh evidence for its changes.
    pub fn at(step: &str) -> Self {
        let mut console = Self::open();
        console.read("error_rate");
        console.intend(Intent::GoTo(step.into()));
        console.settle();
        console.effects.clear();
        console
    }

    pub fn state(&self) -> &State {
        self.state.as_ref().unwrap()
    }

    pub fn state_mut(&mut self) -> &mut State {
        self.state.as_mut().unwrap()
    }

    pub fn keep(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append(record) => self.pending.push_back(*record),
                other => self.effects.push_back(other),
            }
        }
    }

    pub fn send(&mut self, event: Event) {
        let (state, effects) = handle(self.state.take().unwrap(), Stamped { at: self.now, event });
        self.state = Some(state);
        self.keep(effects);
    }

    pub fn intend(&mut self, intent: Intent) {
        self.send(Event::Person(intent));
    }

    pub fn wait(&mut self, time: Duration) {
        self.now += SignedDuration::try_from(time).unwrap();
    }

    /// Acknowledges the oldest record.
    pub fn acknowledge(&mut self) -> Record {
        let record = self.pending.pop_front().expect("a record to acknowledge");
        self.log.push(record.clone());
        self.send(Event::Recorded(record.clone()));
        record
    }

    /// Acknowledges all, and what follows from it.
    pub fn settle(&mut self) {
        while !self.pending.is_empty() {
            self.acknowledge();
        }
    }

    pub fn take<T>(&mut self, pick: impl Fn(&Effect) -> Option<T>) -> Option<T> {
        let (at, found) = self.effects.iter().enumerate().find_map(|(at, effect)| Some((at, pick(effect)?)))?;
        self.effects.remove(at);
        Some(found)
    }

    pub fn prepare(&mut self) -> (Token, Request) {
        let found = self.take(|effect| match effect {
            Effect::Prepare { token, request, .. } => Some((*token, request.clone())),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("something to prepare, not {:?} {:?}", self.effects, self.pending))
    }

    pub fn answer_prepare(&mut self) {
        let (token, request) = self.prepare();
        self.send(Event::Prepared { token, result: Ok(Box::new(honest(&request))) });
    }

    pub fn start(&mut self, id: &str) {
        self.intend(Intent::Start(id.into()));
        self.answer_prepare();
    }

    /// Runs a held read to its good end.
    pub fn read(&mut self, id: &str) -> RunId {
        self.start(id);
        self.settle();
        let run = self.reading().expect("a read");
        self.ran(run, Ending::Succeeded);
        self.settle();
        run
    }

    pub fn reading(&mut self) -> Option<RunId> {
        self.take(|effect| match effect {
            Effect::Read { run, .. } => Some(*run),
            _ => None,
        })
    }

    pub fn applying(&mut self) -> Option<RunId> {
        self.take(|effect| match effect {
            Effect::Apply { run, .. } => Some(*run),
            _ => None,
        })
    }

    pub fn considering(&mut self) -> Option<Token> {
        let mut newest = None;
        while let Some(token) = self.take(|effect| match effect {
            Effect::Consider { token, .. } => Some(*token),
            _ => None,
        }) {
            newest = Some(token);
        }
        newest
    }

    pub fn said(&mut self) -> Vec<Notice> {
        let mut said = Vec::new();
        while let Some(notice) = self.take(|effect| match effect {
            Effect::Tell(notice) => Some(notice.clone()),
            _ => None,
        }) {
            said.push(notice);
        }
        said
    }

    /// The only thing said since last asked.
    pub fn heard(&mut self) -> String {
        let said = self.said();
        assert_eq!(said.len(), 1, "{said:?}");
        said[0].text().to_owned()
    }

    pub fn quits(&mut self) -> bool {
        self.take(|effect| matches!(effect, Effect::Quit).then_some(())).is_some()
    }

    pub fn ran(&mut self, run: RunId, ending: Ending) {
        self.send(Event::Ran(Box::new(Ran::plain(run, report(ending)))));
    }

    pub fn probed(&mut self, run: RunId, expected: bool) {
        self.send(Event::Ran(Box::new(Ran { expected: Some(expected), ..Ran::plain(run, report(Ending::Succeeded)) })));
    }

    pub fn applied(&mut self, run: RunId, ending: Ending) {
        self.send(Event::Applied(Box::new(Ran::plain(run, report(ending)))));
    }

    /// Types an answer after a second's thought.
    pub fn answer(&mut self, text: &str) {
        self.answer_with(text, None);
    }

    pub fn answer_with(&mut self, text: &str, reason: Option<&str>) {
        self.wait(Duration::from_secs(1));
        self.intend(Intent::Answer { text: text.to_owned(), reason: reason.map(str::to_owned), considered_ms: 1_000 });
    }

    /// Clears a change of tier 2 and has it sent.
    pub fn change(&mut self, id: &str) -> RunId {
        self.start(id);
        self.answer_right();
        self.settle();
        self.applying().expect("a change that is sent")
    }

    pub fn answer_right(&mut self) {
        use crate::engine::change::Change;
        use crate::guard::Challenge;
        let Change::Asking(asking) = &self.state().change else { panic!("nothing is asked: {:?}", self.effects) };
        let text = match asking.proposal.challenge() {
            Challenge::Yes => "y".to_owned(),
            Challenge::TypeName(name) | Challenge::Recall { name, .. } => name.clone(),
        };
        self.answer_with(&text, Some("the test needs it"));
    }

    /// Clears a change, has it sent, and loses its outcome.
    pub fn lose(&mut self, id: &str) -> RunId {
        let run = self.change(id);
        self.applied(run, Ending::Unknown("no answer".to_owned()));
        self.settle();
        self.effects.clear();
        run
    }

    pub fn happened(&self) -> Vec<&'static str> {
        self.log.iter().map(|record| name(&record.happening)).collect()
    }

    /// Renders the current step; `holds` are the findings of `look` that hold.
    pub fn consider(&mut self, holds: &[usize]) {
        let token = self.considering().expect("a step to consider");
        self.send(Event::Considered(considered(self.state(), token, holds)));
    }
}

pub fn considered(state: &State, token: Token, holds: &[usize]) -> Considered {
    let step = state.current_step().unwrap();
    let commands = state.commands(step).map(|command| {
        let action = action(command.id.as_str());
        let ready = Ready::Now { describes: wish("", command.effect, action.clone(), None).describes, verdict: action.classify() };
        Rendered { id: command.id.clone(), title: command.title.value.clone(), ready }
    });
    let book = runbook();
    let look = book.step(&"look".into()).unwrap();
    let findings = look.findings.iter().enumerate().map(|(number, finding)| Decided {
        step: look.id.clone(),
        number,
        holds: holds.contains(&number),
        means: finding.means.value.clone(),
        go: finding.go.as_ref().map(|go| go.value.clone()),
    });
    Considered { token, step: step.id.clone(), title: step.title.value.clone(), commands: commands.collect(), findings: findings.collect() }
}

pub fn id(id: &str) -> CommandId {
    id.into()
}

pub fn step_id(id: &str) -> StepId {
    id.into()
}

pub fn name(happening: &Happening) -> &'static str {
    match happening {
        Happening::Opened(_) => "opened",
        Happening::Resumed { .. } => "resumed",
        Happening::Closed { .. } => "closed",
        Happening::StepEntered { .. } => "entered",
        Happening::StepCompleted { .. } => "completed",
        Happening::StepSkipped { .. } => "skipped",
        Happening::StepMisfit { .. } => "misfit",
        Happening::FactsRead { .. } => "facts",
        Happening::Started(_) => "started",
        Happening::Intended(_) => "intended",
        Happening::Finished(_) => "finished",
        Happening::Ruled { .. } => "ruled",
        Happening::Refused { .. } => "refused",
        Happening::Declined { .. } => "declined",
        Happening::FindingHeld { .. } => "held",
        Happening::FindingLifted { .. } => "lifted",
        Happening::Noted { .. } => "noted",
        Happening::Measured { .. } => "measured",
        Happening::LogMended { .. } => "mended",
        Happening::DrillBegan(_) => "drill began",
        Happening::DrillInjected(_) => "injected",
        Happening::DrillHinted(_) => "hinted",
        Happening::DrillObserved(_) => "observed",
        Happening::DrillDiagnosed(_) => "diagnosed",
        Happening::DrillRated(_) => "rated",
        Happening::DrillPaused { .. } => "paused",
        Happening::DrillContinued { .. } => "continued",
        Happening::DrillRevealed(_) => "revealed",
        Happening::DrillEnded(_) => "drill ended",
    }
}

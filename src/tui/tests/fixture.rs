//! A console under test: model and engine wired as `app` wires them, with a log that always acknowledges and a world that answers
//! what the test says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use crate::action::ask::{Answer, Ask};
use crate::action::identity::{ClusterIdentity, HostIdentity, ObjectIdentity, ProcessIdentity};
use crate::action::kube::{Deployment, Get, Kube, Scale};
use crate::action::shell::Shell;
use crate::action::{Action, Description, Ending, Hold, Identity, Planned, Preview, Report, Verdict, Write};
use crate::engine::event::{Considered, Decided, Prepared, Ran, Ready, Rendered, Token};
use crate::engine::{self, Effect, Event, Intent, Setup, Stamped, State, Wish};
use crate::runbook::model::{
    ActionKind, ActionSpec, Card, Command, CommandId, Effect as Tag, Finding, Hazard, Phase, Place, Requirement, Runbook, RunbookId, Step,
    StepId, TargetKind,
};
use crate::runbook::source::{Node, Span, Spanned, Value};
use crate::timeline::record::{Mode, Opened, Reading, RunId};
use crate::tui::{self, Input, Keymap, Model, Out, Theme};

pub fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::default())
}

fn spec(kind: ActionKind) -> ActionSpec {
    ActionSpec { kind, verb: None, fields: Node { value: Value::Null, span: Span::default() }, span: Span::default() }
}

fn command(id: &str, title: &str, effect: Tag) -> Command {
    Command {
        id: CommandId::from(id),
        title: spanned(title.to_owned()),
        effect,
        place: Place::Here,
        when: None,
        action: spec(ActionKind::Kube),
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

fn step(id: &str, phase: Phase, title: &str, commands: Vec<Command>) -> Step {
    Step {
        id: StepId::from(id),
        phase,
        title: spanned(title.to_owned()),
        why: "Know what is true before anything is changed.".to_owned(),
        requires: Vec::new(),
        commands,
        findings: Vec::new(),
        span: Span::default(),
    }
}

pub fn runbook() -> Runbook {
    let reads = vec![
        command("pods", "Pods and their restarts", Tag::ReadOnly),
        command("throttling", "CPU throttling of the container", Tag::ReadOnly),
        command("traffic", "Is traffic higher than usual?", Tag::ReadOnly),
    ];
    let mut scale = command("scale_out", "Scale checkout out to 6", Tag::Mutating);
    scale.undo = Some(spec(ActionKind::Kube));
    scale.verify = Some(spanned(CommandId::from("pods")));
    scale.hazards = vec![Hazard { when: None, says: spanned("An HPA owns the replica count".to_owned()), stop: false }];
    let mut drop_caches = command("drop_node", "Cordon the node", Tag::Mutating);
    drop_caches.irreversible = Some("pods that leave it come up elsewhere".to_owned());
    let mut contain = step("contain", Phase::Containment, "Scale out while the event loop still turns", vec![scale, drop_caches]);
    contain.requires = vec![
        Requirement { command: spanned(CommandId::from("pods")), max_age: Duration::from_secs(900) },
        Requirement { command: spanned(CommandId::from("throttling")), max_age: Duration::from_secs(300) },
    ];
    let mut confirm = step("confirm", Phase::FirstChecks, "Confirm that the CPU is saturated", reads);
    confirm.findings = vec![Finding {
        when: spanned("true".to_owned()),
        means: spanned("throttled".to_owned()),
        go: Some(spanned(StepId::from("contain"))),
    }];
    Runbook {
        id: RunbookId::from("high-cpu"),
        title: "High CPU".to_owned(),
        summary: String::new(),
        targets: vec![TargetKind::Cluster, TargetKind::Host],
        symptoms: Vec::new(),
        inputs: Vec::new(),
        card: Card::default(),
        steps: vec![
            confirm,
            step(
                "correlate",
                Phase::FirstChecks,
                "Correlate with deploys and traffic",
                vec![command("deploys", "Recent deploys", Tag::ReadOnly)],
            ),
            contain,
            step("profile", Phase::Diagnosis, "Profile one replica", vec![command("profile", "CPU profile of one replica", Tag::ReadOnly)]),
            step("roll-back", Phase::Recovery, "Put the previous version back", Vec::new()),
            step("verify", Phase::Verification, "Latency and CPU are back to normal", vec![command("p99", "p99 latency", Tag::ReadOnly)]),
            step("escalate", Phase::Escalation, "Call the owners of the service", Vec::new()),
            step("notes", Phase::PostIncident, "Write down what was learned", Vec::new()),
        ],
    }
}

pub const CONTEXT: &str = "prod-eu-1";

fn reached() -> ClusterIdentity {
    ClusterIdentity {
        context: CONTEXT.to_owned(),
        server: format!("https://{CONTEXT}.k8s.example:6443"),
        namespace: "shop".to_owned(),
        user: Some("alice".to_owned()),
        object: None,
    }
}

pub fn deployment() -> Identity {
    let object = ObjectIdentity {
        generation: Some(12),
        kind: "Deployment".to_owned(),
        name: "checkout".to_owned(),
        uid: "6f1c9a52-8a1e-4a0e-9a55-1f6f0a6f2d11".to_owned(),
        resource_version: "81472".to_owned(),
    };
    Identity::Cluster(ClusterIdentity { object: Some(object), ..reached() })
}

pub fn host() -> Identity {
    Identity::Host(HostIdentity { host: "web-17".to_owned(), process: Some(ProcessIdentity { pid: 4711, started_ticks: 99_120 }) })
}

fn opened() -> Opened {
    Opened {
        qrh: "0.1.0".to_owned(),
        mode: Mode::Live,
        read_only: false,
        runbook: RunbookId::from("high-cpu"),
        runbook_title: "High CPU".to_owned(),
        runbook_sha256: String::new(),
        service: json!({
            "name": "checkout", "owner": "team-payments", "dashboard": "https://grafana.example/d/checkout",
            "logs": "https://logs.example/checkout", "slo": "99.9 % under 300 ms", "dependencies": ["postgres", "payments-api"],
            "rollback_command": "kubectl rollout undo deployment/checkout", "feature_flags": null,
        }),
        service_name: "checkout".to_owned(),
        target_kind: TargetKind::Cluster,
        target: Identity::Cluster(reached()),
        inputs: BTreeMap::new(),
        actor: "alice".to_owned(),
        detected: None,
    }
}

fn scale(replicas: i64) -> Action {
    Action::Kube(Kube::Scale(Scale { deployment: "checkout".to_owned(), replicas, current_replicas: Some(4) }))
}

fn lines(runs: &[&str], by_hand: Option<&str>) -> Description {
    Description { runs: runs.iter().map(|line| (*line).to_owned()).collect(), by_hand: by_hand.map(str::to_owned) }
}

/// A change of capacity with a dry run: tier 2.
#[allow(clippy::default_trait_access)] // The type is the guard's, whose names this room does not use.
pub fn wish(title: &str) -> Wish {
    let planned = Planned { action: scale(6), place: Place::Cluster, timeout_ms: 30_000 };
    let mut wish = Wish {
        title: title.to_owned(),
        effect: Tag::Mutating,
        write: Write { planned, identity: deployment(), undo: Some(scale(4)) },
        describes: lines(
            &["PATCH /apis/apps/v1/namespaces/shop/deployments/checkout/scale {\"spec\":{\"replicas\":6}}"],
            Some(&format!("kubectl --context {CONTEXT} -n shop scale deployment/checkout --replicas=6 --current-replicas=4")),
        ),
        undo_describes: Some(lines(&["PATCH /apis/apps/v1/namespaces/shop/deployments/checkout/scale {\"spec\":{\"replicas\":4}}"], None)),
        preview: Preview::Diff(vec![" spec:".to_owned(), "-  replicas: 4".to_owned(), "+  replicas: 6".to_owned()]),
        reach: Default::default(),
        hazards: vec!["An HPA owns the replica count: it may scale back within a minute".to_owned()],
        stops: Vec::new(),
        fighters: vec!["HorizontalPodAutoscaler checkout (2 to 5)".to_owned()],
        workload: "checkout".to_owned(),
    };
    wish.reach.objects = 1;
    wish.reach.pods = Some(4);
    wish
}

/// The same target, restarted: reversible and narrow, so tier 1.
pub fn light_wish(title: &str) -> Wish {
    let mut wish = wish(title);
    wish.write.planned.action = Action::Kube(Kube::RolloutPause(Deployment { deployment: "checkout".to_owned() }));
    wish.write.undo = Some(Action::Kube(Kube::RolloutResume(Deployment { deployment: "checkout".to_owned() })));
    wish.describes = lines(&["PATCH deployments/checkout {\"spec\":{\"paused\":true}}"], Some("kubectl rollout pause deployment/checkout"));
    wish.undo_describes = Some(lines(&["PATCH deployments/checkout {\"spec\":{\"paused\":null}}"], None));
    wish.preview = Preview::Diff(vec!["+  paused: true".to_owned()]);
    wish.hazards.clear();
    wish.fighters.clear();
    wish
}

/// Without an undo: tier 3.
pub fn grave_wish(title: &str) -> Wish {
    let mut wish = wish(title);
    wish.write.undo = None;
    wish.undo_describes = None;
    wish.preview = Preview::None("the API has no dry run for this verb".to_owned());
    wish
}

/// A read that its client holds.
fn read_wish(title: &str) -> Wish {
    let mut wish = light_wish(title);
    wish.effect = Tag::ReadOnly;
    wish.write.undo = None;
    let pods = Get { resource: "pods".to_owned(), name: None, selector: Some("app=checkout".to_owned()), field_selector: None };
    wish.write.planned.action = Action::Kube(Kube::Get(pods));
    wish
}

/// A script that only its author says to read.
pub fn script_wish(title: &str) -> Wish {
    let mut wish = read_wish(title);
    wish.write.planned.action = Action::Shell(Shell { script: "cat /sys/fs/cgroup/cpu.stat".to_owned() });
    wish.write.identity = host();
    wish.describes = lines(&["sh -eu -c 'cat /sys/fs/cgroup/cpu.stat'"], None);
    wish.undo_describes = None;
    wish.preview = Preview::None("a script has no dry run".to_owned());
    wish
}

pub struct Console {
    pub model: Model,
    state: Option<State>,
    pub now: Timestamp,
    /// Intents that left, in order.
    pub intents: Vec<Intent>,
    pub copied: Vec<String>,
    /// What the engine asked of the world and the test has not answered.
    pub preparing: Vec<Token>,
    pub running: Vec<RunId>,
    pub quit: bool,
    pub findings: Vec<Decided>,
    pub size: (u16, u16),
}

impl Console {
    pub fn open() -> Self {
        Self::with(Theme::shipped("mono").unwrap(), Keymap::default())
    }

    pub fn with(theme: Theme, keys: Keymap) -> Self {
        Self::starting(theme, keys, opened(), false)
    }

    pub fn drill_read_only() -> Self {
        let opened = Opened { mode: Mode::Drill, target_kind: TargetKind::Host, target: host(), read_only: true, ..opened() };
        Self::starting(Theme::shipped("mono").unwrap(), Keymap::default(), opened, true)
    }

    fn starting(theme: Theme, keys: Keymap, opened: Opened, read_only: bool) -> Self {
        let now: Timestamp = "2026-03-01T03:12:00Z".parse().unwrap();
        let setup = Setup {
            runbook: Arc::new(runbook()),
            policy: Arc::default(),
            service: json!({}),
            target: json!({}),
            workload: "checkout".to_owned(),
            read_only,
            person: true,
            actor: "alice".to_owned(),
            drill: None,
        };
        let (state, effects) = State::open(setup, opened, now);
        let mut console = Self {
            model: Model::new(theme, keys),
            state: Some(state),
            now,
            intents: Vec::new(),
            copied: Vec::new(),
            preparing: Vec::new(),
            running: Vec::new(),
            quit: false,
            findings: Vec::new(),
            size: (80, 24),
        };
        console.carry_out(effects);
        console.resize(80, 24);
        console
    }

    pub fn state(&self) -> &State {
        self.state.as_ref().unwrap()
    }

    pub fn event(&mut self, event: Event) {
        let (state, effects) = engine::handle(self.state.take().unwrap(), Stamped { at: self.now, event });
        self.state = Some(state);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append(record) => {
                    self.event(Event::Recorded((*record).clone()));
                    self.input(Input::Recorded(*record));
                }
                Effect::Consider { token, step, .. } => {
                    let considered = self.considered(token, step);
                    self.event(Event::Considered(considered));
                }
                Effect::Prepare { token, .. } => self.preparing.push(token),
                Effect::Read { run, .. } | Effect::Apply { run, .. } => self.running.push(run),
                Effect::Tell(notice) => self.input(Input::Told(notice)),
                Effect::Quit => self.quit = true,
                Effect::Look | Effect::Abandon(_) | Effect::Stop(_) | Effect::Measure { .. } | Effect::Exercise(_) => {}
            }
        }
    }

    fn considered(&self, token: Token, id: StepId) -> Considered {
        let state = self.state();
        let step = state.setup.runbook.step(&id).unwrap();
        let render = |command: &Command| {
            let (runs, verdict): (&[&str], Verdict) = match (command.effect, command.id.as_str()) {
                (Tag::Mutating, _) => {
                    (&["PATCH deployments/checkout {\"spec\":{\"replicas\":6}}"], Verdict::Changes("it scales".to_owned()))
                }
                (Tag::ReadOnly, "throttling") => (&["sh -c 'cat /sys/fs/cgroup/cpu.stat'"], Verdict::Unknown("not examined".to_owned())),
                (Tag::ReadOnly, _) => {
                    (&["GET /api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout"], Verdict::Reads(Hold::ReadClient))
                }
            };
            let ready = Ready::Now { describes: lines(runs, Some("kubectl -n shop get pods -l app=checkout")), verdict };
            Rendered { id: command.id.clone(), title: command.title.value.clone(), ready }
        };
        let commands = state.commands(step).map(render).collect();
        Considered { token, title: step.title.value.clone(), commands, findings: self.findings.clone(), step: id }
    }

    pub fn input(&mut self, input: Input) {
        for out in tui::update(&mut self.model, self.state.as_ref().unwrap(), input, self.now) {
            match out {
                Out::Intent(intent) => {
                    self.intents.push(intent.clone());
                    self.event(Event::Person(intent));
                }
                Out::Copy(text) => self.copied.push(text),
            }
        }
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        self.input(Input::Resize(width, height));
    }

    /// A frame reached the terminal.
    pub fn draw(&mut self) -> Buffer {
        let buffer = self.buffer();
        self.model.shown(self.state.as_ref().unwrap(), self.now);
        buffer
    }

    fn buffer(&self) -> Buffer {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buffer = Buffer::empty(area);
        tui::view(&self.model, self.state(), self.now, area, &mut buffer);
        buffer
    }

    /// The screen as text.
    pub fn screen(&mut self) -> String {
        text(&self.draw())
    }

    pub fn at(&mut self, width: u16, height: u16) -> String {
        self.resize(width, height);
        self.screen()
    }

    pub fn wait(&mut self, milliseconds: i64) {
        self.now += SignedDuration::from_millis(milliseconds);
    }

    /// Presses keys as a person does: a frame and a pause before each. `x`, `<enter>`, `<ctrl-d>`, or text as it is typed.
    pub fn press(&mut self, keys: &str) {
        for key in parse(keys) {
            self.model.shown(self.state.as_ref().unwrap(), self.now);
            self.wait(1_100);
            self.input(Input::Key(key));
        }
    }

    /// One key at this moment, without a frame or a pause.
    pub fn key(&mut self, keys: &str) {
        for key in parse(keys) {
            self.input(Input::Key(key));
        }
    }

    /// The world made the oldest request ready.
    pub fn prepared(&mut self, wish: Wish) {
        let verdict = Verdict::Changes("it changes a Kubernetes object".to_owned());
        self.prepared_as(wish, verdict);
    }

    pub fn prepared_as(&mut self, wish: Wish, verdict: Verdict) {
        let token = self.preparing.remove(0);
        let before = vec![Reading { command: CommandId::from("p99"), value: Some(2100.0), unit: "ms".to_owned() }];
        let prepared = Prepared { wish, verdict, facts: Some(json!({ "replicas": 4 })), remembered: BTreeMap::new(), before };
        self.event(Event::Prepared { token, result: Ok(Box::new(prepared)) });
    }

    /// A read was made ready, and admitted.
    pub fn prepared_read(&mut self, title: &str) {
        self.prepared_as(read_wish(title), Verdict::Reads(Hold::ReadClient));
    }

    pub fn prepared_question(&mut self, question: &str, answer: Answer) {
        let mut wish = read_wish(question);
        wish.write.planned.action = Action::Ask(Ask { question: question.to_owned(), answer });
        self.prepared_as(wish, Verdict::Reads(Hold::NoEffect));
    }

    pub fn line(&mut self, text: &str) {
        let run = *self.running.last().unwrap();
        self.input(Input::Line { run, stderr: false, text: text.to_owned() });
    }

    fn report(ending: Ending, tail: &[&str]) -> Report {
        let tail: Vec<String> = tail.iter().map(|line| (*line).to_owned()).collect();
        Report { lines: tail.len() as u64, tail, exit: None, ..Report::ended(ending) }
    }

    /// The newest read came to its end.
    pub fn read_ends(&mut self, ending: Ending, tail: &[&str]) {
        let run = self.running.pop().unwrap();
        self.event(Event::Ran(Box::new(Ran::plain(run, Self::report(ending, tail)))));
    }

    /// The change came to its end.
    pub fn change_ends(&mut self, ending: Ending) {
        let run = self.running.pop().unwrap();
        self.event(Event::Applied(Box::new(Ran::plain(run, Self::report(ending, &[])))));
    }

    /// Goes to the step with changes and marks the first.
    pub fn at_contain(&mut self) {
        self.event(Event::Person(Intent::GoTo(StepId::from("contain"))));
    }

    /// A confirmation is on the screen and has been read.
    pub fn asked(wish: Wish) -> Self {
        let mut console = Self::open();
        for id in ["pods", "throttling"] {
            console.event(Event::Person(Intent::Start(CommandId::from(id))));
            console.prepared_read("evidence");
            console.read_ends(Ending::Succeeded, &["checkout-6c9f 1/1 Running"]);
        }
        console.at_contain();
        console.press("x");
        console.intents.clear();
        console.prepared(wish);
        console.draw();
        console
    }
}

pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut lines = Vec::new();
    for y in area.y..area.bottom() {
        let mut line = String::new();
        let mut x = area.x;
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap().max(1);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// Keys from `ab<enter><ctrl-d>`.
pub fn parse(keys: &str) -> Vec<KeyEvent> {
    let mut events = Vec::new();
    let mut rest = keys;
    while let Some(first) = rest.chars().next() {
        let (name, after) = match rest.strip_prefix('<').and_then(|inner| inner.split_once('>')) {
            Some((name, after)) => (name, after),
            None => rest.split_at(first.len_utf8()),
        };
        events.push(named(name));
        rest = after;
    }
    events
}

fn named(name: &str) -> KeyEvent {
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    if let Some(letter) = name.strip_prefix("ctrl-") {
        return KeyEvent::new(KeyCode::Char(letter.chars().next().unwrap()), KeyModifiers::CONTROL);
    }
    match name {
        "enter" => plain(KeyCode::Enter),
        "esc" => plain(KeyCode::Esc),
        "tab" => plain(KeyCode::Tab),
        "shift-tab" => KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT),
        "up" => plain(KeyCode::Up),
        "down" => plain(KeyCode::Down),
        "left" => plain(KeyCode::Left),
        "right" => plain(KeyCode::Right),
        "pgup" => plain(KeyCode::PageUp),
        "pgdn" => plain(KeyCode::PageDown),
        "backspace" => plain(KeyCode::Backspace),
        letter => plain(KeyCode::Char(letter.chars().next().unwrap())),
    }
}

/// The same key, as a terminal reports one held down.
pub fn held(key: &str) -> KeyEvent {
    KeyEvent { kind: KeyEventKind::Repeat, ..parse(key)[0] }
}

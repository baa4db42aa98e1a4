//! The keys of `qrh.runbook/v1`.

use std::time::Duration;

use super::shape::{Case, Group, Key, Kind, Shape};

pub const SCHEMA: &str = "qrh.runbook/v1";

const EFFECTS: &[&str] = &["read-only", "mutating"];
const PLACES: &[&str] = &["cluster", "host", "here"];
const TARGETS: &[&str] = &["cluster", "host"];
const PHASES: &[&str] = &["first-checks", "containment", "diagnosis", "recovery", "verification", "escalation", "post-incident"];
const SIMPLE_INPUTS: &[&str] = &["text", "number", "bool", "duration"];

const fn seconds(least: u64, most: u64) -> Kind {
    Kind::Duration { least: Duration::from_secs(least), most: Duration::from_secs(most) }
}

const fn list(of: &'static Kind, least: usize, most: usize) -> Kind {
    Kind::List { of, least, most }
}

const EXPRESSIONS: Kind = Kind::Map { keys: Case::Snake, of: &Kind::Expression };

pub static RUNBOOK: Shape = Shape {
    name: "a runbook",
    keys: &[
        Key::required("schema", Kind::Schema(SCHEMA), "The format and its version."),
        Key::required("id", Kind::Id(Case::Kebab), "The runbook's identity; a team's runbook with the id of a shipped one replaces it."),
        Key::required("title", Kind::Text, "A few words, as they stand in lists."),
        Key::required("summary", Kind::Text, "What happened and what this runbook does about it, in a sentence or two."),
        Key::required("targets", list(&Kind::Word(TARGETS), 1, 2), "What kinds of target it is for."),
        Key::optional("symptoms", list(&Kind::Object(&SYMPTOM), 0, 30), "Signs that this runbook fits; triage ranks runbooks by them."),
        Key::optional("inputs", Kind::Map { keys: Case::Snake, of: &Kind::Object(&INPUT) }, "Values the responder gives when it opens."),
        Key::optional("card", Kind::Object(&CARD), "Fields of the service card that replace those of the catalog."),
        Key::required("steps", list(&Kind::Object(&STEP), 1, 63), "The steps, in the order of their phases."),
    ],
    shared: &[],
    groups: &[],
    action: false,
    instead: &[
        ("name", "write `title` for what people read, `id` for what qrh uses"),
        ("description", "write `summary`"),
        ("version", "the version is part of `schema: qrh.runbook/v1`"),
        ("service", "the service and its target come from services.yaml; `card` replaces fields of its card"),
    ],
};

pub static SYMPTOM: Shape = Shape {
    name: "a symptom",
    keys: &[
        Key::required("says", Kind::Text, "The sign, as a person would say it."),
        Key::optional("probe", Kind::Action, "A read-only action that tells whether it is there."),
        Key::optional("when", Kind::Expression, "Over the probe's `out`: true where the sign is there."),
        Key::optional("weight", Kind::Integer { least: 1, most: 10 }, "How much it counts in triage; 1 unless said."),
    ],
    shared: &[],
    groups: &[Group::Together(&["probe", "when"])],
    action: false,
    instead: &[],
};

pub static INPUT: Shape = Shape::new(
    "an input",
    &[
        Key::required(
            "type",
            Kind::Either(&Kind::Word(SIMPLE_INPUTS), &Kind::Object(&CHOICE)),
            "What it holds: text, number, bool, duration, or {choice: [a, b]}.",
        ),
        Key::optional("default", Kind::Scalar, "The value unless the responder gives another."),
        Key::required("help", Kind::Text, "What to give, and where to find it."),
    ],
);

pub static CHOICE: Shape = Shape::new("a choice", &[Key::required("choice", list(&Kind::Text, 2, 20), "The values to choose from.")]);

/// The service card: in a runbook, and in the catalog.
pub static CARD: Shape = Shape::new("a service card", CARD_KEYS);

pub const CARD_KEYS: &[Key] = &[
    Key::optional("owner", Kind::Text, "The team that answers for the service."),
    Key::optional("dashboard", Kind::Text, "Where its graphs are."),
    Key::optional("logs", Kind::Text, "Where its logs are."),
    Key::optional("trace_query", Kind::Text, "The query that finds its traces."),
    Key::optional("slo", Kind::Text, "What it promises."),
    Key::optional("dependencies", list(&Kind::Text, 0, 100), "What it needs to work."),
    Key::optional("rollback_command", Kind::Text, "How a person rolls it back by hand."),
    Key::optional("feature_flags", Kind::Text, "Where its flags are switched."),
    Key::optional("recent_deploy_command", Kind::Text, "How a person sees what was deployed lately."),
];

pub static STEP: Shape = Shape {
    name: "a step",
    keys: &[
        Key::required("id", Kind::Id(Case::Kebab), "The step's name in `go`, unique in the runbook."),
        Key::required("phase", Kind::Word(PHASES), "Which of the seven phases it belongs to."),
        Key::required("title", Kind::Template, "What is done, in a few words."),
        Key::required("why", Kind::Text, "What it is good for."),
        Key::optional(
            "requires",
            list(&Kind::Object(&REQUIREMENT), 0, 10),
            "Evidence that must be fresh before a change in this step may run.",
        ),
        Key::required("commands", list(&Kind::Object(&COMMAND), 0, 20), "What can be run, each with its effect."),
        Key::optional("findings", list(&Kind::Object(&FINDING), 0, 20), "What the evidence means, and where to go then."),
    ],
    shared: &[],
    groups: &[],
    action: false,
    instead: &[("name", "write `title` for what people read, `id` for what `go` names"), ("run", "actions stand under `commands`")],
};

pub static REQUIREMENT: Shape = Shape::new(
    "a requirement",
    &[
        Key::required("command", Kind::Id(Case::Snake), "The read-only command that gives the evidence."),
        Key::required("max_age", seconds(1, 24 * 3600), "How old its result may be."),
    ],
);

pub static COMMAND: Shape = Shape {
    name: "a command",
    keys: &[
        Key::required("id", Kind::Id(Case::Snake), "The command's name in templates and expressions, unique in the runbook."),
        Key::required("title", Kind::Template, "What it does, in a few words."),
        Key::required("effect", Kind::Word(EFFECTS), "Whether it only reads or changes something."),
        Key::optional(
            "on",
            Kind::Word(PLACES),
            "Where it acts. Required for run and shell; kube is on the cluster, other kinds are here unless said.",
        ),
        Key::optional("when", Kind::Expression, "It is offered only while this holds."),
        Key::optional("capture", EXPRESSIONS, "Names kept from the result, each an expression over `out`, `exit` and `lines`."),
        Key::optional("expect", Kind::Expression, "What a good result looks like; another one is shown as unexpected."),
        Key::optional("value", Kind::Short { shape: &MEASURED, key: "of" }, "The number in the result, for `measure`."),
        Key::optional("watch", Kind::Object(&WATCH), "Repeat it until something holds. Read-only commands only."),
        Key::optional("retry", Kind::Object(&RETRY), "Try again where it fails. Read-only commands only."),
        Key::optional("timeout", seconds(1, 3600), "How long one run may take; 30s unless said."),
        Key::optional("remember", EXPRESSIONS, "Prior state, read just before the change, for the undo."),
        Key::optional("undo", Kind::Action, "The action that puts it back."),
        Key::optional("irreversible", Kind::Text, "Why there is no undo."),
        Key::optional("verify", Kind::Id(Case::Snake), "The read-only command that settles an unknown outcome."),
        Key::optional(
            "measure",
            list(&Kind::Id(Case::Snake), 0, 10),
            "Read-only commands with a `value`, read just before and after the change.",
        ),
        Key::optional("hazards", list(&Kind::Object(&HAZARD), 0, 10), "What may go wrong, said before the change is cleared."),
    ],
    shared: &[],
    groups: &[],
    action: true,
    instead: &[
        ("name", "write `title` for what people read, `id` for what templates use"),
        ("command", "write `run: [program, argument]`, or `shell: |` for a script"),
        ("cmd", "write `run: [program, argument]`, or `shell: |` for a script"),
        ("script", "write `shell: |`"),
        ("prometheus", "write `promql:`"),
        ("kubectl", "write `kube:` with a verb, or `run: [kubectl, …]`"),
        ("bash", "write `shell: |`"),
        ("target", "write `on: cluster`, `on: host` or `on: here`"),
        ("go", "`go` belongs to a finding of the step"),
        ("findings", "findings belong to the step, beside `commands`"),
        ("requires", "requires belongs to the step, beside `commands`"),
    ],
};

pub static MEASURED: Shape = Shape::new(
    "a value",
    &[
        Key::required("of", Kind::Expression, "An expression over `out`, `exit` and `lines` that gives a number."),
        Key::optional("unit", Kind::Word(&["ms", "s", "%", "MiB", "req/s"]), "Its unit; a bare number unless said."),
    ],
);

pub static WATCH: Shape = Shape::new(
    "a watch",
    &[
        Key::required("every", seconds(1, 300), "Time between two runs."),
        Key::required("until", Kind::Expression, "Over `out`, `exit` and `lines`: what ends it."),
        Key::optional("hold", seconds(0, 3600), "How long `until` must have held; 0s unless said."),
        Key::required("timeout", seconds(1, 24 * 3600), "When to give up."),
    ],
);

pub static RETRY: Shape = Shape::new(
    "a retry",
    &[
        Key::required("times", Kind::Integer { least: 1, most: 5 }, "Further tries."),
        Key::optional("delay", seconds(1, 300), "Time between two tries; 2s unless said."),
    ],
);

pub static HAZARD: Shape = Shape::new(
    "a hazard",
    &[
        Key::optional("when", Kind::Expression, "It holds only then; always unless said."),
        Key::required("says", Kind::Template, "What may go wrong, and what to do."),
        Key::optional("stop", Kind::Bool, "True: the change is refused while this holds."),
    ],
);

pub static FINDING: Shape = Shape::new(
    "a finding",
    &[
        Key::required("when", Kind::Expression, "The evidence."),
        Key::required("means", Kind::Template, "What it means."),
        Key::optional("go", Kind::Id(Case::Kebab), "The step to go to."),
    ],
);

//! The keys of `qrh.drill/v1`: the one list that the loader, the JSON Schema and the documentation read.

use std::time::Duration;

use crate::runbook::vocabulary::{Case, Group, Key, Kind, Shape};

pub const SCHEMA: &str = "qrh.drill/v1";

/// Longest drill.
const LONGEST: u64 = 4 * 3600;

const SENDERS: &[&str] = &["pager", "support", "chat", "executive"];
const ABOUT: &[&str] = &["diagnosis", "mitigation", "safety", "communication"];
const LEFT_OUT: &str = "Ids of injects, decoys and faults of the drill that this level leaves out.";

const fn within(least: u64, most: u64) -> Kind {
    Kind::Duration { least: Duration::from_secs(least), most: Duration::from_secs(most) }
}

const fn list(of: &'static Kind, least: usize, most: usize) -> Kind {
    Kind::List { of, least, most }
}

const AFTER: Kind = within(0, LONGEST);
const PARAMETERS: Kind = Kind::Map { keys: Case::Snake, of: &Kind::Scalar };

pub static DRILL: Shape = Shape {
    name: "a drill",
    keys: &[
        Key::required("schema", Kind::Schema(SCHEMA), "The format and its version."),
        Key::required("id", Kind::Id(Case::Kebab), "The drill's identity. Trainees see it: name the sign, not the cause."),
        Key::required("title", Kind::Text, "A few words, as they stand in lists."),
        Key::required("summary", Kind::Text, "What is practised, without giving the cause away."),
        Key::required("runbook", Kind::Id(Case::Kebab), "The runbook that fits."),
        Key::optional("opens", Kind::Id(Case::Kebab), "The runbook the page suggests, where that is not the one that fits."),
        Key::required("service", Kind::Id(Case::Kebab), "The service of the world it is about."),
        Key::required("world", Kind::Object(&WORLD), "What it plays on."),
        Key::optional(
            "clock",
            Kind::Either(&Kind::Word(&["real", "stepped"]), &Kind::Object(&SCALED)),
            "real, stepped, or {scaled: N}; real unless said.",
        ),
        Key::required("limit", within(60, LONGEST), "When it ends by itself, in the world's time."),
        Key::required("briefing", Kind::Text, "What the trainee is told before the page."),
        Key::optional("roles", list(&Kind::Object(&ROLE), 0, 10), "Who does what in the room."),
        Key::required("faults", list(&Kind::Object(&FAULT), 1, 20), "What is wrong with the world. Hidden."),
        Key::required("injects", list(&Kind::Object(&INJECT), 1, 50), "Messages to the trainee."),
        Key::optional("decoys", list(&Kind::Object(&DECOY), 0, 20), "Messages that lead away from the cause."),
        Key::optional("hints", list(&Kind::Object(&HINT), 0, 10), "What may be asked for, at a price."),
        Key::required("causes", list(&Kind::Object(&CAUSE), 2, 12), "What the trainee chooses the diagnosis from."),
        Key::required("success", Kind::Object(&SUCCESS), "When the harm has stopped. Hidden."),
        Key::optional("fail", list(&Kind::Object(&FAIL), 0, 10), "What must not happen. Hidden."),
        Key::required("objectives", list(&Kind::Object(&OBJECTIVE), 1, 12), "What is practised, and how it is rated."),
        Key::optional("must_reach", list(&Kind::Object(&MILESTONE), 0, 20), "What a way through the runbook meets. Hidden."),
        Key::optional("must_not_reach", list(&Kind::Object(&MILESTONE), 0, 20), "What it must not meet. Hidden."),
        Key::required("autopilot", Kind::Object(&AUTOPILOT), "How it is played without a person. Hidden."),
        Key::required("hotwash", list(&Kind::Text, 1, 20), "Questions to talk about afterwards."),
        Key::required("levels", Kind::Object(&LEVELS), "What the two levels change."),
    ],
    shared: &[],
    groups: &[],
    action: false,
    instead: &[
        ("name", "write `title` for what people read, `id` for what qrh uses"),
        ("description", "write `summary`"),
        ("page", "the page is the first of `injects`, `from: pager`"),
        ("symptoms", "symptoms belong to the runbook; what the trainee is told stands in `injects`"),
        ("seed", "the seed belongs to `world`"),
        ("timeout", "write `limit`"),
        ("level", "write `levels`, with `basic` and `hard`"),
    ],
};

static WORLD: Shape = Shape::new(
    "a world",
    &[
        Key::required("kind", Kind::Word(&["cluster", "local"]), "cluster: simulated, in process. local: a real small Node service."),
        Key::optional("baseline", Kind::Word(&["shop"]), "What it is before anything happens; shop unless said."),
        Key::optional("seed", Kind::Integer { least: 0, most: i64::MAX }, "Two drills of one seed play alike; 1 unless said."),
    ],
);

static SCALED: Shape = Shape::new(
    "a scaled clock",
    &[Key::required("scaled", Kind::Integer { least: 2, most: 60 }, "Seconds of the world in one second of the wall.")],
);

static ROLE: Shape = Shape::new(
    "a role",
    &[Key::required("name", Kind::Text, "What it is called."), Key::required("does", Kind::Text, "What is asked of who has it.")],
);

static FAULT: Shape = Shape {
    name: "a fault",
    keys: &[
        Key::required("id", Kind::Id(Case::Snake), "Its name in predicates: `faults.ID`."),
        Key::required("kind", Kind::Id(Case::Kebab), "What is wrong: docs/DRILLS.md lists the kinds."),
        Key::optional("service", Kind::Id(Case::Kebab), "Where; the drill's service unless said."),
        Key::optional("at", AFTER, "When it begins, after the drill did; 0s unless said."),
        Key::optional("with", PARAMETERS, "Parameters of the kind."),
    ],
    shared: &[],
    groups: &[],
    action: false,
    instead: &[("when", "a fault begins `at` a time"), ("parameters", "write `with`")],
};

const MESSAGE: &[Key] = &[
    Key::required("id", Kind::Id(Case::Kebab), "Its name, unique among injects and decoys."),
    Key::optional("at", AFTER, "When it comes, after the drill began."),
    Key::optional("when", Kind::Expression, "It comes once, as soon as this holds."),
    Key::required("from", Kind::Word(SENDERS), "Who sends it."),
    Key::required("text", Kind::Text, "What it says."),
];

static INJECT: Shape = Shape {
    name: "an inject",
    keys: MESSAGE,
    shared: &[],
    groups: &[Group::ExactlyOne(&["at", "when"])],
    action: false,
    instead: &[("after", "write `at`"), ("says", "write `text`"), ("message", "write `text`")],
};

static DECOY: Shape = Shape {
    name: "a decoy",
    keys: &[Key::required("truth", Kind::Text, "Why it is not the cause, and what shows it. Told in the hot wash.")],
    shared: MESSAGE,
    groups: &[Group::ExactlyOne(&["at", "when"])],
    action: false,
    instead: &[("after", "write `at`"), ("says", "write `text`"), ("because", "write `truth`")],
};

static HINT: Shape = Shape::new(
    "a hint",
    &[
        Key::required("after", AFTER, "It may be asked for from then on."),
        Key::required("text", Kind::Text, "What it says."),
        Key::required("penalty", Kind::Integer { least: 0, most: 100 }, "What it costs, in points."),
    ],
);

static CAUSE: Shape = Shape {
    name: "a cause",
    keys: &[
        Key::required("id", Kind::Id(Case::Kebab), "What the trainee answers with."),
        Key::required("says", Kind::Text, "The cause in a sentence."),
        Key::optional("right", Kind::Bool, "Whether it is the one; false unless said. Hidden."),
        Key::required("because", Kind::Text, "What shows it, or speaks against it. Told in the hot wash."),
    ],
    shared: &[],
    groups: &[],
    action: false,
    instead: &[("true", "write `right: true`"), ("why", "write `because`")],
};

static SUCCESS: Shape = Shape::new(
    "a success",
    &[
        Key::required("mitigated", Kind::Expression, "What holds once the harm has stopped."),
        Key::required("durable_for", within(10, 3600), "How long it must have held to count."),
    ],
);

static FAIL: Shape = Shape::new(
    "a fail condition",
    &[
        Key::required("id", Kind::Id(Case::Kebab), "Its name in the log."),
        Key::required("when", Kind::Expression, "It holds then."),
        Key::required("why", Kind::Text, "Why it must not happen."),
        Key::optional("ends", Kind::Bool, "Whether the drill ends there; false unless said."),
    ],
);

static OBJECTIVE: Shape = Shape {
    name: "an objective",
    keys: &[
        Key::required("id", Kind::Id(Case::Kebab), "Its name in the log."),
        Key::required("says", Kind::Text, "What is to be done, in a sentence."),
        Key::required("about", Kind::Word(ABOUT), "What it belongs to."),
        Key::optional("rated", Kind::Object(&RUBRIC), "How the timeline rates it."),
        Key::optional("looks_for", Kind::Text, "What a facilitator looks for, who rates it by hand."),
    ],
    shared: &[],
    groups: &[Group::ExactlyOne(&["rated", "looks_for"])],
    action: false,
    instead: &[],
};

static RUBRIC: Shape = Shape::new(
    "a rating",
    &[
        Key::required("shown_by", list(&Kind::Object(&QUERY), 1, 10), "The first event that fits one of these proves it."),
        Key::required("performed", AFTER, "Shown by then, after the first page: Performed."),
        Key::required("some", AFTER, "Shown by then: Some challenges. Later: Major challenges. Never: Unable."),
        Key::optional("lowered_by", list(&Kind::Object(&LAPSE), 0, 10), "Each of these that is found lowers the rating by one."),
    ],
);

const EVENT: &[Key] = &[
    Key::required("event", Kind::Text, "The event's type, such as qrh.finding.held."),
    Key::optional("where", Kind::Expression, "Over its `data`, `after` (seconds since the first page) and `command`; any unless said."),
];

static QUERY: Shape = Shape::new("a query", EVENT);

static LAPSE: Shape = Shape {
    name: "a lapse",
    keys: &[Key::required("because", Kind::Text, "What it says about how it went.")],
    shared: EVENT,
    groups: &[],
    action: false,
    instead: &[],
};

static MILESTONE: Shape = Shape {
    name: "a milestone",
    keys: &[
        Key::optional("step", Kind::Id(Case::Kebab), "A step that was entered."),
        Key::optional("command", Kind::Id(Case::Snake), "A command that ran."),
        Key::optional("lead", Kind::Id(Case::Kebab), "A step that a finding which held leads to."),
    ],
    shared: &[],
    groups: &[Group::ExactlyOne(&["step", "command", "lead"])],
    action: false,
    instead: &[("finding", "write `lead`, with the step that the finding goes to")],
};

static AUTOPILOT: Shape = Shape::new(
    "an autopilot",
    &[
        Key::optional("answers", Kind::Map { keys: Case::Snake, of: &Kind::Scalar }, "Replies to `ask` commands, by the command."),
        Key::optional(
            "confirm",
            list(&Kind::Id(Case::Snake), 0, 20),
            "Changes it confirms where the runbook leads to them; it declines all others.",
        ),
        Key::required("diagnoses", list(&Kind::Object(&CONCLUSION), 1, 10), "What it states as the cause, by the first that holds."),
    ],
);

static CONCLUSION: Shape = Shape::new(
    "a conclusion",
    &[
        Key::required("when", Kind::Expression, "Over the incident: what it knows by then."),
        Key::required("cause", Kind::Id(Case::Kebab), "One of the causes."),
    ],
);

static LEVELS: Shape = Shape::new(
    "levels",
    &[
        Key::required("basic", Kind::Object(&LEVEL), "For the first time, or for a team that is new to it."),
        Key::required("hard", Kind::Object(&LEVEL), "With more noise, weaker signs or less help."),
    ],
);

static LEVEL: Shape = Shape::new(
    "a level",
    &[
        Key::required("says", Kind::Text, "What makes it this level; trainees see it."),
        Key::optional("without", list(&Kind::Text, 0, 30), LEFT_OUT),
        Key::optional("faults", Kind::Map { keys: Case::Snake, of: &PARAMETERS }, "Parameters of faults, by the fault's id."),
        Key::optional("injects", list(&Kind::Object(&INJECT), 0, 20), "Added to the drill's."),
        Key::optional("decoys", list(&Kind::Object(&DECOY), 0, 20), "Added to the drill's."),
        Key::optional("hints", list(&Kind::Object(&HINT), 0, 10), "In place of the drill's."),
        Key::optional("limit", within(60, LONGEST), "In place of the drill's."),
    ],
);

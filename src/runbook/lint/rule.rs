//! Every rule a document is held to: its name, how grave it is, and one line of why. The documentation lists this table.

/// How grave a broken rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// The document is not loaded.
    Error,
    /// A warning; an error under `--strict`, which the shipped runbooks pass.
    StrictError,
    /// Said, and never more.
    Warning,
}

macro_rules! rules {
    ($($rule:ident $name:literal $gravity:ident $why:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $why] $rule,)*
        }

        impl Rule {
            /// In the order a document is checked.
            pub const ALL: &'static [Self] = &[$(Self::$rule,)*];

            /// As it stands in messages and documentation.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }

            pub fn gravity(self) -> Gravity {
                match self {
                    $(Self::$rule => Gravity::$gravity,)*
                }
            }

            /// One line: why the rule is there.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Self::$rule => $why,)*
                }
            }
        }
    };
}

rules! {
    TooLarge "too-large" Error "A file is at most 1 MiB, 64 levels deep and 50,000 values, aliases counted each time they are used.";
    NotUtf8 "not-utf8" Error "A file is UTF-8 text.";
    Syntax "syntax" Error "A file is one YAML 1.2 document without tags or directives.";
    DuplicateKey "duplicate-key" Error "A map has each key once: a second one would hide the first.";
    UnknownKey "unknown-key" Error "A key qrh does not know is most often a slip, and would be ignored in silence.";
    MissingKey "missing-key" Error "Some keys can't be left out.";
    WrongType "wrong-type" Error "Each key wants one type of value.";
    UnknownValue "unknown-value" Error "Where a key takes one of a few words, only those are taken.";
    OutOfRange "out-of-range" Error "Numbers, durations and lists have limits.";
    BadDuration "bad-duration" Error "A duration is a whole number with ms, s, m or h.";
    BadId "bad-id" Error "Runbook and step ids are kebab-case; command ids and names are snake_case, since templates and expressions use them.";
    OneAction "one-action" Error "A command has exactly one action, so that it is plain what it runs.";
    OneOf "one-of" Error "Some keys exclude each other, or need one of a group.";
    DuplicateId "duplicate-id" Error "An id or name stands for one thing.";
    ReservedName "reserved-name" Error "Names qrh itself gives a meaning can't be taken by a command, an input or a capture.";
    UnknownCommand "unknown-command" Error "requires, verify and measure name commands of this runbook.";
    UnknownStep "unknown-step" Error "A finding goes to a step of this runbook.";
    EndlessFindings "endless-findings" Error "A step whose every finding leads back to it leaves no way on.";
    BadTemplate "bad-template" Error "A template parses and uses only what qrh offers.";
    BadExpression "bad-expression" Error "An expression is valid CEL within its limits.";
    UndefinedVariable "undefined-variable" Error "A name in a template or an expression is defined where it is used: an undefined one stops the command at the worst time.";
    UnquotablePlaceholder "unquotable-placeholder" Error "In a script a placeholder stands as a plain word of its own, so that quoting holds it whatever it contains.";
    PlaceDisagrees "place-disagrees" Error "An action runs only where its kind can.";
    PlaceNotInTargets "place-not-in-targets" Error "A command on a target the runbook is not for would never be offered.";
    EffectDisagrees "effect-disagrees" Error "The author's tag and what qrh makes of the command are the same.";
    MutatingWithoutVerify "mutating-without-verify" Error "A change names the read-only command that settles an unknown outcome.";
    MutatingWithoutUndo "mutating-without-undo" Error "A change has an undo, or says why it is irreversible.";
    UndoAndIrreversible "undo-and-irreversible" Error "A change either has an undo or is irreversible.";
    UndoReadsOnly "undo-reads-only" Error "An undo that only reads puts nothing back.";
    VerifyNotReadOnly "verify-not-read-only" Error "The command that settles an outcome must not change anything itself.";
    MeasureNotReadOnly "measure-not-read-only" Error "What is measured around a change is read, never changed.";
    MeasureWithoutValue "measure-without-value" Error "A measured command says with `value` which number to read.";
    RequiresNotReadOnly "requires-not-read-only" Error "Required evidence is read: a change is not evidence.";
    ProbeNotReadOnly "probe-not-read-only" Error "A symptom's probe runs before anybody decides anything, so it only reads.";
    RetryOnMutating "retry-on-mutating" Error "qrh never repeats a change.";
    WatchOnMutating "watch-on-mutating" Error "A watch repeats its command, and qrh never repeats a change.";
    ChangeKeysOnReadOnly "change-keys-on-read-only" Error "remember, undo, irreversible, verify, measure and hazards belong to a change.";
    StepWithoutCommands "step-without-commands" Error "A step has commands, not only prose.";
    TooManySteps "too-many-steps-in-phase" Error "A phase has at most nine steps: more are not read at 3 a.m.";
    PhaseOrder "phase-order" StrictError "Steps stand in the order of the phases, as they are worked and shown.";
    MissingPhase "missing-phase" StrictError "A runbook has all seven phases.";
    MissingSymptoms "missing-symptoms" StrictError "Without symptoms triage can't find the runbook.";
    TargetsWithoutCommands "targets-without-commands" StrictError "Every step has a command for every target the runbook is for.";
    UnusedCapture "unused-capture" Warning "A captured or remembered value nothing uses is noise, or a slip in its name.";
    UnusedInput "unused-input" Warning "A question nothing uses costs the responder time.";
    ShellInRun "shell-in-run" Warning "`sh -c` in run defeats the quoting that shell gives every placeholder.";
    UnknownRunbook "unknown-runbook" Error "A drill names runbooks that are there.";
    BadFault "bad-fault" Error "A fault is of a kind the world knows, on a service it has, with parameters in range.";
    UnknownName "unknown-name" Error "What names a cause, a fault or a message of the drill names one that is there.";
    OneTrueCause "one-true-cause" Error "Exactly one of the causes to choose from is the right one.";
    UnknownEvent "unknown-event" Error "A rating looks for events that a timeline has.";
    TimesDisagree "times-disagree" Error "What is due comes before the drill's end, and a better rating is not given for a longer time.";
    MilestonesDisagree "milestones-disagree" Error "What a way must reach it can't be forbidden to reach.";
    AutopilotDisagrees "autopilot-disagrees" Error "The autopilot answers what is asked and confirms what changes something.";
    NoPage "no-page" StrictError "A drill begins with a message that says why anybody looks.";
    LevelsAlike "levels-alike" StrictError "Two levels between which nothing differs are one.";
    GivesAway "gives-away" StrictError "What a trainee reads before the end does not name the fault or the switch behind it.";
    NothingRated "nothing-rated" StrictError "A drill rates diagnosis and mitigation, each with an objective of its own.";
    TooManyProblems "too-many-problems" Error "Only the first 100 problems of a file are listed.";
}

impl Rule {
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_each_stands_once() {
        let mut names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        for name in &names {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
            assert_eq!(Rule::find(name).map(Rule::name), Some(*name));
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Rule::ALL.len());
    }

    #[test]
    fn every_explanation_is_one_sentence() {
        for rule in Rule::ALL {
            assert!(rule.explanation().ends_with('.') && !rule.explanation().contains('\n'), "{rule:?}");
        }
    }
}

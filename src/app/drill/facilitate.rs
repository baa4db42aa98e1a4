//! What a facilitator's lines mean: to see what is hidden, to send and keep back messages, to hold the clock, to rate by hand.

use super::door::Request;
use super::{Move, Stage};
use crate::drill::exercise::Delivery;
use crate::drill::scenario::model::{Due, Truth};
use crate::engine::State;
use crate::timeline::drill::Rating;
use crate::timeline::record::Happening;

const BY: &str = "facilitator";

const HELP: &[&str] = &[
    "status                     how the world is, the faults, the messages",
    "script                     the drill's document, hidden part and all",
    "fire ID                    send this message now",
    "hold ID | release ID       keep a message back, or let it come when it is due",
    "say TEXT                   a message of your own to the trainee",
    "pause | continue           hold the clock of the drill's world, or let it go on",
    "rate OBJECTIVE RATING WHY  RATING: performed, some, major, unable",
    "help                       these lines",
];

/// What an accepted line leads to, and what is said about it.
type Done = Result<(Vec<Move>, Vec<String>), String>;

impl Stage {
    /// Answers a facilitator.
    pub fn answer(&mut self, state: &State, request: Request) -> Vec<Move> {
        let (word, rest) = request.line.split_once(char::is_whitespace).unwrap_or((&request.line, ""));
        let (moves, says) = match self.obey(state, word, rest.trim()) {
            Ok(done) => done,
            Err(why) => (Vec::new(), vec![format!("!! {why}")]),
        };
        // A facilitator who has gone has no use for the answer.
        let _ = request.answer.send(says);
        moves
    }

    fn obey(&mut self, state: &State, word: &str, rest: &str) -> Done {
        let logged = |happening: Happening, says: String| Ok((vec![Move::Append(happening)], vec![says]));
        let said = |lines: Vec<String>| Ok((Vec::new(), lines));
        match word {
            "status" | "" => said(self.status(state)),
            "script" => said(self.exercise.document().lines().map(str::to_owned).collect()),
            "help" => said(HELP.iter().map(|line| (*line).to_owned()).collect()),
            "fire" => logged(self.exercise.fire(rest)?, format!("{rest} was sent")),
            "hold" => self.exercise.hold(rest, true).map(|()| (Vec::new(), vec![format!("{rest} is kept back")])),
            "release" => self.exercise.hold(rest, false).map(|()| (Vec::new(), vec![format!("{rest} comes when it is due")])),
            "say" if rest.is_empty() => Err("say what: say TEXT".to_owned()),
            "say" => logged(self.exercise.say(rest), "sent".to_owned()),
            "pause" if self.is_real() => Err("this drill's service is real, and its time can't be held".to_owned()),
            "pause" if self.paused => Err("the clock stands still already".to_owned()),
            "pause" => {
                self.pause(true);
                logged(Happening::DrillPaused { by: BY.to_owned() }, "the clock stands still".to_owned())
            }
            "continue" if !self.paused => Err("the clock runs already".to_owned()),
            "continue" => {
                self.pause(false);
                logged(Happening::DrillContinued { by: BY.to_owned() }, "the clock goes on".to_owned())
            }
            "rate" => self.rate(rest),
            other => Err(format!("there is no command \"{other}\"; \"help\" lists them")),
        }
    }

    fn pause(&mut self, held: bool) {
        self.paused = held;
        self.story.hold(held);
    }

    fn rate(&self, rest: &str) -> Done {
        let mut words = rest.splitn(3, char::is_whitespace);
        let (objective, rating, why) =
            (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let found = match rating {
            "performed" => Rating::Performed,
            "some" => Rating::SomeChallenges,
            "major" => Rating::MajorChallenges,
            "unable" => Rating::Unable,
            other => return Err(format!("\"{other}\" is no rating: performed, some, major or unable")),
        };
        if why.trim().is_empty() {
            return Err("say why: rate OBJECTIVE RATING WHY".to_owned());
        }
        let rated = self.exercise.rate(objective, found, (BY, why.trim()))?;
        Ok((vec![Move::Append(rated)], vec![format!("{objective}: {}", found.as_str())]))
    }

    fn status(&self, state: &State) -> Vec<String> {
        let drill = self.exercise.drill();
        let now = self.story.flow();
        let passed = now.duration_since(self.exercise.began_at()).as_secs();
        let clock = if self.paused { ", clock held" } else { "" };
        let mut lines =
            vec![format!("DRILL {} ({}), {passed} s of {} s{clock}", drill.id, self.exercise.level().as_str(), drill.limit.as_secs())];
        if let Some(ended) = self.exercise.ended() {
            lines.push(format!("ended, {}: {}", ended.outcome.as_str(), ended.why));
        }
        for (name, health) in self.health() {
            let well = if health.healthy { "well" } else { "NOT well" };
            let (share, p99) = (health.error_share * 100.0, health.p99_ms);
            lines.push(format!(
                "{name}: {well}, {share:.1} % errors, p99 {p99:.0} ms, {}/{} ready, {}",
                health.ready, health.wanted, health.version
            ));
            lines.extend(health.faults.iter().map(|fault| {
                let now = if fault.cured {
                    "cured"
                } else if fault.active {
                    "active"
                } else {
                    "quiet"
                };
                format!("  fault {}: {now}", fault.id)
            }));
        }
        for cause in &drill.causes {
            let truth = match cause.truth {
                Truth::Right => "RIGHT",
                Truth::Wrong => "wrong",
            };
            lines.push(format!("cause {} ({truth}): {}", cause.id, cause.says));
        }
        for inject in drill.messages() {
            let stands = match self.exercise.deliveries().get(&inject.id) {
                Some(Delivery::Sent) => "sent".to_owned(),
                Some(Delivery::Held) => "kept back".to_owned(),
                Some(Delivery::Waiting) | None => match &inject.due {
                    Due::At(after) => format!("due at {} s", after.as_secs()),
                    Due::When(when) => format!("due when {}", when.value),
                },
            };
            lines.push(format!("message {} from {}: {stands}", inject.id, inject.from.as_str()));
        }
        lines.extend(drill.objectives.iter().map(|objective| format!("objective {}: {}", objective.id, objective.says)));
        lines.push(format!("at step {}", state.incident.step.as_ref().map_or("none", |step| step.as_str())));
        lines
    }
}

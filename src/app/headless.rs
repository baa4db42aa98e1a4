//! A console without a front end: a drill that plays itself, for tests of runbooks.

use super::console::{Console, End, Ended, Flow, Front};
use super::open::Opening;
use super::world::Shown;
use crate::engine::state::Log;
use crate::engine::{Notice, State};
use crate::timeline::record::{Record, RunId};

/// Nobody looks.
struct Nobody;

impl Front for Nobody {
    fn recorded(&mut self, _state: &State, _record: &Record) {}
    fn told(&mut self, _state: &State, _notice: &Notice) {}
    fn lines(&mut self, _state: &State, _run: RunId, _lines: Vec<Shown>) {}
    fn copied(&mut self, _text: String) {}
}

/// Runs until the drill has ended. One that nobody plays, or whose log is lost, is left at once: it would wait for ever.
pub async fn run(opening: Opening) -> Ended {
    let Opening { mut console, first, .. } = opening;
    let mut flow = console.perform(first, &mut Nobody);
    while flow == Flow::On && console.is_piloted() && console.state().log == Log::Sound {
        let Some(world) = console.next().await else { break };
        (console, flow) = Console::take(console, world, &mut Nobody);
    }
    Ended { end: End::Left, log: console.end(&mut Nobody).await }
}

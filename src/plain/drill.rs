//! What a trainee of a drill reads and chooses from.

use super::text::wrap;
use crate::engine::State;

/// What the drill is about. Comes before the first step, and again when it is asked for.
pub(super) fn briefing(state: &State) -> Vec<String> {
    let Some(drill) = &state.setup.drill else { return vec!["!! this is no drill".to_owned()] };
    let mut lines = vec![String::new()];
    lines.extend(wrap("== DRILL ", &format!("{} ({})", drill.title, drill.level)));
    lines.extend(drill.text.lines().flat_map(|line| wrap("   ", line)));
    lines.extend(drill.roles.iter().flat_map(|role| wrap("   role ", role)));
    lines.push("   Nothing here is real, and nothing real can be reached from here.".to_owned());
    if !drill.causes.is_empty() {
        lines.push("   State the cause when you know it: diagnose N".to_owned());
        let causes = drill.causes.iter().enumerate();
        lines.extend(causes.flat_map(|(number, (id, says))| wrap(&format!("   {:>2} {id}: ", number + 1), says)));
    }
    lines.push("   A hint costs points: hint".to_owned());
    lines
}

/// The cause with this number or id.
pub(super) fn cause(state: &State, said: &str) -> Result<String, String> {
    let causes = state.setup.drill.as_ref().map_or(&[][..], |drill| &drill.causes);
    let numbered = said.parse::<usize>().ok().and_then(|number| causes.get(number.checked_sub(1)?));
    let found = numbered.or_else(|| causes.iter().find(|(id, _)| id == said));
    match found {
        Some((id, _)) => Ok(id.clone()),
        None if causes.is_empty() => Err("this is no drill: there is no cause to state".to_owned()),
        None => Err(format!("there is no cause \"{said}\"; \"brief\" lists them")),
    }
}

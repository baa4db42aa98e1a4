//! docs/KEYS.md, from the table of actions.

use std::fmt::Write as _;

use super::{Keymap, Mode};

/// The whole file.
pub fn document(keys: &Keymap) -> String {
    let mut text = String::from(
        "# Keys\n\nMade from the table of actions in the source; a test holds this file to it. `?` shows the same inside the console.\n\n\
         Every action but the `y` of a dialog can be given other keys in the settings, by its name: `console.start: \"X ctrl-x\"`.\n\
         A key that two actions of one mode would share is refused when qrh starts.\n",
    );
    for mode in Mode::ALL {
        let _ = write!(text, "\n## {}\n\n| keys | action | what it does |\n|---|---|---|\n", mode.title());
        for (action, chords) in keys.of(mode) {
            let keys: Vec<String> = chords.iter().map(|chord| format!("`{chord}`")).collect();
            let _ = writeln!(text, "| {} | `{}` | {} |", keys.join(" "), action.full_name(), action.help);
        }
    }
    text.push_str(
        "\nIn text fields: `←` `→` `Ctrl-←` `Ctrl-→` `Home` `End` move, `Backspace` `Delete` `Ctrl-W` `Ctrl-U` `Ctrl-K` delete, as in a shell.\n\
         The mouse wheel scrolls and a click marks; no click ever runs anything.\n",
    );
    text
}

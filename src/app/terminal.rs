//! The terminal's state, and its way back: on return, on an error, on a panic and on a signal the screen is as it was.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::backend::CrosstermBackend;

use super::screen::Screen;
use crate::runbook::expression;

static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal in raw mode on its alternate screen; dropping it gives it back.
pub struct Taken {
    /// Never dropped: it would show the cursor once more, as [`give_back`] has done, and where the terminal is gone by then it would print
    /// about it to standard error, which is gone too and would make that a panic.
    pub screen: ManuallyDrop<Screen<CrosstermBackend<io::Stdout>>>,
}

impl Taken {
    pub fn take() -> io::Result<Self> {
        HOOK.call_once(restore_on_panic);
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let screen = execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)
            .and_then(|()| Screen::new(CrosstermBackend::new(io::stdout())));
        match screen {
            Ok(screen) => Ok(Self { screen: ManuallyDrop::new(screen) }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

fn restore_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // A panic in an expression is caught there and becomes "not decided": the console goes on.
        if std::thread::current().name() == Some(expression::THREAD) {
            return;
        }
        give_back();
        before(panic);
    }));
}

/// Does its work once, whoever comes first: the drop or the panic hook. Errors are ignored: the terminal may be gone.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = execute!(out, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
        let _ = out.flush();
    }
}

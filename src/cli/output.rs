//! The one way to standard output. A closed pipe ends a verb quietly, as `head` expects.

use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;

use super::exit::{Code, Failure};

pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Code::Failed, format!("standard output can't be written: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// How long a terminal that takes nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// To standard error, for whoever may still be there: what can't be said in a second stays unsaid.
pub fn warn(text: String) {
    let (done, said) = mpsc::channel();
    let speaker = std::thread::Builder::new().spawn(move || {
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = done.send(());
    });
    if speaker.is_ok() {
        let _ = said.recv_timeout(PATIENCE);
    }
}

//! Standard output, written by a thread of its own: a reader that takes nothing (a stopped terminal, a full pipe) holds up the screen and
//! nothing else. One text is under way at a time, and the next one waits until it is out.

use std::io::{self, Write};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

pub struct Voice {
    texts: mpsc::Sender<String>,
    out: mpsc::Receiver<()>,
    speaking: bool,
}

/// Whether anybody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Yes,
    /// Standard output is closed.
    No,
}

impl Voice {
    pub fn start() -> io::Result<Self> {
        let (texts, mut waiting) = mpsc::channel::<String>(1);
        let (done, out) = mpsc::channel(1);
        std::thread::Builder::new().name("stdout".to_owned()).spawn(move || {
            while let Some(text) = waiting.blocking_recv() {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
                if written.is_err() || done.blocking_send(()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { texts, out, speaking: false })
    }

    pub fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// Hands a text over; not while another one is under way.
    pub fn say(&mut self, text: String) {
        // A thread that is gone is found by `heard`.
        let _ = self.texts.try_send(text);
        self.speaking = true;
    }

    /// Until the text is out.
    pub async fn heard(&mut self) -> Heard {
        let heard = self.out.recv().await.map_or(Heard::No, |()| Heard::Yes);
        self.speaking = false;
        heard
    }

    /// The last words, within [`LAST_WORDS`].
    pub async fn finish(mut self, last: String) -> Heard {
        let words = async {
            if self.speaking && self.heard().await == Heard::No {
                return Heard::No;
            }
            self.say(last);
            self.heard().await
        };
        timeout(LAST_WORDS, words).await.unwrap_or(Heard::No)
    }
}

//! The way of a command's lines: to its output file and, in batches, to the screen. Bounded on both ends: a slow disk or screen slows
//! the command.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::world::{Sender, Shown, World};
use crate::journal::OutputFile;
use crate::target::stream::{Line, Origin};
use crate::timeline::identifier::EventId;
use crate::timeline::record::{Output, RunId};

/// Lines handed to the screen at once.
const BATCH: usize = 512;
/// Lines wait this long for company before they are shown.
const GATHER: Duration = Duration::from_millis(20);

/// Where one run's lines go.
pub struct Writing {
    pub run: RunId,
    /// The incident's directory and the event that started the run; absent where the event is not known.
    pub file: Option<(PathBuf, EventId)>,
    pub world: Sender,
}

impl Writing {
    /// Takes lines until the command has no more. An output file that can't be written is told on the screen once; the run goes on.
    pub async fn forward(self, mut lines: mpsc::Receiver<Line>) -> Option<Output> {
        let mut file = self.file.map(|(dir, event)| OutputFile::create(&dir, event));
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(line) = lines.recv().await {
            batch.push(line);
            gather(&mut lines, &mut batch).await;
            let mut shown: Vec<Shown> = Vec::with_capacity(batch.len() + 1);
            for Line { origin, text } in batch.drain(..) {
                if let Some(Err(error)) = file.as_mut().map(|file| file.line(&text)) {
                    shown.push(Shown { stderr: true, text: format!("[qrh: the full output is not kept: {error}]") });
                    file = None;
                }
                shown.push(Shown { stderr: origin == Origin::Stderr, text });
            }
            // A closed console shows nothing any more; the file still gets its lines.
            let _ = self.world.send(World::Lines { run: self.run, lines: shown }).await;
        }
        file.and_then(|file| file.finish().ok().flatten())
    }
}

/// Waits a moment for more lines, so that a flood costs one redraw a batch.
async fn gather(lines: &mut mpsc::Receiver<Line>, batch: &mut Vec<Line>) {
    let more = async {
        while batch.len() < BATCH {
            if lines.recv_many(batch, BATCH - batch.len()).await == 0 {
                break;
            }
        }
    };
    let _ = timeout(GATHER, more).await;
}

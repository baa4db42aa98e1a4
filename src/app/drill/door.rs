//! The facilitator's way in: a Unix socket in the incident's directory, readable by its owner only. Lines come in, and for each the answer
//! goes out, ended by a line with a single dot. What a line means is decided where the drill is played, one line after the other.

use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::app::world::{Sender, World};

/// The socket's name in an incident's directory.
pub const NAME: &str = "facilitator.sock";
/// Bytes of one line; a longer one ends the connection.
const LINE_BYTES: u64 = 8 * 1024;
/// Facilitators at a time; more wait to be accepted.
const FACILITATORS: usize = 4;

/// A facilitator's line, waiting for its answer.
#[derive(Debug)]
pub struct Request {
    pub line: String,
    pub answer: oneshot::Sender<Vec<String>>,
}

/// The open socket. Dropped, it is gone from the directory.
pub struct Door {
    path: PathBuf,
    task: AbortHandle,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Opens the door in a directory that only its owner may enter.
pub fn open(dir: &Path, world: Sender) -> std::io::Result<Door> {
    let path = dir.join(NAME);
    let listener = bind(dir)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(FACILITATORS));
    let task = tokio::spawn(async move {
        while let Ok(place) = places.clone().acquire_owned().await {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let world = world.clone();
            tokio::spawn(async move {
                talk(stream, &world).await;
                drop(place);
            });
        }
    });
    Ok(Door { path, task: task.abort_handle() })
}

/// A socket's path is limited to 107 bytes, and a directory's is not: it is named by its open descriptor.
fn bind(dir: &Path) -> std::io::Result<UnixListener> {
    let opened = std::fs::File::open(dir)?;
    UnixListener::bind(format!("/proc/self/fd/{}/{NAME}", opened.as_raw_fd()))
}

/// The other end of the door, for the facilitator's own terminal.
pub async fn knock(dir: &Path) -> std::io::Result<UnixStream> {
    let opened = std::fs::File::open(dir)?;
    UnixStream::connect(format!("/proc/self/fd/{}/{NAME}", opened.as_raw_fd())).await
}

async fn talk(stream: UnixStream, world: &Sender) {
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from);
    loop {
        let mut line = String::new();
        match (&mut from).take(LINE_BYTES).read_line(&mut line).await {
            Ok(read) if read > 0 && line.ends_with('\n') => {}
            Ok(_) | Err(_) => return,
        }
        let (answer, answered) = oneshot::channel();
        if world.send(World::Door(Request { line: line.trim().to_owned(), answer })).await.is_err() {
            return;
        }
        let Ok(lines) = answered.await else { return };
        let mut text = String::new();
        for line in &lines {
            // A dot of the drill's own is no end.
            text.push_str(if line == "." { ". " } else { line });
            text.push('\n');
        }
        text.push_str(".\n");
        if to.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

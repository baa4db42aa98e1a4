//! A command in a container, and what a container says: the same however it is carried.

use futures::Stream;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::Job;
use crate::drill::world::api::log;
use crate::drill::world::behaviour::Ran;
use crate::drill::world::disk;
use crate::drill::world::kind::Kind;
use crate::drill::world::object::Id;

/// No more is taken from a command's stdin.
const STDIN: usize = 16 * 1024 * 1024;

/// What was sent to a command, as it comes. All of it is heard, so that whoever sends it comes to its end; no more than [`STDIN`] is kept.
#[derive(Default)]
pub struct Sent {
    bytes: Vec<u8>,
    over: bool,
}

impl Sent {
    pub fn add(&mut self, bytes: &[u8]) {
        self.over |= self.bytes.len() + bytes.len() > STDIN;
        if !self.over {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Err: what a command that was sent too much comes to.
    pub fn all(self) -> Result<Vec<u8>, Ran> {
        if !self.over {
            return Ok(self.bytes);
        }
        let why = format!("not simulated: more than {} MiB on stdin\n", STDIN / 1024 / 1024);
        Err(Ran { stderr: why.into_bytes(), code: 1, ..Ran::default() })
    }
}

/// Runs a command to its end. A terminal has one stream for both.
pub fn exec(job: &Job, argv: &[String], stdin: &[u8]) -> Ran {
    let inside = &job.inside;
    let mut ran = job.shared.look(|state| {
        let view = inside.view(state.now);
        let mut disks = job.shared.disks();
        disks.retain(|namespace, name, uid| state.store.get(&Id::new(Kind::Pod, namespace, name)).is_some_and(|pod| pod.uid == uid));
        disk::exec(&mut disks, &view, (argv, stdin), |argv, stdin| state.behaviour.exec(&view, argv, stdin))
    });
    if job.wants.tty {
        let said = std::mem::take(&mut ran.stderr);
        ran.stdout.extend(said);
    }
    ran
}

/// How the end of a command is told.
pub fn outcome(ran: &Ran) -> Value {
    if ran.code == 0 {
        return json!({ "metadata": {}, "status": "Success" });
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {}", ran.code),
        "details": { "causes": [{ "reason": "ExitCode", "message": ran.code.to_string() }] },
    })
}

/// What the container writes from now on, until it ends.
pub fn output(job: &Job) -> impl Stream<Item = Bytes> + Send + use<> {
    let (inside, shared) = (&job.inside, &job.shared);
    let now = shared.look(|state| state.now);
    log::onward(shared, (inside.id.clone(), now), (&inside.pod, &inside.container, &inside.status))
}

//! Bytes between a client and a port of the pod.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};

use super::Job;
use crate::drill::world::behaviour::Talk;

/// A connection inside the pod: what listens there talks while `talk` is awaited.
pub struct Line {
    pub talk: Talk,
    pub from_pod: ReadHalf<DuplexStream>,
    pub to_pod: WriteHalf<DuplexStream>,
}

/// None: nothing listens there.
pub fn connect(job: &Job, port: u16) -> Option<Line> {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let talk = job.shared.look(|state| state.behaviour.connect(&job.inside.view(state.now), port, theirs))?;
    let (from_pod, to_pod) = tokio::io::split(ours);
    Some(Line { talk, from_pod, to_pod })
}

/// In the words of a kubelet.
pub fn refused(job: &Job, port: u16) -> String {
    let uid = crate::drill::world::json::text(&job.inside.pod, "/metadata/uid");
    format!(
        "error forwarding port {port} to pod {uid}, uid : failed to connect to localhost:{port} inside the pod: \
         dial tcp4 127.0.0.1:{port}: connect: connection refused"
    )
}

/// Some of what the pod sends. None: it has ended, or broke off.
pub async fn read<'a>(from_pod: &mut ReadHalf<DuplexStream>, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    match from_pod.read(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(read) => buffer.get(..read),
    }
}

/// The client will send no more.
pub async fn end(to_pod: &mut WriteHalf<DuplexStream>) {
    // A server that is gone has no use for the end.
    let _ = to_pod.shutdown().await;
}

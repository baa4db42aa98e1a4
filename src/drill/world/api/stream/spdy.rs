//! The SPDY forms: each of a process's streams, and each connection to a port, is streams of one connection, told apart by their headers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::forward::{self, Line};
use super::process::{self, Sent};
use super::{Job, Wants, Wish};
use crate::drill::world::behaviour::Ran;
use crate::drill::world::program;
use crate::drill::world::spdy::{self, Inlet, Outlet, Stream, Streams};

/// All streams of a process are there within this time, and stdin's end too.
const PATIENCE: Duration = Duration::from_secs(60);
/// The other side has so long to close when all is said.
const FAREWELL: Duration = Duration::from_secs(5);
/// Connections to ports that wait for the other of their two streams.
const HALVES: usize = 64;

pub async fn serve<S>(connection: S, job: Arc<Job>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (streams, mut running) = spdy::open(connection);
    let work = async {
        match &job.wish {
            Wish::Exec(argv) => exec(streams, &job, argv).await,
            Wish::Attach => attach(streams, &job).await,
            Wish::Forward(_) => forward(streams, &job).await,
        }
    };
    tokio::select! {
        () = &mut running => return,
        () = work => {}
    }
    // Everything is said; whoever listens closes when it has heard it.
    let _ = tokio::time::timeout(FAREWELL, running).await;
}

/// The streams of a process, as far as they were asked for.
struct Process {
    error: Outlet,
    stdin: Option<Inlet>,
    stdout: Option<Outlet>,
    stderr: Option<Outlet>,
    /// Held, that nobody takes them for gone.
    _others: Vec<Stream>,
}

async fn process(streams: &mut Streams, wants: Wants) -> Option<Process> {
    let (mut error, mut stdin, mut stdout, mut stderr, mut others) = (None, None, None, None, Vec::new());
    let there = async {
        loop {
            let Stream { id, headers, inlet, outlet } = streams.recv().await?;
            match headers.get("streamtype") {
                "error" => error = Some(outlet),
                "stdin" => stdin = Some(inlet),
                "stdout" => stdout = Some(outlet),
                "stderr" => stderr = Some(outlet),
                _ => others.push(Stream { id, headers, inlet, outlet }),
            }
            let asked = [
                (true, error.is_some()),
                (wants.stdin, stdin.is_some()),
                (wants.stdout, stdout.is_some()),
                (wants.stderr && !wants.tty, stderr.is_some()),
            ];
            if asked.iter().all(|(asked, there)| !asked || *there) {
                return Some(());
            }
        }
    };
    tokio::time::timeout(PATIENCE, there).await.ok()??;
    Some(Process { error: error?, stdin, stdout, stderr, _others: others })
}

impl Process {
    async fn end(self, ran: &Ran) {
        for (outlet, bytes) in [(&self.stdout, &ran.stdout), (&self.stderr, &ran.stderr)] {
            let Some(outlet) = outlet else { continue };
            if outlet.send(bytes).await.is_err() {
                return;
            }
            outlet.end().await;
        }
        let _ = self.error.send(process::outcome(ran).to_string().as_bytes()).await;
        self.error.end().await;
    }
}

/// What is sent until the other side ends stdin.
async fn stdin(mut inlet: Inlet) -> Sent {
    let mut sent = Sent::default();
    while let Ok(Some(piece)) = tokio::time::timeout(PATIENCE, inlet.next()).await {
        sent.add(&piece);
    }
    sent
}

async fn exec(mut streams: Streams, job: &Job, argv: &[String]) {
    let Some(mut process) = process(&mut streams, job.wants).await else { return };
    let sent = match process.stdin.take().filter(|_| program::reads(argv)) {
        Some(inlet) => stdin(inlet).await,
        None => Sent::default(),
    };
    let ran = sent.all().map_or_else(|too_much| too_much, |sent| process::exec(job, argv, &sent));
    process.end(&ran).await;
}

async fn attach(mut streams: Streams, job: &Job) {
    let mut output = std::pin::pin!(process::output(job));
    let Some(process) = process(&mut streams, job.wants).await else { return };
    while let Some(said) = output.next().await {
        let Some(stdout) = &process.stdout else { continue };
        if stdout.send(&said).await.is_err() {
            return;
        }
    }
    process.end(&Ran::default()).await;
}

/// Which connection a stream belongs to. Old clients number the data stream by the error stream before it.
fn number(stream: &Stream) -> String {
    match stream.headers.get("requestid") {
        "" if stream.headers.get("streamtype") == "error" => stream.id.to_string(),
        "" => stream.id.saturating_sub(2).to_string(),
        number => number.to_owned(),
    }
}

async fn forward(mut streams: Streams, job: &Arc<Job>) {
    let mut halves: BTreeMap<String, Stream> = BTreeMap::new();
    let mut lines = JoinSet::new();
    while let Some(stream) = streams.recv().await {
        while lines.try_join_next().is_some() {}
        let number = number(&stream);
        let Some(other) = halves.remove(&number) else {
            if halves.len() < HALVES {
                halves.insert(number, stream);
            }
            continue;
        };
        let (error, data) = if stream.headers.get("streamtype") == "data" { (other, stream) } else { (stream, other) };
        let job = job.clone();
        lines.spawn(async move { line(&job, error, data).await });
    }
}

/// One connection to a port, from its two streams to their end.
async fn line(job: &Job, error: Stream, data: Stream) {
    let port = data.headers.get("port").parse().unwrap_or(0);
    let Some(Line { talk, mut from_pod, mut to_pod }) = forward::connect(job, port) else {
        let _ = error.outlet.send(forward::refused(job, port).as_bytes()).await;
        data.outlet.end().await;
        error.outlet.end().await;
        return;
    };
    let Stream { mut inlet, outlet, .. } = data;
    let outward = async {
        let mut buffer = vec![0_u8; 16 * 1024];
        while let Some(read) = forward::read(&mut from_pod, &mut buffer).await {
            if outlet.send(read).await.is_err() {
                break;
            }
        }
    };
    let inward = async {
        while let Some(bytes) = inlet.next().await {
            if to_pod.write_all(&bytes).await.is_err() {
                break;
            }
        }
        forward::end(&mut to_pod).await;
        // The pod may still have an answer to give.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(talk, outward) } => {}
        () = inward => {}
    }
    outlet.end().await;
    error.outlet.end().await;
}

//! Programs and scripts on this machine. A rendered action comes in; its lines go out while it runs, and a report at its end. What may
//! run was decided before: nothing here asks.
//!
//! - Standard input is `/dev/null`, the environment is minimal ([`program`]), the processes are a session of their own ([`group`]).
//! - The timeout and the responder's cancel both send TERM to all of it and KILL after 3 s. `Stopped` is said only when the command was
//!   reaped and its group and session are empty; anything less is `Unknown` and names what is left.
//! - A timeout is `Unknown`, since what the command had done by then can't be told from here. For a command that only reads, the caller
//!   may call it a failure.
//! - A background process may outlive its command, as a started service does. Only one that still holds the command's output a second
//!   after its end is stopped, and the tail says so: redirect it (`>/dev/null 2>&1`) to keep it.

pub mod group;
pub mod program;

use std::future::Future;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{Fuse, FusedFuture, FutureExt};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

use self::group::{Group, Left, Member};
use self::program::Program;
use super::stream::{Collector, Conduct, Origin};
use crate::action::run::Run;
use crate::action::shell::Shell;
use crate::action::{Ending, Report};
use crate::guard::ingest;

/// Bytes read from a pipe at once.
const CHUNK: usize = 16 * 1024;
/// How long the output may stay open after the command has ended.
const GRACE: Duration = Duration::from_secs(1);

/// Runs one program. Each argument reaches it as it stands: no shell is between.
pub async fn run(run: &Run, conduct: &Conduct) -> Report {
    perform(Program::prepare(&run.argv, &run.env, run.dir.as_deref()), conduct).await
}

/// Runs a script with `/bin/sh -eu -c`. It is one argument, which Linux limits to 128 KiB.
pub async fn shell(shell: &Shell, conduct: &Conduct) -> Report {
    let argv = ["/bin/sh", "-eu", "-c", &shell.script].map(str::to_owned);
    perform(Program::prepare(&argv, &std::collections::BTreeMap::new(), None), conduct).await
}

async fn perform(program: Result<Program, program::Refused>, conduct: &Conduct) -> Report {
    if conduct.cancel.is_cancelled() {
        return Report::ended(Ending::Stopped);
    }
    match program.and_then(|program| Group::start(&program)) {
        Ok(group) => attend(group, conduct).await,
        Err(refused) => Report::ended(Ending::Failed(ingest::text(&refused.to_string()))),
    }
}

/// Why the wait for the command was over.
enum Over {
    Exited(std::io::Result<ExitStatus>),
    Cancelled,
    TimedOut,
}

async fn attend(mut group: Group, conduct: &Conduct) -> Report {
    let mut collector = Collector::new(conduct);
    let hurry = collector.hurry();
    let deadline = Instant::now() + conduct.timeout;
    let reading = AtomicBool::new(true);
    let (stdout, stderr) = group.output();
    let (ending, status, note) = {
        let output = pass_on(stdout, stderr, &mut collector, &reading).fuse();
        tokio::pin!(output);
        let mut output = Output { passing: output, reading: &reading };
        let told = match output.beside(first(&mut group, conduct, deadline)).await {
            Over::Exited(Ok(status)) => (verdict(status), Some(status), linger(&mut group, &mut output, conduct, deadline).await),
            Over::Exited(Err(error)) => {
                (Ending::Unknown(format!("its exit status could not be read: {}", program::plain(&error))), None, None)
            }
            Over::Cancelled => (stopped(&output.beside(group.end()).await), reaped(&mut group), None),
            Over::TimedOut => (timed_out(&output.beside(group.end()).await, conduct.timeout), reaped(&mut group), None),
        };
        // Every writer is gone or given up on; what is in the pipe is passed on, in a second with the reader or at once without it.
        if !output.drained(GRACE).await {
            hurry.cancel();
            output.drained(GRACE).await;
        }
        told
    };
    if let Some(note) = note {
        collector.show(Origin::Stderr, &note).await;
    }
    collector.report(ending, status.map(exit_code)).await
}

/// The status of a command that was ended. Does not wait for one that could not be.
fn reaped(group: &mut Group) -> Option<ExitStatus> {
    group.exit().now_or_never().and_then(Result::ok)
}

async fn first(group: &mut Group, conduct: &Conduct, deadline: Instant) -> Over {
    tokio::select! {
        biased;
        status = group.exit() => Over::Exited(status),
        () = conduct.cancel.cancelled() => Over::Cancelled,
        () = tokio::time::sleep_until(deadline) => Over::TimedOut,
    }
}

/// The command has ended: its output is let out to the last byte, at the reader's pace. Gives a note where something else held the output
/// open and had to be stopped.
async fn linger<F: Future<Output = ()>>(
    group: &mut Group,
    output: &mut Output<'_, F>,
    conduct: &Conduct,
    deadline: Instant,
) -> Option<String> {
    loop {
        if output.drained(GRACE).await {
            group.release();
            return None;
        }
        let held = output.waits_for_bytes();
        if held || conduct.cancel.is_cancelled() || Instant::now() >= deadline {
            let holders = group.members();
            let left = output.beside(group.end()).await;
            return held.then(|| held_open(&holders, &left));
        }
    }
}

/// What passes the output on, kept going beside whatever else is awaited.
struct Output<'a, F: Future<Output = ()>> {
    passing: Pin<&'a mut Fuse<F>>,
    reading: &'a AtomicBool,
}

impl<F: Future<Output = ()>> Output<'_, F> {
    async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                value = &mut work => return value,
                () = &mut self.passing => {}
            }
        }
    }

    /// Whether both streams came to their end within this time.
    async fn drained(&mut self, limit: Duration) -> bool {
        self.passing.is_terminated() || tokio::time::timeout(limit, &mut self.passing).await.is_ok()
    }

    /// True: nothing is in the pipe. False: the reader has not taken the last lines yet.
    fn waits_for_bytes(&self) -> bool {
        self.reading.load(Ordering::Relaxed)
    }
}

async fn pass_on(
    stdout: Option<impl AsyncRead + Unpin>,
    stderr: Option<impl AsyncRead + Unpin>,
    collector: &mut Collector,
    reading: &AtomicBool,
) {
    let (mut stdout, mut stderr) = (stdout, stderr);
    let (mut out, mut err) = (vec![0; CHUNK], vec![0; CHUNK]);
    while stdout.is_some() || stderr.is_some() {
        reading.store(true, Ordering::Relaxed);
        let (origin, count) = tokio::select! {
            count = read(&mut stdout, &mut out), if stdout.is_some() => (Origin::Stdout, count),
            count = read(&mut stderr, &mut err), if stderr.is_some() => (Origin::Stderr, count),
        };
        reading.store(false, Ordering::Relaxed);
        let bytes = match origin {
            Origin::Stdout => &out,
            Origin::Stderr => &err,
        };
        collector.push(origin, bytes.get(..count).unwrap_or_default()).await;
    }
}

/// At its end, or at an error no later read can mend, the stream becomes `None`.
async fn read(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    let Some(open) = stream else { return 0 };
    let count = open.read(buffer).await.unwrap_or(0);
    if count == 0 {
        *stream = None;
    }
    count
}

fn verdict(status: ExitStatus) -> Ending {
    match status.signal() {
        _ if status.success() => Ending::Succeeded,
        Some(signal) => Ending::Failed(format!("ended by signal {signal}{}", signal_name(signal))),
        None => Ending::Failed(format!("exit status {}", exit_code(status))),
    }
}

fn stopped(left: &Left) -> Ending {
    match left {
        Left::Nothing => Ending::Stopped,
        Left::Stuck(_) | Left::Strayed(_) => Ending::Unknown(format!("asked to stop, but {}", still(left))),
    }
}

fn timed_out(left: &Left, timeout: Duration) -> Ending {
    match left {
        Left::Nothing => Ending::Unknown(format!("timed out after {}; stopped", seconds(timeout))),
        Left::Stuck(_) | Left::Strayed(_) => Ending::Unknown(format!("timed out after {}, and {}", seconds(timeout), still(left))),
    }
}

fn still(left: &Left) -> String {
    match left {
        Left::Nothing => "nothing of it is left".to_owned(),
        Left::Stuck(members) => format!("{} did not end, not even by KILL: look at it with ps", list(members)),
        Left::Strayed(members) => format!("{} had left its session and still runs: end it by hand if it should not", list(members)),
    }
}

fn held_open(holders: &[Member], left: &Left) -> String {
    let held = "qrh: the output was still open 1 s after the command had ended";
    match left {
        Left::Nothing if holders.is_empty() => format!("{held}, held by a process that can't be found; it is no longer read"),
        Left::Nothing => format!("{held}, held by {}; stopped (redirect its output to keep it)", list(holders)),
        Left::Stuck(_) | Left::Strayed(_) => format!("{held}, and is no longer read; {}", still(left)),
    }
}

fn list(members: &[Member]) -> String {
    const NAMED: usize = 5;
    let mut names: Vec<String> = members.iter().take(NAMED).map(|member| ingest::text(&member.to_string())).collect();
    if members.len() > NAMED {
        names.push(format!("{} more", members.len() - NAMED));
    }
    names.join(", ")
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (HUP)",
        2 => " (INT)",
        3 => " (QUIT)",
        4 => " (ILL)",
        6 => " (ABRT)",
        7 => " (BUS)",
        8 => " (FPE)",
        9 => " (KILL)",
        10 => " (USR1)",
        11 => " (SEGV)",
        12 => " (USR2)",
        13 => " (PIPE)",
        14 => " (ALRM)",
        15 => " (TERM)",
        _ => "",
    }
}

/// `30 s`, or `1.5 s` where it is not whole.
pub(super) fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 { format!("{} s", duration.as_secs()) } else { format!("{:.1} s", duration.as_secs_f64()) }
}

//! The processes of one command: started as a session and process group of their own, signalled as a whole, and proved gone.
//!
//! **How far this reaches.** The command is started through `setsid(1)` where the machine has it, which does two things: the command has
//! no terminal, so it can neither write over the screen through `/dev/tty` nor wait there for a password; and the command's session can
//! be searched, so that a background job which took a process group of its own is reached as well. Without `setsid(1)` it has a process
//! group of its own and that is all. A descendant that starts a *session* of its own (a daemon) is out of reach of any signal to the
//! group. It is looked for by a variable in its environment and named, never signalled: to leave a daemon behind may have been the
//! command's purpose. One that also cleared its environment, or runs as another user, is not seen at all.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::program::{Program, Refused, plain};
use crate::target::procfs::{self, Stat};

/// Between TERM and KILL.
const PATIENCE: Duration = Duration::from_secs(3);
/// After KILL: only a process stuck in the kernel (state D) outlives this.
const AFTER_KILL: Duration = Duration::from_secs(2);
/// The kernel has no event for "this group is empty", so it is asked at growing intervals up to this.
const SLOWEST_LOOK: Duration = Duration::from_millis(100);
/// Set for every command; marks descendants that left the session.
const MARK: &str = "QRH_RUN";

/// Dropping it kills the whole group at once with KILL: an aborted task leaves nothing behind.
#[derive(Debug)]
pub struct Group {
    child: Child,
    id: Pid,
    mark: String,
    /// False once the command has ended by itself: what it left running on purpose stays.
    armed: bool,
}

/// A process that is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub pid: i32,
    pub name: String,
}

impl std::fmt::Display for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pid {} ({})", self.pid, self.name)
    }
}

/// What was left after TERM and KILL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    Nothing,
    /// Still in the group or session: they could not be ended.
    Stuck(Vec<Member>),
    /// The group is empty, but these had left it.
    Strayed(Vec<Member>),
}

impl Group {
    pub fn start(program: &Program) -> Result<Self, Refused> {
        let name = program.argv.first().ok_or(Refused::Empty)?;
        let session = ["/usr/bin/setsid", "/bin/setsid"].into_iter().find(|file| Path::new(file).is_file());
        let mut command = Command::new(session.map_or(name.as_os_str(), OsStr::new));
        if session.is_some() {
            command.arg("--").arg(name);
        } else {
            // Not together with setsid(1): it would fork, being a group's leader already.
            command.process_group(0);
        }
        let mark = mark();
        command.args(program.argv.iter().skip(1)).env_clear().envs(program.environment.iter().cloned()).env(MARK, &mark);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if let Some(directory) = &program.directory {
            command.current_dir(directory);
        }
        let refused = |why: &str| Refused::Start(name.to_string_lossy().into_owned(), why.to_owned());
        let child = command.spawn().map_err(|error| refused(&plain(&error)))?;
        let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or_else(|| refused("it has no pid"))?;
        Ok(Self { child, id, mark, armed: true })
    }

    pub fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits for the command itself, not for what it left in the background. Can be awaited again.
    pub async fn exit(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// The command has ended by itself, and what it left in the background may stay.
    pub fn release(&mut self) {
        self.armed = false;
    }

    /// TERM to all, KILL to all after 3 s, and a look at what is left. Takes 5 s at the most.
    pub async fn end(&mut self) -> Left {
        self.signal(Signal::TERM);
        // A stopped process (it wanted the terminal) acts on TERM only when it goes on.
        self.signal(Signal::CONT);
        if tokio::time::timeout(PATIENCE, self.gone()).await.is_err() {
            self.signal(Signal::KILL);
            let _ = tokio::time::timeout(AFTER_KILL, self.gone()).await;
        }
        let stuck = self.members();
        if !stuck.is_empty() {
            return Left::Stuck(stuck);
        }
        self.armed = false;
        let strays = strays(&self.mark);
        if strays.is_empty() { Left::Nothing } else { Left::Strayed(strays) }
    }

    /// Until the command is reaped and its group and session are empty.
    async fn gone(&mut self) {
        let _ = self.child.wait().await;
        let mut pause = Duration::from_millis(2);
        while !self.members().is_empty() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SLOWEST_LOOK);
        }
    }

    fn signal(&self, signal: Signal) {
        // Every failure shows in `members` afterwards: gone (ESRCH) or not ours to signal (EPERM).
        let _ = kill_process_group(self.id, signal);
        if self.child.id().is_some() {
            // Not reaped yet, so the number is still its own. For the moment before setsid(1) has made the group.
            let _ = kill_process(self.id, signal);
        }
        for member in self.session().into_iter().flatten().filter(|stat| stat.group != self.id.as_raw_pid()) {
            if let Some(pid) = Pid::from_raw(member.pid.cast_signed()) {
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// The living processes of the group and the session; empty is proof. Zombies run nothing and hold nothing: whoever is their parent
    /// collects them.
    pub fn members(&self) -> Vec<Member> {
        let group_is_empty = test_kill_process_group(self.id) == Err(rustix::io::Errno::SRCH);
        match self.session() {
            Some(living) => living.into_iter().map(|stat| Member { pid: stat.pid.cast_signed(), name: stat.name }).collect(),
            None if group_is_empty => Vec::new(),
            None => vec![Member { pid: self.id.as_raw_pid(), name: "its process group".to_owned() }],
        }
    }

    /// `None` where there is no `/proc` to look in.
    fn session(&self) -> Option<Vec<Stat>> {
        let own = self.id.as_raw_pid();
        let stats = std::fs::read_dir("/proc").ok()?.filter_map(|entry| {
            let path = entry.ok()?.path();
            path.file_name()?.to_str()?.parse::<u32>().ok()?;
            // A name need not be UTF-8.
            procfs::stat(&String::from_utf8_lossy(&std::fs::read(path.join("stat")).ok()?))
        });
        Some(stats.filter(|stat| (stat.group == own || stat.session == own) && !stat.is_dead()).collect())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.armed {
            self.signal(Signal::KILL);
        }
    }
}

/// Different for every command of every qrh on this machine.
fn mark() -> String {
    static STARTED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
    format!("{}.{since}.{}", std::process::id(), STARTED.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

/// Living processes that carry the mark. Only those whose environment this user may read.
fn strays(mark: &str) -> Vec<Member> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let pid = path.file_name()?.to_str()?.parse().ok()?;
            let environment = std::fs::read(path.join("environ")).ok()?;
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()).then_some(())?;
            let stat = procfs::stat(&String::from_utf8_lossy(&std::fs::read(path.join("stat")).ok()?))?;
            (!stat.is_dead()).then_some(Member { pid, name: stat.name })
        })
        .collect()
}

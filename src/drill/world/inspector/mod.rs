//! Node's inspector in the pods: closed until SIGUSR1 or an option opens it on the pod's loopback, where a port-forward reaches it; HTTP
//! and the Chrome DevTools Protocol over WebSocket, in the shapes of a real Node. Numbers come from the plant. What enters is an exec, a
//! connection and the world's clock; what Node has and the world has not is refused by name.

mod evaluate;
mod frame;
mod heap;
mod http;
mod method;
mod option;
mod process;
mod profile;
mod script;
mod session;
mod signal;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::io::DuplexStream;

use super::behaviour::{Line, Talk, View};
use super::clock::{Clock, Pace, later};
use super::json::text;
use super::plant::{Inside, Plant};
use super::seed::{Seed, hash, mix};
use option::Options;
use script::Js;

/// Processes that are remembered; of more, the one that started first is forgotten.
const PROCESSES: usize = 1024;
/// Lines of a process' log that tell of its inspector.
const SAID: usize = 64;

/// A container of a pod: the pod's uid, the container's name.
type Key = (String, String);
type Processes = BTreeMap<Key, Process>;

/// Every process' inspector. Its lock is never held together with the plant's.
#[derive(Clone)]
pub struct Inspectors {
    processes: Arc<Mutex<Processes>>,
    plant: Plant,
    clock: Clock,
}

struct Process {
    run: i64,
    started: Timestamp,
    chance: u64,
    options: Options,
    opened: u64,
    door: Option<Door>,
    said: Vec<Line>,
    /// What expressions left on `globalThis`.
    globals: BTreeMap<String, Js>,
    /// Event-loop delay histograms that were made: when each was enabled.
    delays: Vec<Option<Timestamp>>,
}

/// An inspector that listens.
struct Door {
    port: u16,
    id: String,
    /// When it closes.
    until: Option<Timestamp>,
    attached: usize,
}

impl Process {
    fn new(view: &View<'_>) -> Self {
        Self {
            run: view.run,
            started: view.started,
            chance: view.chance ^ hash(text(view.container, "/name")),
            options: Options::of(view.container),
            opened: 0,
            door: None,
            said: Vec::new(),
            globals: BTreeMap::new(),
            delays: Vec::new(),
        }
    }

    fn say(&mut self, time: Timestamp, texts: &[&str]) {
        self.said.extend(texts.iter().map(|text| Line { time, text: (*text).to_owned() }));
        let over = self.said.len().saturating_sub(SAID);
        self.said.drain(..over);
    }

    fn door(&self, now: Timestamp) -> Option<&Door> {
        self.door.as_ref().filter(|door| door.until.is_none_or(|until| now < until))
    }

    fn url(&self, door: &Door) -> String {
        format!("ws://{}:{}/{}", self.options.host, door.port, door.id)
    }

    fn port(&self) -> u16 {
        match self.options.port {
            // Of the range the kernel chooses from.
            0 => 32_768 + u16::try_from(mix(self.chance ^ self.opened) % 28_000).unwrap_or(0),
            port => port,
        }
    }

    /// As Node does on SIGUSR1: what is open stays as it is.
    fn open(&mut self, now: Timestamp, taken: &[u16]) {
        if self.door(now).is_some() {
            return;
        }
        let port = self.port();
        if taken.contains(&port) {
            let failed = format!("Starting inspector on {}:{port} failed: address already in use", self.options.host);
            return self.say(now, &[&failed]);
        }
        self.opened += 1;
        let id = Seed::new(mix(self.chance.wrapping_add(self.opened))).uid();
        let door = Door { port, id, until: None, attached: 0 };
        let listening = format!("Debugger listening on {}", self.url(&door));
        self.say(now, &[&listening, HELP]);
        self.door = Some(door);
    }
}

const HELP: &str = "For help, see: https://nodejs.org/en/docs/inspector";

fn key(view: &View<'_>) -> Key {
    (text(view.pod, "/metadata/uid").to_owned(), text(view.container, "/name").to_owned())
}

/// Ports of the pod that inspectors of its other processes hold.
fn taken(processes: &Processes, (uid, name): &Key, now: Timestamp) -> Vec<u16> {
    let others = processes.iter().filter(|((pod, container), _)| pod == uid && container != name);
    others.filter_map(|(_, process)| process.door(now).map(|door| door.port)).collect()
}

/// The process of a container as it runs now; a restart began it anew.
fn process<'a>(processes: &'a mut Processes, view: &View<'_>) -> &'a mut Process {
    let key = key(view);
    if processes.get(&key).is_none_or(|known| known.run != view.run) {
        processes.remove(&key);
        if processes.len() >= PROCESSES {
            let first = processes.iter().min_by_key(|(_, process)| process.started).map(|(key, _)| key.clone());
            processes.retain(|key, _| Some(key) != first.as_ref());
        }
        let mut new = Process::new(view);
        if new.options.open {
            new.open(view.started, &taken(processes, &key, view.now));
        }
        processes.insert(key.clone(), new);
    }
    processes.entry(key).or_insert_with(|| Process::new(view))
}

impl Inspectors {
    pub fn new(plant: Plant, clock: Clock) -> Self {
        Self { processes: Arc::default(), plant, clock }
    }

    fn lock(&self) -> MutexGuard<'_, Processes> {
        // A panic in one request leaves each process as it was between two steps.
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SIGUSR1 to the Node process of a container.
    fn open(&self, view: &View<'_>) {
        let mut processes = self.lock();
        let taken = taken(&processes, &key(view), view.now);
        let process = process(&mut processes, view);
        if process.options.signal {
            process.open(view.now, &taken);
        }
    }

    /// What the inspector wrote to the container's log in `(after, until]`.
    pub fn lines(&self, view: &View<'_>, after: Timestamp, until: Timestamp) -> Vec<Line> {
        let mut processes = self.lock();
        let said = &process(&mut processes, view).said;
        said.iter().filter(|line| line.time > after && line.time <= until).cloned().collect()
    }

    /// The inspector that listens on a port of the pod, talking on a connection. None: nothing listens there.
    pub fn connect(&self, view: &View<'_>, port: u16, stream: DuplexStream) -> Option<Talk> {
        let mut processes = self.lock();
        process(&mut processes, view);
        let uid = text(view.pod, "/metadata/uid");
        let (key, id) = processes.iter().filter(|((pod, _), _)| pod == uid).find_map(|(key, process)| {
            let door = process.door(view.now).filter(|door| door.port == port)?;
            Some((key.clone(), door.id.clone()))
        })?;
        let entry = Entry { inspectors: self.clone(), key, id };
        Some(http::talk(stream, entry).boxed())
    }

    /// The ports of the pod that its inspectors listen on.
    fn ports(&self, view: &View<'_>) -> Vec<u16> {
        let mut processes = self.lock();
        process(&mut processes, view);
        let uid = text(view.pod, "/metadata/uid");
        processes.iter().filter(|((pod, _), _)| pod == uid).filter_map(|(_, process)| Some(process.door(view.now)?.port)).collect()
    }

    fn options(&self, view: &View<'_>) -> Options {
        process(&mut self.lock(), view).options.clone()
    }
}

/// A listening inspector, as a connection to it sees it.
#[derive(Clone)]
struct Entry {
    inspectors: Inspectors,
    key: Key,
    id: String,
}

impl Entry {
    fn now(&self) -> Timestamp {
        self.inspectors.clock.now()
    }

    /// Looks at the process. None: the inspector was closed, or the process ended.
    fn look<T>(&self, look: impl FnOnce(&mut Process) -> T) -> Option<T> {
        let now = self.now();
        let mut processes = self.inspectors.lock();
        let process = processes.get_mut(&self.key)?;
        process.door(now).filter(|door| door.id == self.id)?;
        Some(look(process))
    }

    /// How the process is now. None: as with [`look`](Self::look).
    fn inside(&self) -> Option<Inside> {
        let inside = self.inspectors.plant.lock().inside(&self.key.0, self.now())?;
        let run = self.look(|process| process.run)?;
        // Of a process beside the service's own the plant has no numbers but the service's.
        (self.key.1 != inside.site.name || run == inside.run).then_some(inside)
    }

    /// Closes it in a while; where the clock is stepped, at once.
    fn close(&self, after: Duration) {
        let wait = if self.inspectors.clock.pace() == Pace::Stepped { Duration::ZERO } else { after };
        let until = later(self.now(), wait);
        self.look(|process| {
            if let Some(door) = &mut process.door {
                door.until = Some(door.until.map_or(until, |known| known.min(until)));
            }
        });
    }

    fn attach(&self) {
        let now = self.now();
        self.look(|process| {
            process.door.iter_mut().for_each(|door| door.attached += 1);
            process.say(now, &["Debugger attached."]);
        });
    }

    /// Node says that the debugger ends when the last one leaves, and listens on.
    fn detach(&self) {
        let now = self.now();
        self.look(|process| {
            let Some(door) = &mut process.door else { return };
            door.attached = door.attached.saturating_sub(1);
            if door.attached == 0 {
                let ending = format!("Debugger ending on ws://{}:{}/{}", process.options.host, door.port, door.id);
                process.say(now, &[&ending, HELP]);
            }
        });
    }
}

#[cfg(test)]
mod tests;

//! Runs expressions on threads of their own: a stack large enough for any expression of 1 KiB, a deadline the caller keeps, and panics
//! that end nothing. A thread that overruns is told to stop at its next look at a variable, is counted until it has, and is never
//! waited for.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use cel::Context;
use cel::common::value::CowVal;
use cel::context::VariableResolver;

use super::program::{ENV, Program};
use super::{Undecided, function, value};

/// Bytes of a worker's stack; only what is used takes memory.
const STACK: usize = 64 * 1024 * 1024;
/// Threads past their deadline at one time. While there are this many, nothing more is evaluated.
const ABANDONED: usize = 4;
/// The name the threads carry: a panic on one of them is caught and becomes an answer, so a panic hook must leave the terminal alone.
pub const THREAD: &str = "qrh-expression";

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stopped {
    #[error("it took longer than {} ms: make it simpler, or refer to a smaller value", .0.as_millis())]
    TooSlow(Duration),
    #[error("{ABANDONED} expressions before this one took too long and have not ended: try again")]
    TooMany,
    #[error("evaluating it failed inside: rewrite the expression")]
    Failed,
}

type Job = Box<dyn FnOnce() + Send>;

/// The threads: those that wait for work, and how many are past their deadline.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<Sender<Job>>>,
    late: AtomicUsize,
}

static POOL: Pool = Pool { idle: Mutex::new(Vec::new()), late: AtomicUsize::new(0) };

/// Where a job stands, as its caller and its thread agree on it.
#[derive(Debug, Default)]
pub(super) struct Cancel(AtomicU8);

const RUNNING: u8 = 0;
const CANCELLED: u8 = 1;
const DONE: u8 = 2;

/// What a cancelled job unwinds with.
struct Cancelled;

impl Cancel {
    /// Ends this job where its caller has gone. Unwinds past the panic hook: nothing is printed.
    pub(super) fn look(&self) {
        if self.0.load(Ordering::Relaxed) == CANCELLED {
            resume_unwind(Box::new(Cancelled));
        }
    }
}

impl VariableResolver for Cancel {
    fn resolve<'b>(&'b self, _: &str) -> Option<CowVal<'b, 'b>> {
        self.look();
        None
    }
}

/// The value of a program over variables that are converted already.
pub(super) fn evaluate(
    program: Arc<Program>,
    variables: Arc<Vec<(String, cel::Value)>>,
    deadline: Duration,
) -> Result<serde_json::Value, Undecided> {
    let job = move |cancel: &Arc<Cancel>| {
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.set_variable_resolver(cancel.as_ref());
        function::register(&mut context, cancel).map_err(|error| Undecided::new(error.to_string()))?;
        for (name, value) in variables.iter() {
            context.add_variable_from_value(name.as_str(), value.clone());
        }
        let result = program.program.execute(&context).map_err(|error| Undecided::new(function::explain(&error)))?;
        value::json(&result)
    };
    run(deadline, job).unwrap_or_else(|stopped| Err(Undecided::new(stopped.to_string())))
}

/// Runs one job with a deadline.
pub(super) fn run<T: Send + 'static>(deadline: Duration, job: impl FnOnce(&Arc<Cancel>) -> T + Send + 'static) -> Result<T, Stopped> {
    POOL.run(deadline, job)
}

type Answers<T> = Receiver<Result<T, Box<dyn Any + Send>>>;

impl Pool {
    pub(super) fn run<T, J>(&'static self, deadline: Duration, job: J) -> Result<T, Stopped>
    where
        T: Send + 'static,
        J: FnOnce(&Arc<Cancel>) -> T + Send + 'static,
    {
        if self.late.load(Ordering::Acquire) >= ABANDONED {
            return Err(Stopped::TooMany);
        }
        let worker = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().map_or_else(spawn, Ok)?;
        let cancel = Arc::new(Cancel::default());
        let told = Arc::clone(&cancel);
        let (answer, answers) = sync_channel(1);
        let wrapped: Job = Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(|| job(&told)));
            // A receiver that is gone is a caller past its deadline.
            let _ = answer.send(result);
            if told.0.swap(DONE, Ordering::AcqRel) == CANCELLED {
                self.late.fetch_sub(1, Ordering::AcqRel);
            }
        });
        worker.send(wrapped).map_err(|_| Stopped::Failed)?;
        let result = self.answered(&answers, &cancel, deadline)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < ABANDONED {
            idle.push(worker);
        }
        result.map_err(|_| Stopped::Failed)
    }

    fn answered<T>(&self, answers: &Answers<T>, cancel: &Cancel, deadline: Duration) -> Result<Result<T, Box<dyn Any + Send>>, Stopped> {
        match answers.recv_timeout(deadline) {
            Ok(result) => Ok(result),
            Err(RecvTimeoutError::Disconnected) => Err(Stopped::Failed),
            Err(RecvTimeoutError::Timeout) => {
                // Counted before it is told, so that the thread never counts itself down first.
                self.late.fetch_add(1, Ordering::AcqRel);
                if cancel.0.compare_exchange(RUNNING, CANCELLED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                    // The sender of its channel goes away with the caller: the thread ends after this job.
                    return Err(Stopped::TooSlow(deadline));
                }
                // It ended in this very moment: the answer is there.
                self.late.fetch_sub(1, Ordering::AcqRel);
                answers.try_recv().map_err(|_| Stopped::Failed)
            }
        }
    }

    /// Threads past their deadline now.
    #[cfg(test)]
    pub(super) fn late(&self) -> usize {
        self.late.load(Ordering::Acquire)
    }
}

fn spawn() -> Result<Sender<Job>, Stopped> {
    let (jobs, inbox) = channel::<Job>();
    let body = move || {
        while let Ok(job) = inbox.recv() {
            job();
        }
    };
    let spawned = thread::Builder::new().name(THREAD.to_owned()).stack_size(STACK).spawn(body);
    spawned.map(|_| jobs).map_err(|_| Stopped::Failed)
}

/// Threads past their deadline now.
#[cfg(test)]
pub(super) fn late() -> usize {
    POOL.late()
}

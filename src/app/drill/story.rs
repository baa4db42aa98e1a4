//! The time of a drill: it flows with the machine's, faster, or only when everything waits for it, and it can be held. The world is pushed
//! along, and everything in the console that waits for a time waits for this one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, oneshot};

use crate::target::clock;

/// How a drill's time passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tempo {
    /// So many seconds of the story in one of the machine's; above 0.
    Flowing(f64),
    /// To the next thing that is due, when nothing but time is waited for.
    Stepped,
}

/// Moves the world on by so much.
type Push = Box<dyn Fn(Duration) + Send + Sync>;

pub struct Story {
    tempo: Tempo,
    push: Push,
    inner: Mutex<Inner>,
    /// Somebody has begun to wait for a time.
    asleep: Notify,
}

struct Inner {
    now: Timestamp,
    /// When the machine's time was looked at last; none while the story is held.
    looked: Option<Instant>,
    /// Who wakes when, in the order they asked.
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    asked: u64,
}

impl Story {
    pub fn new(epoch: Timestamp, tempo: Tempo, push: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        let inner = Inner { now: epoch, looked: Some(Instant::now()), sleepers: BTreeMap::new(), asked: 0 };
        Self { tempo, push: Box::new(push), inner: Mutex::new(inner), asleep: Notify::new() }
    }

    pub fn tempo(&self) -> Tempo {
        self.tempo
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing here panics half-way: what the lock guards is whole between two lines.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the story catch up with the machine's time.
    pub fn flow(&self) -> Timestamp {
        let mut inner = self.lock();
        if let (Tempo::Flowing(factor), Some(looked)) = (self.tempo, inner.looked) {
            let passed = looked.elapsed();
            inner.looked = Some(looked + passed);
            self.pass(&mut inner, passed.mul_f64(factor));
        }
        inner.now
    }

    /// Moves the story on to this time at once, unless it is held.
    pub fn step_to(&self, due: Timestamp) {
        let mut inner = self.lock();
        if inner.looked.is_some() {
            let by = Duration::try_from(due.duration_since(inner.now)).unwrap_or(Duration::ZERO);
            self.pass(&mut inner, by);
        }
    }

    fn pass(&self, inner: &mut Inner, by: Duration) {
        if by.is_zero() {
            return;
        }
        inner.now = later(inner.now, by);
        (self.push)(by);
        while let Some(sleeper) = inner.sleepers.first_entry().filter(|sleeper| sleeper.key().0 <= inner.now) {
            // Whoever was stopped does not wait any more.
            let _ = sleeper.remove().send(());
        }
    }

    /// When the first of those that sleep wakes, and how many they are.
    pub fn sleepers(&self) -> (Option<Timestamp>, usize) {
        let mut inner = self.lock();
        inner.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        (inner.sleepers.first_key_value().map(|((due, _), _)| *due), inner.sleepers.len())
    }

    /// Until somebody begins to wait for a time; at once where that happened since this was awaited last.
    pub async fn asleep(&self) {
        self.asleep.notified().await;
    }

    /// Holds the story where it is, or lets it go on.
    pub fn hold(&self, held: bool) {
        self.flow();
        self.lock().looked = (!held).then(Instant::now);
    }
}

impl clock::Story for Story {
    fn now(&self) -> Timestamp {
        self.flow()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let (wake, woken) = oneshot::channel();
        let mut inner = self.lock();
        inner.asked += 1;
        let key = (later(inner.now, time), inner.asked);
        inner.sleepers.insert(key, wake);
        self.asleep.notify_one();
        Box::pin(async move {
            // A story that is gone has no time left to wait for.
            let _ = woken.await;
        })
    }
}

/// `time + by`; stays where it is at the end of all time.
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::target::clock::Story as _;

    #[tokio::test]
    async fn a_stepped_story_wakes_its_sleepers_in_order_and_pushes_the_world_as_far() {
        let pushed = Arc::new(AtomicU64::new(0));
        let world = Arc::clone(&pushed);
        let push = move |by: Duration| {
            world.fetch_add(by.as_secs(), Ordering::Relaxed);
        };
        let epoch = Timestamp::UNIX_EPOCH;
        let story = Story::new(epoch, Tempo::Stepped, push);
        let (late, early) = (story.sleep(Duration::from_secs(30)), story.sleep(Duration::from_secs(10)));
        let given_up = story.sleep(Duration::from_secs(1));
        drop(given_up);
        assert_eq!(story.sleepers(), (Some(later(epoch, Duration::from_secs(10))), 2), "who gave up is not waited for");
        story.step_to(later(epoch, Duration::from_secs(10)));
        early.await;
        assert_eq!((story.now(), story.sleepers().1), (later(epoch, Duration::from_secs(10)), 1));
        story.hold(true);
        story.step_to(later(epoch, Duration::from_secs(60)));
        assert_eq!(story.now(), later(epoch, Duration::from_secs(10)), "a held story does not move");
        story.hold(false);
        story.step_to(later(epoch, Duration::from_secs(60)));
        late.await;
        assert_eq!(pushed.load(Ordering::Relaxed), 60);
    }

    #[tokio::test]
    async fn whoever_begins_to_wait_is_heard_of() {
        let story = Arc::new(Story::new(Timestamp::UNIX_EPOCH, Tempo::Stepped, |_| {}));
        let sleeper = story.sleep(Duration::from_secs(1));
        story.asleep().await;
        let (late, heard) = (Arc::clone(&story), Arc::clone(&story));
        let listening = tokio::spawn(async move { heard.asleep().await });
        tokio::task::yield_now().await;
        let second = late.sleep(Duration::from_secs(1));
        listening.await.unwrap();
        assert_eq!(story.sleepers().1, 2);
        drop((sleeper, second));
    }

    #[tokio::test]
    async fn a_flowing_story_is_as_much_faster_as_it_is_said_to_be_and_stands_still_while_held() {
        let story = Story::new(Timestamp::UNIX_EPOCH, Tempo::Flowing(1_000_000.0), |_| {});
        while story.now() < later(Timestamp::UNIX_EPOCH, Duration::from_secs(3600)) {
            tokio::task::yield_now().await;
        }
        story.hold(true);
        let held = story.now();
        tokio::task::yield_now().await;
        assert_eq!(story.now(), held);
    }
}

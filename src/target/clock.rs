//! What time it is for everything an incident does: the machine's time, or that of a drill's world. A world that is stepped, paused or
//! faster than life must not be asked about the machine's now.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

/// The time of a world of its own.
pub trait Story: Send + Sync {
    fn now(&self) -> Timestamp;
    /// Until that much of the story's time has passed.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

#[derive(Clone, Default)]
pub enum Clock {
    #[default]
    Machine,
    Story(Arc<dyn Story>),
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Machine => Timestamp::now(),
            Self::Story(story) => story.now(),
        }
    }

    pub async fn sleep(&self, time: Duration) {
        match self {
            Self::Machine => tokio::time::sleep(time).await,
            Self::Story(story) if !time.is_zero() => story.sleep(time).await,
            Self::Story(_) => {}
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "Machine",
            Self::Story(_) => "Story",
        })
    }
}

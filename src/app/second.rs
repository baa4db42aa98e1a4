//! The screen's clock: a thread that sleeps a second and says so. The runtime's own timers would wake two threads several times for each.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

const SECOND: Duration = Duration::from_secs(1);

pub struct Seconds(Arc<Notify>);

impl Seconds {
    pub fn start() -> std::io::Result<Self> {
        let passed = Arc::new(Notify::new());
        let told = Arc::downgrade(&passed);
        let tell = move || {
            while let Some(passed) = told.upgrade() {
                passed.notify_one();
                drop(passed);
                thread::sleep(SECOND);
            }
        };
        thread::Builder::new().name("clock".to_owned()).stack_size(64 * 1024).spawn(tell)?;
        Ok(Self(passed))
    }

    /// Ends when a second has passed since the last; seconds nobody waited for count as one.
    pub async fn next(&self) {
        self.0.notified().await;
    }
}

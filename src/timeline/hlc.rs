//! The hybrid logical clock: wall time that never runs backwards. It orders events of several writers, and of one writer whose clock was
//! set back. Its text sorts as it counts, so `sort` orders a log without knowing what it means.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970 and a counter within them, as `2026-11-23T18:40:00.123Z-0000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hlc {
    ms: u64,
    /// 0 to 9999: four digits.
    count: u16,
}

const COUNT_MAX: u16 = 9999;
/// `2026-11-23T18:40:00.123Z`.
const TIME_CHARS: usize = 24;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time of the form 2026-11-23T18:40:00.123Z-0000")]
pub struct NotAnHlc(String);

impl Hlc {
    /// The next reading: later than this one whatever the wall clock says. Times before 1970 count as 1970.
    #[must_use]
    pub fn tick(self, now: Timestamp) -> Self {
        let wall = u64::try_from(now.as_millisecond()).unwrap_or(0);
        if wall > self.ms {
            Self { ms: wall, count: 0 }
        } else if self.count < COUNT_MAX {
            Self { ms: self.ms, count: self.count + 1 }
        } else {
            Self { ms: self.ms + 1, count: 0 }
        }
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = i64::try_from(self.ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX);
        write!(f, "{time:.3}-{:04}", self.count)
    }
}

impl FromStr for Hlc {
    type Err = NotAnHlc;

    fn from_str(text: &str) -> Result<Self, NotAnHlc> {
        let parsed = || {
            let (time, count) = text.split_at_checked(TIME_CHARS)?;
            let ms = time.parse::<Timestamp>().ok()?.as_millisecond();
            let hlc = Self { ms: u64::try_from(ms).ok()?, count: count.strip_prefix('-')?.parse().ok()? };
            // One value has one text, or sorting by text would lie.
            (hlc.to_string() == text).then_some(hlc)
        };
        parsed().ok_or_else(|| NotAnHlc(text.to_owned()))
    }
}

impl From<Hlc> for String {
    fn from(hlc: Hlc) -> Self {
        hlc.to_string()
    }
}

impl TryFrom<String> for Hlc {
    type Error = NotAnHlc;

    fn try_from(text: String) -> Result<Self, NotAnHlc> {
        text.parse()
    }
}

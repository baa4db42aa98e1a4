//! The time at the beginning of a note: `-5m …` or `14:05 …`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// The note without its time, and the time where it has one.
pub fn note(said: &str, now: Timestamp, zone: &TimeZone) -> Result<(String, Option<Timestamp>), String> {
    let (first, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    let Some(at) = ago(first, now).or_else(|| clock_time(first, now, zone)) else { return Ok((said.to_owned(), None)) };
    let text = rest.trim();
    if text.is_empty() { Err("the time is understood; the note itself is missing".to_owned()) } else { Ok((text.to_owned(), Some(at))) }
}

/// `-90s`, `-5m`, `-2h`.
fn ago(word: &str, now: Timestamp) -> Option<Timestamp> {
    let word = word.strip_prefix('-')?;
    let unit = match word.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => return None,
    };
    let number: i64 = word.get(..word.len() - 1)?.parse().ok()?;
    let seconds = number.checked_mul(unit).filter(|seconds| *seconds >= 0)?;
    now.checked_sub(SignedDuration::from_secs(seconds)).ok()
}

/// The last time the clock showed this: today, or yesterday where today's is still to come.
fn clock_time(word: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let (hours, minutes) = word.split_once(':')?;
    if hours.len() > 2 || minutes.len() != 2 {
        return None;
    }
    let (hour, minute): (i8, i8) = (hours.parse().ok()?, minutes.parse().ok()?);
    let time = jiff::civil::Time::new(hour, minute, 0, 0).ok()?;
    let today = now.to_zoned(zone.clone()).date().to_datetime(time).to_zoned(zone.clone()).ok()?;
    let at = if today.timestamp() > now { today.checked_sub(1.day()).ok()? } else { today };
    Some(at.timestamp())
}

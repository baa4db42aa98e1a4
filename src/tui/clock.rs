//! Times as people read them: elapsed, ages, time of day. The time itself always comes in.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// From `since` to `now`; zero where the clock went backwards.
pub fn between(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or(Duration::ZERO)
}

/// `04:09`, `1:04:09`, `2d 01:04:09`: counts up on the screen.
pub fn elapsed(since: Timestamp, now: Timestamp) -> String {
    let seconds = between(since, now).as_secs();
    let (days, hours, minutes, seconds) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes:02}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        (_, _) => format!("{days}d {hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// `12 s`, `4 min`, `2 h 05 min`, `3 d`: how old something is, to the unit that matters.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    span(between(since, now))
}

pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() > 0 => format!("{} ms", duration.as_millis()),
        0..60 => format!("{seconds} s"),
        60..3_600 if seconds.is_multiple_of(60) || seconds >= 600 => format!("{} min", seconds / 60),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 if (seconds / 60).is_multiple_of(60) => format!("{} h", seconds / 3_600),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `14:03:27` in the zone of the screen.
pub fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

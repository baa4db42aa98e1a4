//! Standard input, line by line, each with the time it came: an answer counts from when it was typed, not from when it was looked at.

use std::io::{self, BufRead};

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::target::Clock;

/// Lines read ahead.
const AHEAD: usize = 16;
/// Bytes of one line; a longer one is cut.
const LINE_BYTES: u64 = 16 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub struct Typed {
    pub at: Timestamp,
    pub line: String,
}

/// A thread of its own, since reading a terminal can't be cancelled: it ends with the process. The channel closes when input ends.
pub fn read_ahead(clock: Clock) -> io::Result<mpsc::Receiver<Typed>> {
    let (sender, lines) = mpsc::channel(AHEAD);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(line)) = read_line(&mut input) {
            if sender.blocking_send(Typed { at: clock.now(), line }).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}

fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = io::Read::take(&mut *input, LINE_BYTES).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LINE_BYTES {
        input.skip_until(b'\n')?;
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_its_limit_and_the_next_one_is_whole() {
        let mut input = io::Cursor::new([vec![b'a'; 20_000], b"\r\n\xffb\nlast".to_vec()].concat());
        let first = read_line(&mut input).unwrap().unwrap();
        assert_eq!(first.len() as u64, LINE_BYTES);
        assert_eq!(read_line(&mut input).unwrap().as_deref(), Some("\u{fffd}b"));
        assert_eq!(read_line(&mut input).unwrap().as_deref(), Some("last"));
        assert_eq!(read_line(&mut input).unwrap(), None);
    }
}

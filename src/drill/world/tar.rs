//! Tar archives of plain files (POSIX ustar), as `kubectl cp` reads and writes them.

/// Bytes of a name.
pub const NAME: usize = 100;
const BLOCK: usize = 512;

/// A file: its name and content.
pub type Entry = (String, Vec<u8>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("This does not look like a tar archive")]
    Foreign,
    #[error("Unexpected EOF in archive")]
    Short,
    #[error("{0}: File name too long (the world keeps {NAME} bytes)")]
    Name(String),
    #[error("{0}: not simulated: links and devices")]
    Kind(String),
}

/// An archive of these files. A name of more than [`NAME`] bytes is cut.
pub fn write(files: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        archive.extend_from_slice(&header(name, content.len()));
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    archive
}

fn header(name: &str, size: usize) -> [u8; BLOCK] {
    let mut header = [0_u8; BLOCK];
    put(&mut header, 0, NAME, name.as_bytes());
    put(&mut header, 100, 8, b"0000644\0");
    put(&mut header, 108, 8, b"0001750\0");
    put(&mut header, 116, 8, b"0001750\0");
    put(&mut header, 124, 12, format!("{size:011o}\0").as_bytes());
    put(&mut header, 136, 12, b"00000000000\0");
    put(&mut header, 148, 8, b"        ");
    put(&mut header, 156, 1, b"0");
    put(&mut header, 257, 8, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut header, 148, 8, format!("{sum:06o}\0 ").as_bytes());
    header
}

fn put(header: &mut [u8; BLOCK], at: usize, room: usize, bytes: &[u8]) {
    for (slot, byte) in header.iter_mut().skip(at).take(room).zip(bytes) {
        *slot = *byte;
    }
}

/// The files of an archive. Directories are left out: they are there when something is in them.
pub fn read(archive: &[u8]) -> Result<Vec<Entry>, Error> {
    let mut files = Vec::new();
    let mut rest = archive;
    let mut long = None;
    while let Some((header, after)) = rest.split_at_checked(BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            return Ok(files);
        }
        let size = checked(header)?;
        let content = after.get(..size).ok_or(Error::Short)?;
        rest = after.get(size.next_multiple_of(BLOCK)..).unwrap_or_default();
        let prefix = words(header, 345, 155);
        let short = words(header, 0, NAME);
        let name = long.take().unwrap_or_else(|| if prefix.is_empty() { short.clone() } else { format!("{prefix}/{short}") });
        match header.get(156) {
            Some(b'0' | 0) if name.len() > NAME => return Err(Error::Name(name)),
            Some(b'0' | 0) => files.push((name, content.to_vec())),
            Some(b'5' | b'g') => {}
            // What comes next has its name here, where it is too long for a header.
            Some(b'x') => long = path(content),
            Some(b'L') => long = Some(String::from_utf8_lossy(content).trim_end_matches('\0').to_owned()),
            _ => return Err(Error::Kind(name)),
        }
    }
    // Nothing was sent at all, or the two empty blocks of the end are missing.
    if files.is_empty() { Err(Error::Foreign) } else { Ok(files) }
}

/// The size of what follows a header whose sum is right.
fn checked(header: &[u8]) -> Result<usize, Error> {
    let octal = |at: usize, room: usize| {
        let digits = words(header, at, room);
        usize::from_str_radix(digits.trim(), 8).ok()
    };
    let blank = 8 * u32::from(b' ');
    let sum: u32 = header.iter().enumerate().filter(|(at, _)| !(148..156).contains(at)).map(|(_, byte)| u32::from(*byte)).sum();
    if octal(148, 8) != usize::try_from(sum + blank).ok() {
        return Err(Error::Foreign);
    }
    octal(124, 12).ok_or(Error::Foreign)
}

fn words(header: &[u8], at: usize, room: usize) -> String {
    let field = header.get(at..at + room).unwrap_or_default();
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// The path of a pax header: lines of `LENGTH KEY=VALUE`.
fn path(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    text.lines().filter_map(|line| line.split_once(' ')).find_map(|(_, pair)| pair.strip_prefix("path=").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let files = vec![("tmp/a".to_owned(), b"one".to_vec()), ("tmp/b/c".to_owned(), vec![7; 1024]), ("e".to_owned(), Vec::new())];
        assert_eq!(read(&write(&files)), Ok(files));
        assert_eq!(read(&write(&[])), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let archive = write(&[("a".to_owned(), vec![1; 700])]);
        assert_eq!(read(&archive[..900]), Err(Error::Short));
        assert_eq!(read(b""), Err(Error::Foreign));
        assert_eq!(read(&[9; 1024]), Err(Error::Foreign));
        let mut link = archive.clone();
        link[156] = b'2';
        assert_eq!(read(&link), Err(Error::Foreign), "its sum is wrong by now");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048), at in 0_usize..1536) {
            let _ = read(&bytes);
            let mut archive = write(&[("a".to_owned(), vec![1; 10])]);
            let room = archive.len() - at;
            let take = bytes.len().min(room);
            archive[at..at + take].copy_from_slice(&bytes[..take]);
            let _ = read(&archive);
        }
    }
}

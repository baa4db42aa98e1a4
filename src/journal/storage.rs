//! The few operations on a disk that a journal's promises rest on. [`Disk`] is the real one; tests put one in its place that counts synced
//! bytes and fails where it is told to. One method is one step that can fail: nothing here retries or combines.

use std::fmt::Debug;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

pub trait Storage: Debug {
    /// An open file; writes go to its end.
    type Log: Debug;
    /// Held for as long as it lives.
    type Lock: Debug;

    /// Makes one directory, mode 0700. It must not exist.
    fn make_directory(&self, path: &Path) -> io::Result<()>;
    /// Makes a file, mode 0600. It must not exist.
    fn create(&self, path: &Path) -> io::Result<Self::Log>;
    /// Opens a file that exists and is no link.
    fn open(&self, path: &Path) -> io::Result<Self::Log>;
    /// The whole file; no link, no pipe, and not more than `limit` bytes (else an error of kind `FileTooLarge`).
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
    /// One write at the end. Gives the bytes written, which may be fewer.
    fn write(&self, log: &mut Self::Log, bytes: &[u8]) -> io::Result<usize>;
    /// Writes bytes over those that lie at `offset`. Not yet on the disk.
    fn rewrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Waits until content and length are on the disk (fdatasync).
    fn sync(&self, log: &mut Self::Log) -> io::Result<()>;
    fn truncate(&self, log: &mut Self::Log, length: u64) -> io::Result<()>;
    /// Waits until the entries of a directory are on the disk.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// Names in a directory that is no link.
    fn names(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Takes the lock at once, or says who has it, where that is known.
    fn lock(&self, path: &Path) -> io::Result<Result<Self::Lock, Option<u32>>>;
}

/// The machine's own file systems.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
/// A process id with room to spare.
const LOCK_BYTES: u64 = 32;

/// No link is followed. `NONBLOCK` so that a pipe put in a file's place gives an error instead of waiting for its other end.
fn plain() -> OpenOptions {
    flags(OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC)
}

fn flags(flags: OFlags) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE_MODE).custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    options
}

fn open_directory(path: &Path) -> io::Result<File> {
    flags(OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC).read(true).open(path)
}

impl Storage for Disk {
    type Log = File;
    type Lock = File;

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(DIRECTORY_MODE).create(path)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        plain().read(true).append(true).create_new(true).open(path)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        let file = plain().read(true).append(true).open(path)?;
        regular(&file)?;
        Ok(file)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let file = plain().read(true).open(path)?;
        let length = regular(&file)?;
        if length > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        // Another console may be writing: what came after the length was read is left for the next time.
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&self, log: &mut File, bytes: &[u8]) -> io::Result<usize> {
        log.write(bytes)
    }

    fn rewrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = plain().write(true).open(path)?;
        regular(&file)?;
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, log: &mut File) -> io::Result<()> {
        log.sync_data()
    }

    fn truncate(&self, log: &mut File, length: u64) -> io::Result<()> {
        log.set_len(length)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        open_directory(path)?.sync_all()
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        open_directory(path)?;
        std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn lock(&self, path: &Path) -> io::Result<Result<File, Option<u32>>> {
        let mut file = plain().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.write_all(std::process::id().to_string().as_bytes())?;
                Ok(Ok(file))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                (&file).take(LOCK_BYTES).read_to_string(&mut text)?;
                Ok(Err(text.trim().parse().ok()))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The length, if it is a file and not a pipe or a device.
fn regular(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok(metadata.len()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")) }
}

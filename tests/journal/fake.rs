//! A disk in memory that keeps what was synced apart from what was only written, counts operations, and fails or stops where it is told to.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use qrh::journal::Storage;

/// A disk in memory: what the program sees, and what a power cut would leave.
#[derive(Debug, Clone, Default)]
pub struct Fake(Rc<RefCell<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    files: BTreeMap<PathBuf, Content>,
    directories: BTreeMap<PathBuf, Entry>,
    operations: Vec<Operation>,
    fault: Option<(usize, Fault)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Make,
    Create,
    Open,
    Read,
    Write,
    Rewrite,
    Sync,
    Truncate,
    SyncDirectory,
    Names,
    Lock,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// Nothing works from here on.
    PowerCut,
    /// This operation fails, later ones work.
    Error(io::ErrorKind),
    /// A write stores half of what it was given; any other operation fails.
    Short,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Entry {
    #[default]
    Volatile,
    Durable,
}

#[derive(Debug, Clone, Default)]
struct Content {
    entry: Entry,
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// A sync failed: the system takes what lies behind this for stored, and it is not.
    dropped_from: Option<usize>,
}

fn clean(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

impl Fake {
    pub fn failing(at: usize, fault: Fault) -> Self {
        let fake = Self::default();
        fake.0.borrow_mut().fault = Some((at, fault));
        fake
    }

    pub fn operations(&self) -> Vec<Operation> {
        self.0.borrow().operations.clone()
    }

    /// Counts the operation; says whether it fails.
    fn step(&self, operation: Operation) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        let number = state.operations.len();
        state.operations.push(operation);
        match state.fault {
            Some((at, Fault::PowerCut)) if number >= at => Err(io::Error::other("power cut")),
            Some((at, Fault::Error(kind))) if number == at => Err(kind.into()),
            Some((at, Fault::Short)) if number == at && operation != Operation::Write => Err(io::Error::other("short")),
            _ => Ok(()),
        }
    }

    /// What is left after a power cut. `pick(n)` chooses one of 0..=n wherever the disk was free to choose.
    pub fn after_power_cut(&self, pick: &mut dyn FnMut(usize) -> usize) -> Self {
        let old = self.0.borrow();
        let mut state = State::default();
        for (path, entry) in &old.directories {
            let above = path.parent().is_none_or(|above| above == Path::new("/") || state.directories.contains_key(above));
            if above && (*entry == Entry::Durable || pick(1) == 1) {
                state.directories.insert(path.clone(), Entry::Durable);
            }
        }
        for (path, content) in &old.files {
            if !state.directories.contains_key(path.parent().unwrap()) || (content.entry == Entry::Volatile && pick(1) == 0) {
                continue;
            }
            let left = match content.seen.strip_prefix(content.durable.as_slice()) {
                Some(rest) => [&content.durable, &rest[..pick(rest.len())]].concat(),
                None if pick(1) == 1 => content.seen.clone(),
                None => content.durable.clone(),
            };
            state.files.insert(path.clone(), Content { entry: Entry::Durable, durable: left.clone(), seen: left, dropped_from: None });
        }
        Self(Rc::new(RefCell::new(state)))
    }

    /// From now on this fault, `after` operations from here.
    pub fn set_fault(&self, after: usize, fault: Fault) {
        let mut state = self.0.borrow_mut();
        state.fault = Some((state.operations.len() + after, fault));
    }

    /// Bytes of a file that a power cut leaves.
    pub fn durable(&self, path: &Path) -> Vec<u8> {
        self.0.borrow().files[path].durable.clone()
    }

    /// The same machine, the next process.
    pub fn without_fault(&self) -> Self {
        let state = State { fault: None, ..self.0.borrow().clone() };
        Self(Rc::new(RefCell::new(state)))
    }
}

impl Storage for Fake {
    type Log = PathBuf;
    type Lock = ();

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.step(Operation::Make)?;
        let mut state = self.0.borrow_mut();
        let above = path.parent().unwrap();
        if state.directories.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if above != Path::new("/") && !state.directories.contains_key(above) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.directories.insert(path.to_owned(), Entry::Volatile);
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<PathBuf> {
        self.step(Operation::Create)?;
        let mut state = self.0.borrow_mut();
        if state.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(path.to_owned(), Content::default());
        Ok(path.to_owned())
    }

    fn open(&self, path: &Path) -> io::Result<PathBuf> {
        self.step(Operation::Open)?;
        if self.0.borrow().files.contains_key(path) { Ok(path.to_owned()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn read(&self, path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        self.step(Operation::Read)?;
        Ok(self.0.borrow().files[path].seen.clone())
    }

    fn write(&self, log: &mut PathBuf, bytes: &[u8]) -> io::Result<usize> {
        let stepped = self.step(Operation::Write);
        let mut state = self.0.borrow_mut();
        let number = state.operations.len() - 1;
        let cut_now = matches!(state.fault, Some((at, Fault::PowerCut | Fault::Short)) if at == number);
        let stored = match (&stepped, cut_now) {
            (Ok(()), true) => bytes.len() / 2,
            // A power cut in the midst of a write: the bytes were on their way.
            (Ok(()), false) | (Err(_), true) => bytes.len(),
            (Err(_), false) => 0,
        };
        state.files.get_mut(log).unwrap().seen.extend(&bytes[..stored]);
        stepped.map(|()| stored)
    }

    fn rewrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.step(Operation::Rewrite)?;
        let mut state = self.0.borrow_mut();
        let content = state.files.get_mut(path).unwrap();
        let offset = usize::try_from(offset).unwrap();
        assert_eq!(&content.seen[offset..offset + bytes.len()], bytes, "only what is there is written again");
        if content.dropped_from.is_some_and(|from| offset <= from && offset + bytes.len() == content.seen.len()) {
            content.dropped_from = None;
        }
        Ok(())
    }

    fn sync(&self, log: &mut PathBuf) -> io::Result<()> {
        let stepped = self.step(Operation::Sync);
        let mut state = self.0.borrow_mut();
        let content = state.files.get_mut(log).unwrap();
        if stepped.is_err() {
            content.dropped_from = Some(content.durable.len().min(content.seen.len()));
        } else {
            content.durable = content.seen[..content.dropped_from.unwrap_or(content.seen.len())].to_vec();
        }
        stepped
    }

    fn truncate(&self, log: &mut PathBuf, length: u64) -> io::Result<()> {
        self.step(Operation::Truncate)?;
        let mut state = self.0.borrow_mut();
        let content = state.files.get_mut(log).unwrap();
        content.seen.truncate(usize::try_from(length).unwrap());
        content.dropped_from = content.dropped_from.map(|from| from.min(content.seen.len()));
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.step(Operation::SyncDirectory)?;
        let path = clean(path);
        let mut state = self.0.borrow_mut();
        for (file, content) in &mut state.files {
            if file.parent() == Some(&path) {
                content.entry = Entry::Durable;
            }
        }
        for (directory, entry) in &mut state.directories {
            if directory.parent() == Some(&path) {
                *entry = Entry::Durable;
            }
        }
        Ok(())
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        self.step(Operation::Names)?;
        let state = self.0.borrow();
        if !state.directories.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.files.keys().chain(state.directories.keys()).filter(|other| other.parent() == Some(path));
        Ok(inside.map(|other| other.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn lock(&self, _path: &Path) -> io::Result<Result<(), Option<u32>>> {
        self.step(Operation::Lock).map(Ok)
    }
}

/// A small generator: the same number gives the same choices.
pub fn choices(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |most| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % (most + 1)
    }
}

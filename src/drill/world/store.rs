//! All objects, one counter of versions, and what lately happened to each kind. Decides nothing: who may write, and what a write
//! means, is said above it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;

use super::kind::{ALL, Kind};
use super::object::{Id, Object};

/// How many changes of one kind are remembered: a watch that asks for older ones is told 410.
pub const HISTORY: usize = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added,
    Modified,
    Deleted,
}

/// One thing that happened. A deleted object carries the version of its deletion.
#[derive(Debug, Clone)]
pub struct Happened {
    pub version: u64,
    pub change: Change,
    pub object: Arc<Object>,
    pub before: Option<Arc<Object>>,
}

#[derive(Debug)]
struct Shelf {
    history: VecDeque<Happened>,
    /// The version of the newest change that is no longer remembered.
    forgotten: u64,
    news: watch::Sender<u64>,
}

#[derive(Debug)]
pub struct Store {
    objects: BTreeMap<Id, Arc<Object>>,
    owned: BTreeMap<String, BTreeSet<Id>>,
    shelves: BTreeMap<Kind, Shelf>,
    version: u64,
    /// How many changes of a kind are remembered.
    depth: usize,
}

impl Store {
    /// `version` is the first resourceVersion; worlds differ in it, as clusters do. `depth`: changes remembered of each kind.
    pub fn new(version: u64, depth: usize) -> Self {
        let shelf = || Shelf { history: VecDeque::new(), forgotten: version, news: watch::Sender::new(version) };
        Self {
            objects: BTreeMap::new(),
            owned: BTreeMap::new(),
            shelves: ALL.iter().map(|kind| (*kind, shelf())).collect(),
            version,
            depth: depth.max(1),
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    /// The version the next write will have. Each write takes exactly one.
    pub fn next_version(&self) -> u64 {
        self.version + 1
    }

    pub fn get(&self, id: &Id) -> Option<&Arc<Object>> {
        self.objects.get(id)
    }

    /// The objects of a kind in name order, in one namespace or (with "") in all.
    pub fn list(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.list_after(Id::new(kind, namespace, ""), namespace)
    }

    /// As `list`, from behind a place on.
    pub fn list_after(&self, after: Id, namespace: &str) -> impl Iterator<Item = &Arc<Object>> {
        let (kind, namespace) = (after.kind, namespace.to_owned());
        self.objects
            .range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded))
            .map(|(_, object)| object)
            .take_while(move |object| object.id.kind == kind && (namespace.is_empty() || object.id.namespace == namespace))
    }

    /// The objects of a kind that an owner controls; with "", those that nobody does.
    pub fn owned(&self, owner: &str, kind: Kind) -> Vec<Arc<Object>> {
        let ids = self.owned.get(owner).into_iter().flatten();
        ids.filter(|id| id.kind == kind).filter_map(|id| self.objects.get(id).cloned()).collect()
    }

    pub fn len(&self) -> usize {
        self.objects.len()
    }

    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Keeps an object; its version is `next_version` and already in its text.
    pub fn put(&mut self, object: Object) -> Arc<Object> {
        let object = Arc::new(object);
        let before = self.objects.insert(object.id.clone(), object.clone());
        self.disown(before.as_deref());
        self.owned.entry(object.owner.clone().unwrap_or_default()).or_default().insert(object.id.clone());
        let change = if before.is_some() { Change::Modified } else { Change::Added };
        self.remember(Happened { version: object.version, change, object: object.clone(), before });
        object
    }

    /// Takes an object out; `last` is its last state, with `next_version`.
    pub fn take(&mut self, last: Object) {
        let before = self.objects.remove(&last.id);
        self.disown(before.as_deref());
        self.remember(Happened { version: last.version, change: Change::Deleted, object: Arc::new(last), before });
    }

    fn disown(&mut self, object: Option<&Object>) {
        let Some(object) = object else { return };
        let owner = object.owner.as_deref().unwrap_or_default();
        if let Some(ids) = self.owned.get_mut(owner) {
            ids.remove(&object.id);
            if ids.is_empty() {
                self.owned.remove(owner);
            }
        }
    }

    fn remember(&mut self, happened: Happened) {
        self.version = self.version.max(happened.version);
        let Some(shelf) = self.shelves.get_mut(&happened.object.id.kind) else { return };
        shelf.news.send_replace(happened.version);
        shelf.history.push_back(happened);
        while shelf.history.len() > self.depth {
            if let Some(old) = shelf.history.pop_front() {
                shelf.forgotten = old.version;
            }
        }
    }

    /// What happened to a kind after a version. None: some of it is forgotten.
    pub fn since(&self, kind: Kind, version: u64) -> Option<Vec<Happened>> {
        let shelf = self.shelves.get(&kind)?;
        if version < shelf.forgotten {
            return None;
        }
        let start = shelf.history.partition_point(|happened| happened.version <= version);
        Some(shelf.history.range(start..).cloned().collect())
    }

    /// Tells of every change of a kind, by its version.
    pub fn news(&self, kind: Kind) -> Option<watch::Receiver<u64>> {
        self.shelves.get(&kind).map(|shelf| shelf.news.subscribe())
    }

    /// Forgets all changes so far, as a compaction does.
    pub fn compact(&mut self) {
        for shelf in self.shelves.values_mut() {
            shelf.history.clear();
            shelf.forgotten = self.version;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put(store: &mut Store, name: &str) {
        let version = store.next_version();
        store.put(Object::new(Id::new(Kind::Secret, "a", name), version, &json!({ "metadata": { "name": name } })));
    }

    #[test]
    fn what_is_forgotten_is_said() {
        let mut store = Store::new(100, 3);
        for name in ["one", "two", "three", "four"] {
            put(&mut store, name);
        }
        assert!(store.since(Kind::Secret, 100).is_none(), "the first change is gone");
        assert_eq!(store.since(Kind::Secret, 101).map(|all| all.len()), Some(3));
        assert_eq!(store.since(Kind::Pod, 100).map(|all| all.len()), Some(0), "another kind forgot nothing");
        store.compact();
        assert!(store.since(Kind::Secret, 103).is_none());
        assert_eq!(store.since(Kind::Secret, 104).map(|all| all.len()), Some(0));
    }

    #[test]
    fn a_namespace_is_not_its_prefix() {
        let mut store = Store::new(1, 10);
        for namespace in ["a", "ab", "b"] {
            let version = store.next_version();
            store.put(Object::new(Id::new(Kind::Secret, namespace, "x"), version, &json!({})));
        }
        assert_eq!(store.list(Kind::Secret, "a").count(), 1);
        assert_eq!(store.list(Kind::Secret, "").count(), 3);
    }
}

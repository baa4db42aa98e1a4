//! watch: every change from a version on, as one JSON object a line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use super::answer::{self, Answer};
use super::form::{Form, Shape};
use super::read::{Scope, form, fresh_enough};
use super::request::{Place, Request};
use crate::drill::world::Shared;
use crate::drill::world::object::Object;
use crate::drill::world::refusal::Refusal;
use crate::drill::world::state::State;
use crate::drill::world::store::{Change, Happened};

/// How often a watch that asked for bookmarks gets one.
const BOOKMARK: Duration = Duration::from_secs(60);
/// The longest watch, as the API server's default.
const LONGEST: Duration = Duration::from_secs(1800);

struct Watch {
    shared: Arc<Shared>,
    scope: Scope,
    form: Form,
    news: Receiver<u64>,
    version: u64,
    ready: VecDeque<String>,
    bookmarks: Option<Instant>,
    until: Instant,
    over: bool,
}

pub fn watch(shared: &Arc<Shared>, state: &State, scope: Scope, (place, request): (&Place, &Request)) -> Result<Answer, Refusal> {
    let asked = fresh_enough(state, request.query.get("resourceVersion"))?;
    let seconds = request.query.number("timeoutSeconds")?.map_or(LONGEST, Duration::from_secs).min(LONGEST);
    let form = form(place, request, state);
    let mut ready = VecDeque::new();
    let initial = request.query.truth("sendInitialEvents");
    let mut version = asked;
    if asked == 0 || initial {
        version = state.store.version();
        let objects = state.store.list(scope.kind, &scope.namespace).filter(|object| scope.holds(object));
        ready.extend(objects.map(|object| line("ADDED", &form, object)));
    } else if state.store.since(scope.kind, asked).is_none() {
        // As the API server: the watch is opened, and its one event is the error.
        let refusal = Refusal::expired(format!("too old resource version: {asked} ({})", state.store.version()));
        let mut status = refusal.status();
        status.as_object_mut().map(|map| map.insert("code".to_owned(), 410.into()));
        let event = format!("{}\n", json!({ "type": "ERROR", "object": status }));
        return Ok(answer::stream("application/json;stream=watch", futures::stream::iter([Bytes::from(event)])));
    }
    let bookmarks = request.query.truth("allowWatchBookmarks").then(|| Instant::now() + BOOKMARK);
    if initial {
        ready.push_back(bookmark(&form, scope.kind.info().kind, version, true));
    }
    let news = state.store.news(scope.kind).ok_or_else(|| Refusal::internal("this kind has no history"))?;
    let watch =
        Watch { shared: shared.clone(), scope, form, news, version, ready, bookmarks, until: Instant::now() + seconds, over: false };
    let parts = futures::stream::unfold(watch, |mut watch| async move { watch.next().await.map(|bytes| (bytes, watch)) });
    Ok(answer::stream("application/json;stream=watch", parts))
}

fn line(change: &str, form: &Form, object: &Object) -> String {
    format!("{{\"type\":\"{change}\",\"object\":{}}}\n", form.object(object))
}

fn bookmark(form: &Form, kind: &str, version: u64, end_of_list: bool) -> String {
    let mut metadata = json!({ "resourceVersion": version.to_string(), "creationTimestamp": null });
    if end_of_list {
        crate::drill::world::json::set(&mut metadata, &["annotations", "k8s.io/initial-events-end"], "true");
    }
    let object: Value = match form.shape {
        Shape::Table(_) => json!({
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": { "resourceVersion": version.to_string() }, "columnDefinitions": [],
            "rows": [{ "cells": [], "object": { "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata } }],
        }),
        Shape::Metadata => json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata }),
        Shape::Whole => json!({ "kind": kind, "apiVersion": form.api_version, "metadata": metadata }),
    };
    format!("{}\n", json!({ "type": "BOOKMARK", "object": object }))
}

impl Watch {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.ready.is_empty() {
                // What is ready goes out together, but in parts of about 64 KiB.
                let mut text = String::new();
                while text.len() < 65_536 {
                    let Some(line) = self.ready.pop_front() else { break };
                    text.push_str(&line);
                }
                return Some(text.into());
            }
            if self.over {
                return None;
            }
            self.gather();
            if !self.ready.is_empty() || self.over {
                continue;
            }
            let bookmark_at = self.bookmarks.unwrap_or(self.until);
            tokio::select! {
                changed = self.news.changed() => if changed.is_err() { return None },
                () = self.shared.stop.cancelled() => return None,
                () = tokio::time::sleep_until(self.until) => return None,
                () = tokio::time::sleep_until(bookmark_at), if self.bookmarks.is_some() => {
                    self.bookmarks = Some(Instant::now() + BOOKMARK);
                    self.ready.push_back(bookmark(&self.form, self.scope.kind.info().kind, self.version, false));
                }
            }
        }
    }

    fn gather(&mut self) {
        self.news.borrow_and_update();
        let (now, version, happened) =
            self.shared.look(|state| (state.now, state.store.version(), state.store.since(self.scope.kind, self.version)));
        self.form.now = now;
        let Some(happened) = happened else {
            let refusal = Refusal::expired(format!("too old resource version: {} ({version})", self.version));
            self.ready.push_back(format!("{}\n", json!({ "type": "ERROR", "object": refusal.status() })));
            self.over = true;
            return;
        };
        self.version = version.max(self.version);
        let lines: Vec<String> = happened.iter().filter_map(|happened| self.told(happened)).collect();
        self.ready.extend(lines);
    }

    /// What a change means for who sees only a part: an object that no longer matches is gone for them.
    fn told(&self, happened: &Happened) -> Option<String> {
        let now = happened.change != Change::Deleted && self.scope.holds(&happened.object);
        let before = happened.before.as_ref().is_some_and(|before| self.scope.holds(before));
        let change = match (before, now) {
            (true, true) => "MODIFIED",
            (false, true) => "ADDED",
            (true, false) => "DELETED",
            (false, false) => return None,
        };
        Some(line(change, &self.form, &happened.object))
    }
}

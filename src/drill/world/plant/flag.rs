//! The switches of a service, as its flags API shows them. A fault that hides behind one turns it on; its name says the feature, not
//! the fault.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Answers `/checkout` without calling anything: accept now, charge later.
pub const BREAKER: &str = "payments-cache";
/// Tries a failed call again with a back-off; off means one attempt.
pub const RETRIES: &str = "upstream-retries";

struct Known {
    name: &'static str,
    on: bool,
    about: &'static str,
}

const fn known(name: &'static str, on: bool, about: &'static str) -> Known {
    Known { name, on, about }
}

const TABLE: &[Known] = &[
    known("cached-catalogue", true, "serve the catalogue from memory"),
    known("export-buffers", false, "keep finished exports for a second download"),
    known("export-compressed", false, "send exports compressed"),
    known("export-in-memory", false, "build exports in memory before sending them"),
    known("fresh-catalogue", false, "build the catalogue anew for each request"),
    known("new-pricing", false, "price carts by the new tables"),
    known("one-page-checkout", true, "the checkout on one page"),
    known("report-details", false, "reports with every line of every order"),
    known("search-by-address", false, "find customers by their address"),
    known("search-cache", false, "keep search results for the next page"),
    known("session-log", false, "log the session with each request"),
    known("signed-orders", false, "sign each order"),
    known("eager-retries", false, "try a failed call again at once, many times"),
    known(BREAKER, false, "answer /checkout without calling the upstream: accept now, charge later"),
    known(RETRIES, true, "retry a failed call with a back-off; off means one attempt"),
];

#[derive(Debug, Clone)]
pub struct Flags(BTreeMap<String, (bool, &'static str)>);

impl Default for Flags {
    fn default() -> Self {
        Self(TABLE.iter().map(|flag| (flag.name.to_owned(), (flag.on, flag.about))).collect())
    }
}

impl Flags {
    pub fn is_on(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|(on, _)| *on)
    }

    /// What it was before. None: there is no such switch.
    pub fn set(&mut self, name: &str, on: bool) -> Option<bool> {
        self.0.get_mut(name).map(|flag| std::mem::replace(&mut flag.0, on))
    }

    /// Turns a switch on that may not have been there.
    pub fn begin(&mut self, name: &str) {
        self.0.entry(name.to_owned()).or_insert((true, "a feature of this release")).0 = true;
    }

    pub fn all(&self) -> Value {
        let entries =
            self.0.iter().map(|(name, (on, about))| (name.clone(), json!({ "kind": "feature", "description": about, "enabled": on })));
        Value::Object(entries.collect())
    }

    pub fn one(&self, name: &str) -> Option<Value> {
        let (on, about) = self.0.get(name)?;
        Some(json!({ "name": name, "kind": "feature", "description": about, "enabled": on }))
    }

    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    pub fn on(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, (on, _))| *on).map(|(name, _)| name.as_str()).collect()
    }
}

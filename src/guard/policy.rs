//! `policy.yaml`, `qrh.policy/v1`: the team's floor. A runbook may only be stricter than it.

use serde::Deserialize;

use crate::action::{Action, Identity};

/// The team's rules. The default protects nothing by name and asks before every read that nothing enforces.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    #[serde(rename = "schema")]
    _schema: SchemaName,
    /// Targets on which every change is at least tier 2.
    #[serde(default)]
    pub protected: Vec<Scope>,
    /// Changes that may not run at all.
    #[serde(default)]
    pub refuse: Vec<Refuse>,
    /// A change that reaches more objects than this is refused; 1 to 10,000.
    #[serde(default)]
    pub max_objects: Option<u32>,
    /// What a read-only command that nothing enforces may do.
    #[serde(default)]
    pub declared_only: DeclaredOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum SchemaName {
    #[serde(rename = "qrh.policy/v1")]
    V1,
}

/// Whether a read that only its author calls read-only runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeclaredOnly {
    /// Confirmed like a change of one object.
    #[default]
    Ask,
    /// Runs at once: the team vouches for its runbooks.
    Run,
    Refuse,
}

/// Globs (`*` is any run of characters); an absent field matches all.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    pub context: Option<String>,
    pub namespace: Option<String>,
    pub host: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    /// Glob over `kind` or `kind.verb`: `kube.delete-pod`, `shell`, `kube.*`.
    pub action: String,
    #[serde(default)]
    pub on: Scope,
    pub why: String,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            _schema: SchemaName::V1,
            protected: Vec::new(),
            refuse: Vec::new(),
            max_objects: None,
            declared_only: DeclaredOnly::default(),
        }
    }
}

impl Policy {
    pub fn protects(&self, identity: &Identity) -> bool {
        self.protected.iter().any(|scope| scope.matches(identity))
    }

    /// The rule that refuses this change, as a sentence.
    pub fn refuses(&self, action: &Action, identity: &Identity, objects: u32) -> Option<String> {
        let name = action.name();
        if let Some(rule) = self.refuse.iter().find(|rule| glob(&rule.action, &name) && rule.on.matches(identity)) {
            return Some(format!("policy refuses {name} here: {}", rule.why));
        }
        let most = self.max_objects?;
        (objects > most).then(|| format!("policy allows a change to reach {most} objects; this one reaches {objects}"))
    }
}

impl Scope {
    fn matches(&self, identity: &Identity) -> bool {
        let fits = |pattern: &Option<String>, value: Option<&str>| match (pattern, value) {
            (None, _) => true,
            (Some(pattern), Some(value)) => glob(pattern, value),
            (Some(_), None) => false,
        };
        let (context, namespace, host) = match identity {
            Identity::Cluster(cluster) => (Some(cluster.context.as_str()), Some(cluster.namespace.as_str()), None),
            Identity::Host(host) => (None, None, Some(host.host.as_str())),
            Identity::Here => (None, None, None),
        };
        fits(&self.context, context) && fits(&self.namespace, namespace) && fits(&self.host, host)
    }
}

/// `*` matches any run of characters, everything else itself. Linear in the text for each star.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    let mut rest = rest;
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, text, fits) in [
            ("prod-*", "prod-eu", true),
            ("prod-*", "nonprod-eu", false),
            ("*", "", true),
            ("prod", "prod-eu", false),
            ("*-eu-*", "prod-eu-1", true),
            ("kube.*", "kube.scale", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} over {text}");
        }
    }
}

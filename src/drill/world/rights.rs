//! Who may do what: people known by a token, each with rules in the shape of RBAC.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::seed::{Seed, mix};

#[derive(Debug, Clone)]
pub struct Rule {
    pub verbs: Vec<&'static str>,
    pub groups: Vec<&'static str>,
    /// Resources, subresources as `pods/log`; `*` is all.
    pub resources: Vec<&'static str>,
    /// None: in every namespace and for cluster-scoped objects.
    pub namespace: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub groups: Vec<String>,
    pub token: String,
    pub rules: Vec<Rule>,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub verb: &'a str,
    pub group: &'a str,
    pub resource: &'a str,
    pub sub: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
}

impl Wish<'_> {
    fn full(&self) -> String {
        if self.sub.is_empty() { self.resource.to_owned() } else { format!("{}/{}", self.resource, self.sub) }
    }
}

fn has(list: &[&str], word: &str) -> bool {
    list.iter().any(|one| *one == "*" || *one == word)
}

impl Person {
    pub fn may(&self, wish: &Wish<'_>) -> bool {
        let full = wish.full();
        self.rules.iter().any(|rule| {
            has(&rule.verbs, wish.verb)
                && has(&rule.groups, wish.group)
                && has(&rule.resources, &full)
                && rule.namespace.is_none_or(|namespace| namespace == wish.namespace)
        })
    }

    pub fn check(&self, wish: &Wish<'_>) -> Result<(), Refusal> {
        if self.may(wish) {
            return Ok(());
        }
        let full = if wish.group.is_empty() { wish.resource.to_owned() } else { format!("{}.{}", wish.resource, wish.group) };
        let subject = if wish.name.is_empty() { full } else { format!("{full} \"{}\"", wish.name) };
        let place =
            if wish.namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{}\"", wish.namespace) };
        Err(Refusal::forbidden(format!(
            "{subject} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {place}",
            self.name,
            wish.verb,
            wish.full(),
            wish.group
        )))
    }

    /// The answer to a SelfSubjectRulesReview.
    pub fn rules_review(&self, namespace: &str) -> Value {
        let rules: Vec<Value> = self
            .rules
            .iter()
            .filter(|rule| rule.namespace.is_none_or(|own| own == namespace))
            .map(|rule| json!({ "verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources }))
            .collect();
        let urls = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version"];
        json!({ "resourceRules": rules, "nonResourceRules": [{ "verbs": ["get"], "nonResourceURLs": urls }], "incomplete": false })
    }
}

fn rule(verbs: &[&'static str], groups: &[&'static str], resources: &[&'static str], namespace: Option<&'static str>) -> Rule {
    Rule { verbs: verbs.to_vec(), groups: groups.to_vec(), resources: resources.to_vec(), namespace }
}

const READ: &[&str] = &["get", "list", "watch"];

fn reading(namespace: Option<&'static str>) -> Vec<Rule> {
    let mut rules = vec![
        rule(
            READ,
            &[""],
            &["configmaps", "endpoints", "events", "pods", "pods/log", "pods/status", "serviceaccounts", "services", "namespaces", "nodes"],
            namespace,
        ),
        rule(
            READ,
            &[
                "apps",
                "autoscaling",
                "policy",
                "discovery.k8s.io",
                "events.k8s.io",
                "metrics.k8s.io",
                "coordination.k8s.io",
                "networking.k8s.io",
            ],
            &["*"],
            namespace,
        ),
        rule(&["create"], &["authorization.k8s.io"], &["selfsubjectaccessreviews", "selfsubjectrulesreviews"], None),
        rule(&["create"], &["authentication.k8s.io"], &["selfsubjectreviews"], None),
    ];
    if namespace.is_some() {
        rules.push(rule(READ, &[""], &["namespaces", "nodes"], None));
    }
    rules
}

/// The three people of a world: an admin, the responder on call, and a viewer.
pub fn people(seed: u64) -> Vec<Person> {
    let mut chance = Seed::new(mix(seed ^ 0x746f_6b65_6e73));
    let mut person = |name: &str, groups: &[&str], rules: Vec<Rule>| {
        let groups = groups.iter().chain([&"system:authenticated"]).map(|group| (*group).to_owned()).collect();
        Person { name: name.to_owned(), groups, token: format!("world-{}", chance.uid()), rules }
    };
    let mut responder = reading(None);
    responder.extend([
        rule(
            &["get", "list", "watch", "create", "update", "patch", "delete"],
            &["", "apps", "autoscaling", "policy"],
            &["*"],
            Some("shop"),
        ),
        rule(&["patch", "update"], &[""], &["nodes"], None),
        rule(&["create"], &[""], &["pods/eviction"], None),
    ]);
    vec![
        person("admin", &["system:masters"], vec![rule(&["*"], &["*"], &["*"], None)]),
        person("responder", &["oncall"], responder),
        person("viewer", &["readers"], reading(Some("shop"))),
    ]
}

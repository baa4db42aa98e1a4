//! One request to the API, taken apart: which path, which object, who asks.

use hyper::Method;
use hyper::body::Bytes;

use crate::drill::world::kind::{self, Kind};
use crate::drill::world::refusal::Refusal;
use crate::drill::world::rights::Person;

/// The query, decoded.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value of a key, or "".
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }

    pub fn all(&self, key: &str) -> Vec<String> {
        self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.clone()).collect()
    }

    pub fn truth(&self, key: &str) -> bool {
        matches!(self.get(key), "true" | "1")
    }

    pub fn number(&self, key: &str) -> Result<Option<u64>, Refusal> {
        match self.get(key) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| Refusal::bad_request(format!("{key}: \"{text}\" is no whole number"))),
        }
    }

    /// Is the change only to be tried? Anything but All is refused, as the API does.
    pub fn dry_run(&self) -> Result<Dry, Refusal> {
        match self.get("dryRun") {
            "" => Ok(Dry::Real),
            "All" => Ok(Dry::Run),
            other => Err(Refusal::bad_request(format!("dryRun: Unsupported value: \"{other}\": supported values: \"All\""))),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dry {
    Run,
    Real,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: Query,
    pub accept: String,
    pub content_type: String,
    pub user_agent: String,
    pub body: Bytes,
    pub person: Person,
}

impl Request {
    /// The name a change is recorded under.
    pub fn manager(&self) -> String {
        let said = self.query.get("fieldManager");
        let agent = self.user_agent.split('/').next().unwrap_or_default();
        [said, agent, "unknown"].into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
    }
}

/// Something of a group and version, by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub group: String,
    pub version: String,
    pub namespace: String,
    pub resource: String,
    pub name: String,
    pub sub: String,
}

impl Place {
    /// The path `/api/v1/…` or `/apis/GROUP/VERSION/…`, if it is one.
    pub fn parse(path: &str) -> Option<Self> {
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, resource, rest @ ..] if !matches!(*resource, "status" | "finalize") => {
                let mut full = vec![*resource];
                full.extend_from_slice(rest);
                (*namespace, full)
            }
            other => ("", other.to_vec()),
        };
        let (resource, name, sub) = match rest.as_slice() {
            [resource] => (*resource, "", String::new()),
            [resource, name] => (*resource, *name, String::new()),
            [resource, name, sub @ ..] => (*resource, *name, sub.join("/")),
            [] => return None,
        };
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            sub,
        })
    }

    pub fn kind(&self) -> Option<Kind> {
        kind::served(&self.group, &self.version, &self.resource)
    }

    pub fn api_version(&self) -> String {
        kind::api_version(&self.group, &self.version)
    }
}

fn decode(part: &str) -> String {
    // form_urlencoded takes + for a space, which in a path it is not.
    let escaped = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).next().map(|(key, _)| key.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> [String; 6] {
        let place = Place::parse(path).unwrap();
        [place.group, place.version, place.namespace, place.resource, place.name, place.sub]
    }

    #[test]
    fn paths_of_every_depth() {
        assert_eq!(place("/api/v1/pods"), ["", "v1", "", "pods", "", ""]);
        assert_eq!(place("/api/v1/namespaces/shop"), ["", "v1", "", "namespaces", "shop", ""]);
        assert_eq!(place("/api/v1/namespaces/shop/status"), ["", "v1", "", "namespaces", "shop", "status"]);
        assert_eq!(place("/api/v1/namespaces/shop/pods/a%3Ab/log"), ["", "v1", "shop", "pods", "a:b", "log"]);
        assert_eq!(place("/apis/apps/v1/namespaces/shop/deployments/x/scale"), ["apps", "v1", "shop", "deployments", "x", "scale"]);
        assert!(Place::parse("/apis/apps").is_none());
        assert!(Place::parse("/metrics").is_none());
    }
}

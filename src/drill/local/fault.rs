//! What can be wrong with the real service: its own faults, each behind what also ends it. They take no parameters: the cost is real.

use serde_json::{Map, Value};

use super::SERVICE;

/// How a fault is in the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Behind this switch.
    Flag(&'static str),
    /// In the release [`super::files::BAD`].
    Release,
}

#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub about: &'static str,
    /// Shown only in the reveal.
    pub ends: &'static str,
    what: What,
}

const fn kind(name: &'static str, about: &'static str, ends: &'static str, what: What) -> Kind {
    Kind { name, about, ends, what }
}

const OFF: &str = "its switch is off; a restart does not end it";

pub const KINDS: &[Kind] = &[
    kind("sync-json", "/report parses and serialises a large document on the main thread", OFF, What::Flag("sync-json")),
    kind("sync-regex", "/search matches with a regular expression that backtracks", OFF, What::Flag("sync-regex")),
    kind("compression", "/export compresses its whole answer with gzipSync", OFF, What::Flag("gzip")),
    kind("crypto-burst", "/checkout signs with bursts of pbkdf2 in the thread pool", OFF, What::Flag("crypto-burst")),
    kind("logger", "every request logs its whole session object: serialising it holds the main thread", OFF, What::Flag("logger")),
    kind(
        "bad-release",
        "a release that fails three checkouts in ten with 500, and looks prices up one by one",
        "another release runs",
        What::Release,
    ),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(What);

impl Fault {
    /// As a drill's document has it; the error is one sentence for who wrote it.
    pub fn read(kind: &str, service: &str, with: &Map<String, Value>) -> Result<Self, String> {
        let Some(known) = KINDS.iter().find(|known| known.name == kind) else {
            let names: Vec<&str> = KINDS.iter().map(|known| known.name).collect();
            return Err(format!("a local world has no fault `{kind}`; it has {}", names.join(", ")));
        };
        if service != SERVICE {
            return Err(format!("a local world has no service `{service}`; it has {SERVICE}"));
        }
        match with.keys().next() {
            Some(name) => Err(format!("`{kind}` takes no parameters in a local world, and this names `{name}`: its cost is real")),
            None => Ok(Self(known.what)),
        }
    }

    pub fn what(&self) -> What {
        self.0
    }

    /// The switch it is behind.
    pub fn flag(&self) -> Option<&'static str> {
        match self.0 {
            What::Flag(flag) => Some(flag),
            What::Release => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_is_one_of_the_services_own() {
        let none = Map::new();
        assert_eq!(Fault::read("compression", "shop", &none).map(|fault| fault.flag()), Ok(Some("gzip")));
        assert!(Fault::read("heap-leak", "shop", &none).unwrap_err().contains("sync-json"));
        assert!(Fault::read("sync-json", "checkout", &none).unwrap_err().contains("it has shop"));
        let with = json!({ "block_ms": 3 });
        assert!(Fault::read("sync-json", "shop", with.as_object().unwrap()).unwrap_err().contains("block_ms"));
    }
}

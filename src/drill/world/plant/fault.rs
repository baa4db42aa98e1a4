//! The faults there are: what each is called, what can be set, and what ends it. What enters is a scenario's words; what leaves is a
//! [`Fault`] whose settings are all known and in range, or one sentence that says why not.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::SERVICES;

/// What a fault is about. `effect` says what it does to a pod, `begin` what it does to the cluster when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    SyncJson,
    SyncRegex,
    Compression,
    CryptoBurst,
    Logger,
    RetryLoop,
    HeapLeak,
    BufferLeak,
    BurstOom,
    GcChurn,
    OldSpaceNearCap,
    DependencyDown,
    DependencySlow,
    DependencyRefusing,
    BadRelease,
    SlowRelease,
    NeverReadyRelease,
    ImageMissingRelease,
    ContractedMigration,
    Gitops,
    Sigterm,
}

/// A kind of fault.
#[derive(Debug, PartialEq)]
pub struct Kind {
    pub name: &'static str,
    pub what: What,
    pub about: &'static str,
    pub parameters: &'static [Parameter],
    /// What ends it: told in the reveal only.
    pub ends: &'static str,
}

/// Something about a fault that a scenario may set.
#[derive(Debug, PartialEq)]
pub struct Parameter {
    pub name: &'static str,
    pub about: &'static str,
    pub default: Setting,
}

/// Its default says whether a parameter is a number or a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// Within the first two, both included.
    Number {
        least: f64,
        most: f64,
        value: f64,
    },
    Text(&'static str),
    /// One of these; the first unless said.
    Choice(&'static [&'static str]),
}

const fn number(name: &'static str, about: &'static str, (least, value, most): (f64, f64, f64)) -> Parameter {
    Parameter { name, about, default: Setting::Number { least, most, value } }
}

const fn text(name: &'static str, about: &'static str, value: &'static str) -> Parameter {
    Parameter { name, about, default: Setting::Text(value) }
}

const VERSION: Parameter =
    text("version", "the release that brings it, rolled out when it comes; empty: it is in every release, behind its flag", "");
const fn flag(value: &'static str) -> Parameter {
    text("flag", "the switch it hides behind, turned on when it comes; empty: none", value)
}
const fn release(value: &'static str) -> Parameter {
    text("version", "the release it comes with", value)
}
const fn block(value: f64) -> Parameter {
    number("block_ms", "how long one such request holds the main thread, in ms", (1.0, value, 5000.0))
}
const fn growth(value: f64) -> Parameter {
    number("mib_per_minute", "how fast each pod grows, in MiB a minute", (1.0, value, 2048.0))
}
const RECOVERS: Parameter =
    number("recovers_after", "seconds after which the dependency is well again; 0: not by itself", (0.0, 1200.0, 86_400.0));
const SHARE: Parameter = number("share", "share of the calls it hits", (0.01, 1.0, 1.0));

/// Every fault, in the order of the runbooks they belong to.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "sync-json",
        what: What::SyncJson,
        about: "/report parses and serialises a large document on the main thread",
        parameters: &[block(600.0), flag("report-details"), VERSION],
        ends: "the flag is off, or the release that brought it is rolled back; more replicas only spread it",
    },
    Kind {
        name: "sync-regex",
        what: What::SyncRegex,
        about: "/search matches with a regular expression that backtracks",
        parameters: &[block(450.0), flag("search-by-address"), VERSION],
        ends: "the flag is off, or the release that brought it is rolled back; more replicas only spread it",
    },
    Kind {
        name: "compression",
        what: What::Compression,
        about: "/export compresses its whole answer with gzipSync",
        parameters: &[block(600.0), flag("export-compressed"), VERSION],
        ends: "the flag is off, or the release that brought it is rolled back",
    },
    Kind {
        name: "crypto-burst",
        what: What::CryptoBurst,
        about: "/checkout signs with bursts of pbkdf2 in the thread pool: CPU and throttling while the main thread waits",
        parameters: &[
            number("pool_ms", "thread-pool time of one such request, in ms", (1.0, 220.0, 5000.0)),
            flag("signed-orders"),
            VERSION,
        ],
        ends: "the flag is off, or the release that brought it is rolled back",
    },
    Kind {
        name: "logger",
        what: What::Logger,
        about: "every request logs its whole session object: serialising it holds the main thread",
        parameters: &[block(120.0), flag("session-log"), VERSION],
        ends: "the flag is off, or the release that brought it is rolled back",
    },
    Kind {
        name: "retry-loop",
        what: What::RetryLoop,
        about: "failed calls are tried again at once, many times, against a dependency that the attempts keep weak: looks like CPU",
        parameters: &[
            number("attempts", "attempts for each call that fails", (2.0, 21.0, 100.0)),
            number("cpu_ms", "main-thread time of one attempt, in ms", (0.1, 12.0, 100.0)),
            flag("eager-retries"),
            VERSION,
        ],
        ends: "fewer attempts: its flag or `upstream-retries` off, the breaker open, or the release rolled back; then the dependency recovers. More replicas bring more attempts",
    },
    Kind {
        name: "heap-leak",
        what: What::HeapLeak,
        about: "/search keeps its results in a cache that nothing empties: the V8 heap grows to its cap, and the process aborts",
        parameters: &[growth(40.0), flag("search-cache"), VERSION],
        ends: "the flag is off or the release rolled back, and what was kept is gone with a restart; a restart alone starts it anew",
    },
    Kind {
        name: "buffer-leak",
        what: What::BufferLeak,
        about: "/export keeps the Buffers it sent: external memory grows until the container is killed",
        parameters: &[growth(60.0), flag("export-buffers"), VERSION],
        ends: "the flag is off or the release rolled back, and what was kept is gone with a restart; a restart alone starts it anew",
    },
    Kind {
        name: "burst-oom",
        what: What::BurstOom,
        about: "a tight memory limit, and now and then an /export that needs more than it: sudden kills at a low average",
        parameters: &[
            number("limit_mib", "the memory limit the Deployment gets, in MiB", (96.0, 320.0, 65_536.0)),
            number("burst_mib", "what one such export needs for a second or two, in MiB", (16.0, 260.0, 65_536.0)),
            number("every", "seconds between two of them; each meets one of the pods", (10.0, 75.0, 3600.0)),
            flag("export-in-memory"),
        ],
        ends: "the limit has room for the burst (raised, or rolled back), or the flag is off; restarts and replicas change nothing",
    },
    Kind {
        name: "gc-churn",
        what: What::GcChurn,
        about: "each request rebuilds the catalogue: garbage collection takes a growing share of the time while the heap floor stays",
        parameters: &[
            number("gc_share", "share of the time that garbage collection takes", (0.05, 0.35, 0.9)),
            flag("fresh-catalogue"),
            VERSION,
        ],
        ends: "the flag is off, or the release that brought it is rolled back",
    },
    Kind {
        name: "old-space-near-cap",
        what: What::OldSpaceNearCap,
        about: "a heap cap just above what the service needs to live: long collections, no leak",
        parameters: &[
            number("cap_mib", "the --max-old-space-size that the Deployment gets, in MiB", (64.0, 320.0, 32_768.0)),
            number("needs_mib", "what the service holds and needs, in MiB", (48.0, 300.0, 32_768.0)),
        ],
        ends: "the cap is a quarter above what the service needs, within its limit (set, or rolled back); a higher limit alone changes nothing",
    },
    Kind {
        name: "dependency-down",
        what: What::DependencyDown,
        about: "a dependency can't be reached: connects time out",
        parameters: &[SHARE, RECOVERS],
        ends: "the dependency comes back; meanwhile the breaker (`payments-cache`) keeps users served",
    },
    Kind {
        name: "dependency-slow",
        what: What::DependencySlow,
        about: "a dependency answers too late: calls run into their timeout",
        parameters: &[SHARE, RECOVERS],
        ends: "the dependency comes back; meanwhile the breaker (`payments-cache`) keeps users served",
    },
    Kind {
        name: "dependency-refusing",
        what: What::DependencyRefusing,
        about: "a dependency turns calls away: refused connections, over quota, wrong credentials, or its own errors",
        parameters: &[
            SHARE,
            RECOVERS,
            Parameter {
                name: "class",
                about: "how it turns them away: refused (down), 429 (quota), 401 (credentials), 503 (upstream)",
                default: Setting::Choice(&["down", "quota", "credentials", "upstream"]),
            },
        ],
        ends: "the dependency comes back; meanwhile the breaker (`payments-cache`) keeps users served",
    },
    Kind {
        name: "bad-release",
        what: What::BadRelease,
        about: "a release that fails a share of its checkouts with 500",
        parameters: &[release("1.5.0"), number("share", "share of the checkouts that fail", (0.01, 0.3, 1.0)), flag("")],
        ends: "no pod runs that release any more: rolled back by digest, or forward to another",
    },
    Kind {
        name: "slow-release",
        what: What::SlowRelease,
        about: "a release that looks prices up one by one: latency, without CPU",
        parameters: &[release("1.5.0"), number("extra_ms", "what a checkout takes longer, in ms", (1.0, 400.0, 10_000.0)), flag("")],
        ends: "no pod runs that release any more: rolled back by digest, or forward to another",
    },
    Kind {
        name: "never-ready-release",
        what: What::NeverReadyRelease,
        about: "a release whose pods never get ready: a variable it needs is missing",
        parameters: &[release("1.5.0")],
        ends: "the Deployment wants another release again",
    },
    Kind {
        name: "image-missing-release",
        what: What::ImageMissingRelease,
        about: "a release whose image is not in the registry",
        parameters: &[release("1.5.1")],
        ends: "the Deployment wants an image that exists",
    },
    Kind {
        name: "contracted-migration",
        what: What::ContractedMigration,
        about: "a release whose migration dropped what the old version reads: it fails a little, the old version would fail at everything",
        parameters: &[
            release("1.5.0"),
            number("share", "share of the checkouts that fail in the new release", (0.01, 0.25, 1.0)),
            flag("new-pricing"),
        ],
        ends: "the new release serves with its flag off; the old version can't work on the new schema",
    },
    Kind {
        name: "gitops",
        what: What::Gitops,
        about: "Argo CD puts the template, and the replicas where no autoscaler decides, back to what git says",
        parameters: &[number("every", "seconds between two syncs", (5.0, 20.0, 3600.0))],
        ends: "the annotation argocd.argoproj.io/skip-reconcile: \"true\" on the Deployment",
    },
    Kind {
        name: "sigterm",
        what: What::Sigterm,
        about: "a release that ends at once on SIGTERM: each stop of a pod drops the requests in flight, and pods are moved about",
        parameters: &[
            release("1.5.0"),
            number("every", "seconds between two moves of a pod", (20.0, 60.0, 3600.0)),
            number("share", "share of a stopping pod's requests that are dropped", (0.05, 1.0, 1.0)),
        ],
        ends: "no pod runs that release any more: the older one drains before it ends",
    },
];

/// A fault as a scenario wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    what: What,
    service: String,
    numbers: BTreeMap<&'static str, f64>,
    texts: BTreeMap<&'static str, String>,
}

impl Fault {
    /// `with` may leave out any parameter. An error is one sentence that names the thing and what is allowed.
    pub fn read(kind: &str, service: &str, with: &Map<String, Value>) -> Result<Self, String> {
        let names = |names: Vec<&str>| names.join(", ");
        let known = KINDS.iter().find(|known| known.name == kind);
        let known = known
            .ok_or_else(|| format!("there is no fault {kind:?}; there is: {}", names(KINDS.iter().map(|kind| kind.name).collect())))?;
        if !SERVICES.iter().any(|known| known.name == service) {
            return Err(format!(
                "there is no service {service:?}; there is: {}",
                names(SERVICES.iter().map(|service| service.name).collect())
            ));
        }
        if let Some(other) = with.keys().find(|key| known.parameters.iter().all(|parameter| parameter.name != **key)) {
            let all = names(known.parameters.iter().map(|parameter| parameter.name).collect());
            return Err(format!("the fault {kind} has no parameter {other:?}; it has: {all}"));
        }
        let mut fault = Self { what: known.what, service: service.to_owned(), numbers: BTreeMap::new(), texts: BTreeMap::new() };
        for parameter in known.parameters {
            fault.take(parameter, with.get(parameter.name)).map_err(|why| format!("{} of the fault {kind} {why}", parameter.name))?;
        }
        Ok(fault)
    }

    fn take(&mut self, parameter: &Parameter, said: Option<&Value>) -> Result<(), String> {
        match &parameter.default {
            Setting::Number { least, most, value } => {
                let number = said.map_or(Some(*value), Value::as_f64).filter(|number| (*least..=*most).contains(number));
                let number =
                    number.ok_or_else(|| format!("must be a number from {least} to {most}, not {}", said.unwrap_or(&Value::Null)))?;
                self.numbers.insert(parameter.name, number);
            }
            Setting::Text(default) => {
                let word =
                    |text: &&str| text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
                let text = said.map_or(Some(*default), Value::as_str).filter(word);
                let text = text
                    .ok_or_else(|| format!("must be a word of letters, digits, '.', '-' and '_', not {}", said.unwrap_or(&Value::Null)))?;
                self.texts.insert(parameter.name, text.to_owned());
            }
            Setting::Choice(choices) => {
                let text = said.map_or(choices.first().copied(), Value::as_str).filter(|text| choices.contains(text));
                let text = text.ok_or_else(|| format!("must be one of {}, not {}", choices.join(", "), said.unwrap_or(&Value::Null)))?;
                self.texts.insert(parameter.name, text.to_owned());
            }
        }
        Ok(())
    }

    pub fn what(&self) -> What {
        self.what
    }

    pub fn service(&self) -> &str {
        &self.service
    }

    pub fn kind(&self) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.what == self.what)
    }

    /// A number of its kind's; 0 where the kind has none of that name.
    pub fn number(&self, name: &str) -> f64 {
        self.numbers.get(name).copied().unwrap_or(0.0)
    }

    /// A text of its kind's; empty where the kind has none of that name.
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// The switch it hides behind.
    pub fn flag(&self) -> Option<&str> {
        Some(self.text("flag")).filter(|flag| !flag.is_empty())
    }

    /// The release that carries it.
    pub fn version(&self) -> Option<&str> {
        Some(self.text("version")).filter(|version| !version.is_empty())
    }
}

//! What commands run in a service's container find: its cgroup's files, its threads, and the code of its release. Known are the commands
//! that the shipped runbooks run; others are the container's own affair, or refused by name.

use super::body::Body;
use super::fault::What;
use super::memory::MIB;
use super::model::Model;
use crate::drill::world::behaviour::Ran;

/// Files that tell of the moment.
pub fn files(body: &Body) -> Vec<(&'static str, String)> {
    let counters = &body.counters;
    let micros = |seconds: f64| (seconds * 1e6).floor();
    let stat = format!(
        "usage_usec {:.0}\nuser_usec {:.0}\nsystem_usec {:.0}\nnr_periods {:.0}\nnr_throttled {:.0}\nthrottled_usec {:.0}\n",
        micros(counters.cpu()),
        micros(counters.cpu() * 0.88),
        micros(counters.cpu() * 0.12),
        counters.periods.floor(),
        counters.throttled.floor(),
        micros(counters.throttled_seconds)
    );
    let memory = &body.memory;
    let bytes = |mib: f64| (mib * MIB).floor();
    let kills = body.ends.iter().filter(|end| end.exit.code == 137).count();
    vec![
        (
            "/etc/resolv.conf",
            "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.43.0.10\noptions ndots:5\n".to_owned(),
        ),
        ("/proc/1/status", format!("Name:\tnode\nState:\tS (sleeping)\nPid:\t1\nVmRSS:\t{:.0} kB\nThreads:\t11\n", memory.rss * 1024.0)),
        ("/sys/fs/cgroup/cpu.stat", stat),
        ("/sys/fs/cgroup/memory.current", format!("{:.0}\n", bytes(memory.working_set))),
        ("/sys/fs/cgroup/memory.events", format!("low 0\nhigh 0\nmax {kills}\noom {kills}\noom_kill {kills}\n")),
        ("/sys/fs/cgroup/memory.stat", format!("anon {:.0}\nfile {:.0}\n", bytes(memory.rss), bytes(memory.working_set - memory.rss))),
    ]
}

impl Model {
    /// A script of the runbooks, answered from the model. None: it is none of them.
    pub fn script(&self, body: &Body, argv: &[String]) -> Option<Ran> {
        let [shell, flags, script] = argv else { return None };
        if shell != "sh" || !flags.starts_with('-') || !flags.ends_with('c') {
            return None;
        }
        let stdout = if script.contains("main_running") && script.contains("/task/") {
            threads(body)
        } else if script.contains("grep -rnoE") && script.contains("Sync") {
            self.found(body)
        } else {
            return None;
        };
        Some(Ran { stdout: stdout.into_bytes(), ..Ran::default() })
    }

    /// The blocking calls in the code of its release: a fault's own lines, whether its flag is on or off.
    fn found(&self, body: &Body) -> String {
        let mut lines = String::new();
        for placed in self.faults.iter().filter(|placed| placed.fault.service() == body.facts.site.name) {
            if placed.fault.version().is_some_and(|version| version != body.facts.version) {
                continue;
            }
            lines.push_str(match placed.fault.what() {
                What::SyncJson => "./lib/routes/report.js:18:JSON.parse(\n./lib/routes/report.js:21:JSON.stringify(\n",
                What::SyncRegex => "./lib/routes/search.js:9:new RegExp(\n./lib/routes/search.js:12:.test(\n",
                What::Compression => "./lib/routes/export.js:33:gzipSync(\n",
                What::CryptoBurst => "./lib/sign.js:14:pbkdf2(\n",
                What::Logger => "./lib/session.js:27:JSON.stringify(\n",
                What::RetryLoop
                | What::HeapLeak
                | What::BufferLeak
                | What::BurstOom
                | What::GcChurn
                | What::OldSpaceNearCap
                | What::DependencyDown
                | What::DependencySlow
                | What::DependencyRefusing
                | What::BadRelease
                | What::SlowRelease
                | What::NeverReadyRelease
                | What::ImageMissingRelease
                | What::ContractedMigration
                | What::Gitops
                | What::Sigterm => "",
            });
        }
        lines
    }
}

fn threads(body: &Body) -> String {
    let running = body.flow.main.min(1.0);
    format!(
        "{{\"pid\": 1, \"main_running\": {running:.2}, \"main_cores\": {:.3}, \"other_cores\": {:.3}}}\n",
        body.flow.main, body.flow.others
    )
}

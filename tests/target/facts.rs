//! Facts of real processes, pid files and directories on this machine.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

use qrh::target::facts::{self, HostQuery, ProcessError};
use serde_json::Value;

/// A process that is ended when the test is.
struct Service(Child);

impl Service {
    fn start() -> Self {
        Self(Command::new("sleep").arg("1000").spawn().unwrap())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn pid_file(folder: &tempfile::TempDir, text: &str) -> HostQuery {
    let file = folder.path().join("service.pid");
    std::fs::write(&file, text).unwrap();
    HostQuery { pid_file: Some(file), ..HostQuery::default() }
}

fn reason(facts: &Value, what: &str) -> String {
    let missing = facts["missing"].as_array().unwrap();
    let entry = missing.iter().find(|entry| entry["what"] == what).unwrap_or_else(|| panic!("{what} is not in {missing:?}"));
    entry["why"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_running_process_is_described() {
    let service = Service::start();
    let folder = tempfile::tempdir().unwrap();
    let query = pid_file(&folder, &format!("{}\n", service.0.id()));
    let facts = facts::facts(&query).await;
    let process = &facts["process"];
    assert_eq!((&process["pid"], &process["name"]), (&service.0.id().into(), &"sleep".into()));
    assert_eq!(process["cmdline"], "sleep", "arguments are not shown");
    assert!(process["exe"].as_str().unwrap().starts_with('/'));
    assert_eq!((&process["threads"], &process["sigusr1_handled"]), (&1.into(), &false.into()));
    assert!(process["rss_bytes"].as_u64().unwrap() > 0 && process["age_s"].as_u64().unwrap() < 3600);
    assert!(process["started_at"].as_str().unwrap().ends_with('Z'));
    assert!(facts["host"]["memory_bytes"].as_u64().unwrap() > facts["host"]["memory_available_bytes"].as_u64().unwrap());
    assert!(facts["host"]["cpus"].as_u64().unwrap() >= 1);
    assert!(!facts["host"]["name"].as_str().unwrap().is_empty());

    let identity = facts::identity(&query).await.unwrap();
    let process = identity.process.unwrap();
    assert_eq!(process.pid, service.0.id());
    assert!(process.started_ticks > 0);
    assert_eq!(facts::identity(&query).await.unwrap().process.unwrap(), process, "the same process reads the same");
}

#[tokio::test]
async fn nothing_named_is_a_whole_answer_with_reasons() {
    let facts = facts::facts(&HostQuery::default()).await;
    for what in ["process", "unit", "cgroup", "listener", "release"] {
        assert_eq!(facts[what], Value::Null);
        assert!(!reason(&facts, what).is_empty());
    }
    assert!(facts["host"]["name"].is_string());
}

#[tokio::test]
async fn a_pid_file_that_names_no_process_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let absent = HostQuery { pid_file: Some(folder.path().join("none.pid")), ..HostQuery::default() };
    assert!(reason(&facts::facts(&absent).await, "process").contains("is not there"));
    assert_eq!(facts::identity(&absent).await.unwrap().process, None, "a service that is down can be restarted");

    let empty = pid_file(&folder, "\n");
    assert!(matches!(facts::identity(&empty).await, Err(ProcessError::Empty(_))));
    let garbage = pid_file(&folder, "12; reboot");
    assert!(matches!(facts::identity(&garbage).await, Err(ProcessError::Garbage(..))));
    assert!(reason(&facts::facts(&garbage).await, "process").contains("`12; reboot`"));
    let directory = HostQuery { pid_file: Some(PathBuf::from("/proc")), ..HostQuery::default() };
    assert!(matches!(facts::identity(&directory).await, Err(ProcessError::Unreadable(..))));
}

#[tokio::test]
async fn a_dead_process_is_not_running_and_a_zombie_neither() {
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id();
    let query = HostQuery { pid: Some(pid), ..HostQuery::default() };
    // Not waited for yet: it becomes a zombie, whose /proc entry is still there.
    while !std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ") {
        tokio::task::yield_now().await;
    }
    assert_eq!(facts::identity(&query).await.unwrap().process, None);
    child.wait().unwrap();
    assert_eq!(facts::identity(&query).await.unwrap().process, None);
    assert!(reason(&facts::facts(&query).await, "process").contains("is not running"));
}

#[tokio::test]
async fn a_recycled_pid_is_refused() {
    let service = Service::start();
    let folder = tempfile::tempdir().unwrap();
    let query = pid_file(&folder, &service.0.id().to_string());
    let file = std::fs::File::options().write(true).open(query.pid_file.as_ref().unwrap()).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).unwrap();
    let error = facts::identity(&query).await.unwrap_err();
    assert!(matches!(&error, ProcessError::Recycled { name, .. } if name == "sleep"), "{error}");
    assert!(error.to_string().contains("remove the file"));
    assert_eq!(facts::facts(&query).await["process"], Value::Null);
}

#[tokio::test]
async fn another_process_is_another_identity() {
    let (one, two) = (Service::start(), Service::start());
    let of = async |service: &Service| facts::identity(&HostQuery { pid: Some(service.0.id()), ..HostQuery::default() }).await.unwrap();
    assert_ne!(of(&one).await, of(&two).await);
}

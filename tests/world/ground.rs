//! A running world with its kubeconfig on disk, and the programs that are let loose on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use qrh::drill::world::{self, Options, Pace, Running};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub struct Ground {
    pub world: Option<Running>,
    pub runtime: Runtime,
    pub dir: TempDir,
}

impl Ground {
    /// Ten simulated seconds pass in one.
    pub fn new() -> Self {
        Self::of(Options { pace: Pace::Scaled(10.0), ..Options::default() })
    }

    pub fn of(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let world = runtime.block_on(world::start(options)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config"), world.kubeconfig()).unwrap();
        Self { world: Some(world), runtime, dir }
    }

    pub fn world(&self) -> &Running {
        self.world.as_ref().unwrap()
    }

    /// Runs a program as a person at a clean terminal would.
    pub fn run(&self, program: &Path, args: &[String]) -> Output {
        Command::new(program)
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("KUBECONFIG", self.dir.path().join("config"))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some(world) = self.world.take() {
            self.runtime
                .block_on(async { tokio::time::timeout(Duration::from_secs(10), world.stop()).await })
                .expect("the world ends when told");
        }
    }
}

/// A program named by a variable, as tests/run sets it.
pub fn tool(variable: &str, what: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|file| file.is_file());
    named.unwrap_or_else(|| panic!("{what} is needed for this test: run tests/run --setup-only, or set {variable}"))
}

/// Words of a line, as a shell has them: single quotes keep blanks.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            let last = words.last_mut().filter(|_| !line.split('\'').nth(index - 1).unwrap().ends_with(' '));
            match last {
                Some(last) => *last = format!("{last}{part}"),
                None => words.push(part.to_owned()),
            }
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn client() -> reqwest::Client {
    // Set already by another test is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The first value of an instant query; None where it is empty. An error of the server ends the test.
pub async fn query(server: &str, text: &str) -> Option<f64> {
    let answer = client().get(format!("{server}/api/v1/query")).query(&[("query", text)]).send().await.unwrap();
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["status"], "success", "{text}: {body}");
    let result = &body["data"]["result"];
    let value = if body["data"]["resultType"] == "scalar" { &result[1] } else { &result[0]["value"][1] };
    value.as_str().map(|text| text.parse().unwrap())
}

pub async fn get(url: &str) -> (u16, String) {
    let answer = client().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

pub async fn put_json(url: &str, body: &serde_json::Value) -> serde_json::Value {
    client().put(url).json(body).send().await.unwrap().json().await.unwrap()
}

/// Labels and value of every series of an instant query.
pub async fn series(server: &str, text: &str) -> Vec<(serde_json::Value, f64)> {
    let answer = client().get(format!("{server}/api/v1/query")).query(&[("query", text)]).send().await.unwrap();
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["status"], "success", "{text}: {body}");
    let result = body["data"]["result"].as_array().unwrap().clone();
    result.into_iter().map(|one| (one["metric"].clone(), one["value"][1].as_str().unwrap().parse().unwrap())).collect()
}

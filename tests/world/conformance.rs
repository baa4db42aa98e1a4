//! Real kubectl, two versions of it, through every command of the table.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use qrh::drill::world::Kind;
use qrh::drill::world::kind::ALL;
use serde_json::Value;

use crate::cases::{CASES, Case, Must};
use crate::ground::{Ground, get, tool, words};

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: 'registry.example.com/checkout:1.5.0', ports: [{containerPort: 3000}]}]
";
const BAD: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: bad, namespace: shop}
dta: {a: b}
";

fn object(ground: &Ground, path: &str) -> Option<Value> {
    let (resource, name) = path.split_once('/').unwrap();
    let kind: Kind = *ALL.iter().find(|kind| kind.info().resource == resource).unwrap();
    let namespace = if kind.namespaced() { "shop" } else { "" };
    ground.world().look(|state| state.get(kind, namespace, name))
}

fn pod(ground: &Ground) -> String {
    let first = ground.world().look(|state| {
        state.store.list(Kind::Pod, "shop").find(|pod| pod.id.name.starts_with("checkout") && pod.pod.ready && !pod.deleting).cloned()
    });
    first.expect("checkout has a pod that is ready").id.name.clone()
}

fn check(ground: &Ground, kubectl: &Path, old: bool, case: &Case) -> Result<(), String> {
    let line = case.line.replace("{pod}", &pod(ground)).replace("{dir}", &ground.dir.path().display().to_string());
    let must = case.old.filter(|_| old).unwrap_or(case.must);
    match must {
        Must::Stream(text) => return stream(ground, kubectl, &line, text),
        Must::Forward(path, text) => return forward(ground, kubectl, &line, (path, text)),
        Must::Say(_) | Must::NotSay(_) | Must::Refuse(_) => {}
    }
    let output = ground.run(kubectl, &words(&line));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let fine = match must {
        Must::Say(text) => output.status.success() && said.contains(text),
        Must::NotSay(text) => output.status.success() && !said.contains(text),
        Must::Refuse(text) => !output.status.success() && said.contains(text),
        Must::Stream(_) | Must::Forward(..) => unreachable!("answered above"),
    };
    if !fine {
        return Err(format!("kubectl {line}\n  must {must:?}\n  {}: {said}", output.status));
    }
    // What an old kubectl is refused has no effect to look for.
    let Some((path, pointer, wanted)) = case.effect.filter(|_| !matches!(must, Must::Refuse(_))) else { return Ok(()) };
    let found = object(ground, path).and_then(|object| object.pointer(pointer).cloned());
    let found = found.map(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned)).unwrap_or_default();
    if found == wanted { Ok(()) } else { Err(format!("kubectl {line}\n  {path} {pointer} is {found:?}, not {wanted:?}")) }
}

/// A kubectl that goes on until it is ended.
struct Lasting {
    child: Child,
    from: ChildStdout,
    said: String,
}

impl Lasting {
    fn start(ground: &Ground, kubectl: &Path, line: &str) -> Self {
        let mut child = Command::new(kubectl)
            .args(words(line))
            .env_clear()
            .env("HOME", ground.dir.path())
            .env("KUBECONFIG", ground.dir.path().join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let from = child.stdout.take().unwrap();
        Self { child, from, said: String::new() }
    }

    /// Has it said this? Reads until it has, or has ended.
    fn says(&mut self, text: &str) -> bool {
        let mut buffer = [0_u8; 4096];
        while !self.said.contains(text) {
            let read = self.from.read(&mut buffer).unwrap();
            if read == 0 {
                return false;
            }
            self.said.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        true
    }

    fn goes_on(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

fn stream(ground: &Ground, kubectl: &Path, line: &str, text: &str) -> Result<(), String> {
    let mut lasting = Lasting::start(ground, kubectl, line);
    if lasting.says(text) && lasting.goes_on() { Ok(()) } else { Err(format!("kubectl {line}\n  ended, having said: {}", lasting.said)) }
}

/// Three requests through the forwarded port, each on a connection of its own; all of them at once.
fn forward(ground: &Ground, kubectl: &Path, line: &str, (path, text): (&str, &str)) -> Result<(), String> {
    let mut lasting = Lasting::start(ground, kubectl, line);
    if !lasting.says("Forwarding from 127.0.0.1:") || !lasting.says(" -> ") {
        return Err(format!("kubectl {line}\n  ended, having said: {}", lasting.said));
    }
    let port = lasting.said.split_once("127.0.0.1:").unwrap().1.split_once(' ').unwrap().0;
    let url = format!("http://127.0.0.1:{port}{path}");
    let answers = ground.runtime.block_on(async { tokio::join!(get(&url), get(&url), get(&url)) });
    for (status, body) in [answers.0, answers.1, answers.2] {
        if status != 200 || !body.contains(text) {
            return Err(format!("kubectl {line}\n  GET {path} answers {status}: {body}"));
        }
    }
    if lasting.goes_on() { Ok(()) } else { Err(format!("kubectl {line}\n  ended by itself")) }
}

/// The minor version of a kubectl.
fn minor(ground: &Ground, kubectl: &Path) -> u32 {
    let output = ground.run(kubectl, &words("version --client -o json"));
    let version: Value = serde_json::from_slice(&output.stdout).unwrap();
    version["clientVersion"]["minor"].as_str().unwrap().trim_end_matches('+').parse().unwrap()
}

fn conform(variable: &str, what: &str) {
    let kubectl = tool(variable, what);
    let ground = Ground::new();
    std::fs::write(ground.dir.path().join("web.yaml"), WEB).unwrap();
    std::fs::write(ground.dir.path().join("web3.yaml"), WEB.replace("replicas: 2", "replicas: 3")).unwrap();
    std::fs::write(ground.dir.path().join("bad.yaml"), BAD).unwrap();
    std::fs::create_dir_all(ground.dir.path().join("tree/branch")).unwrap();
    std::fs::write(ground.dir.path().join("tree/branch/leaf"), "green\n").unwrap();
    std::fs::write(ground.dir.path().join("tree/root"), "brown\n").unwrap();
    std::fs::write(ground.dir.path().join("large"), vec![b'x'; 9 * 1024 * 1024]).unwrap();
    let old = minor(&ground, &kubectl) < 31;
    let failed: Vec<String> = CASES.iter().filter_map(|case| check(&ground, &kubectl, old, case).err()).collect();
    let back = std::fs::read_to_string(ground.dir.path().join("back/branch/leaf"));
    assert_eq!(back.ok().as_deref(), Some("green\n"), "what was copied in and out again");
    assert!(failed.is_empty(), "{} of {} commands:\n{}", failed.len(), CASES.len(), failed.join("\n"));
}

#[test]
fn a_current_kubectl_finds_a_cluster() {
    conform("QRH_TEST_KUBECTL", "a current kubectl");
}

#[test]
fn an_old_kubectl_finds_a_cluster() {
    conform("QRH_TEST_KUBECTL_OLD", "Debian's kubectl");
}

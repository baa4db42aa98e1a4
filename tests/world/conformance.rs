//! Real kubectl, two versions of it, through every command of the table.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use qrh::drill::world::Kind;
use qrh::drill::world::kind::ALL;
use serde_json::Value;

use crate::cases::{CASES, Case, Must};
use crate::ground::{Ground, tool, words};

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
    if let Must::Stream(text) = must {
        return stream(ground, kubectl, &line, text);
    }
    let output = ground.run(kubectl, &words(&line));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let fine = match must {
        Must::Say(text) => output.status.success() && said.contains(text),
        Must::NotSay(text) => output.status.success() && !said.contains(text),
        Must::Refuse(text) => !output.status.success() && said.contains(text),
        Must::Stream(_) => unreachable!("answered above"),
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

fn stream(ground: &Ground, kubectl: &Path, line: &str, text: &str) -> Result<(), String> {
    let mut child = Command::new(kubectl)
        .args(words(line))
        .env_clear()
        .env("HOME", ground.dir.path())
        .env("KUBECONFIG", ground.dir.path().join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut from = child.stdout.take().unwrap();
    let (mut said, mut buffer) = (String::new(), [0_u8; 4096]);
    while !said.contains(text) {
        let read = from.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        said.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    let goes_on = child.try_wait().unwrap().is_none();
    let _ = child.kill();
    child.wait().unwrap();
    if said.contains(text) && goes_on { Ok(()) } else { Err(format!("kubectl {line}\n  ended, having said: {said}")) }
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
    let old = minor(&ground, &kubectl) < 31;
    let failed: Vec<String> = CASES.iter().filter_map(|case| check(&ground, &kubectl, old, case).err()).collect();
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

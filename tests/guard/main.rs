//! The API guard against the programs it is for: kubectl, two versions of it, and helm, with everything they could change or act upon.
//! Behind the guard stands a world whose responder may do all, so that nothing but the guard refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, clippy::wildcard_enum_match_arm)]

mod ground;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use qrh::drill::world::Pace;
use qrh::target::kube::Secrets;

use ground::{Ground, lines, tool};

const CHANGES: &str = include_str!("changes.txt");
const READS: &str = include_str!("reads.txt");

fn kubectl() -> std::path::PathBuf {
    tool("QRH_TEST_KUBECTL", "kubectl")
}

fn old_kubectl() -> std::path::PathBuf {
    tool("QRH_TEST_KUBECTL_OLD", "Debian's kubectl")
}

fn helm() -> std::path::PathBuf {
    tool("QRH_TEST_HELM", "helm")
}

fn nothing_changes(kubectl: &Path, helm: Option<&Path>) {
    let ground = Ground::new(Secrets::Releases);
    let before = ground.state();
    assert!(before.len() > 20, "a world to lose");
    let commands = lines(CHANGES, kubectl, helm);
    assert!(commands.len() > 95, "{}", commands.len());
    let mut wrong = Vec::new();
    for (program, line) in commands {
        let output = ground.guarded(&program, line);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(before == ground.state(), "{line} changed the world:\n{said}");
        // `cordon` is told of its refusal and ends with 0 all the same.
        if output.status.success() && !said.contains("read-only: qrh refused") {
            wrong.push(format!("{line} went through:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let refused = ground.guard().refused();
    assert_eq!(refused.calls.len(), 50, "the first are kept in words: {refused:#?}");
    assert!(refused.more > 20, "and the rest counted: {}", refused.more);
    assert!(refused.calls[0].starts_with("DELETE /api/v1/namespaces/shop/pods/checkout-"), "{}", refused.calls[0]);
}

#[test]
fn a_current_kubectl_and_helm_change_nothing() {
    nothing_changes(&kubectl(), Some(&helm()));
}

#[test]
fn an_old_kubectl_changes_nothing() {
    nothing_changes(&old_kubectl(), None);
}

fn reads_read(kubectl: &Path, helm: Option<&Path>) {
    let ground = Ground::new(Secrets::Releases);
    let (mut commands, mut wrong) = (0, Vec::new());
    for (program, line) in lines(READS, kubectl, helm) {
        let (bare, guarded) = (ground.bare(&program, line), ground.guarded(&program, line));
        let whole = |output: &std::process::Output| {
            let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            let mut lines: Vec<&str> = out.lines().chain(err.lines()).collect();
            if line.starts_with("logs -l") {
                // Several pods answer at once.
                lines.sort_unstable();
            }
            format!("{:?}\n{}", output.status.code(), lines.join("\n"))
        };
        if whole(&bare) != whole(&guarded) {
            wrong.push(format!("{line}\nbare: {}\nguarded: {}", whole(&bare), whole(&guarded)));
        }
        commands += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(commands > 75, "{commands}");
    assert_eq!(ground.guard().refused(), qrh::target::kube::Refused::default());
}

#[test]
fn reads_print_what_they_print_without_the_guard() {
    reads_read(&kubectl(), Some(&helm()));
}

#[test]
fn an_old_kubectl_reads_the_same_too() {
    reads_read(&old_kubectl(), None);
}

#[test]
fn secrets_are_read_where_the_command_says_so() {
    let ground = Ground::new(Secrets::All);
    for line in ["get secrets", "get secrets -o name -A"] {
        let (bare, guarded) = (ground.bare(&kubectl(), line), ground.guarded(&kubectl(), line));
        assert!(guarded.status.success() && !bare.stdout.is_empty(), "{}", String::from_utf8_lossy(&guarded.stderr));
        assert_eq!(guarded.stdout, bare.stdout);
    }
    assert!(!ground.guarded(&kubectl(), "delete secret --all").status.success());
}

/// What a program that is not the one it was made for gets.
#[test]
fn the_door_opens_to_its_own_token_only_and_leaves_nothing_behind() {
    let mut ground = Ground::new(Secrets::Releases);
    let config = ground.guard().kubeconfig().to_owned();
    let text = std::fs::read_to_string(&config).unwrap();
    let mode = std::fs::metadata(&config).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    for name in ["admin", "responder", "viewer"] {
        assert!(!text.contains(ground.world().token(name).unwrap()), "the responder's credential is in it");
    }
    assert!(!text.contains(&ground.world().url()), "nor where the cluster is");
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let own = parsed["users"][0]["user"]["token"].as_str().unwrap();
    for token in ["", "x", &own[1..], ground.world().token("admin").unwrap()] {
        let other = ground.dir.path().join("other");
        std::fs::write(&other, text.replace(own, token)).unwrap();
        let output = ground.command(&kubectl(), "get pods", &other).output().unwrap();
        assert!(!output.status.success(), "{token}: {}", String::from_utf8_lossy(&output.stdout));
    }
    let other = ground.dir.path().join("other");
    std::fs::write(&other, &text).unwrap();
    assert!(ground.command(&kubectl(), "get pods", &other).output().unwrap().status.success());
    ground.guard = None;
    assert!(!config.exists());
    assert!(!ground.command(&kubectl(), "get pods", &other).output().unwrap().status.success(), "the door is gone");
}

#[test]
fn watches_and_logs_stream() {
    let ground = Ground::at(Pace::Scaled(10.0), Secrets::Releases);
    for (line, wanted) in [("logs -f {pod} --tail=1", 3), ("get pods -w", 4)] {
        let mut command = ground.command(&kubectl(), line, ground.guard().kubeconfig());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let (send, receive) = std::sync::mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        std::thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(send.send(line))));
        for number in 0..wanted {
            if number == 2 {
                // Something to see in a watch.
                let pod = ground.pod();
                assert!(ground.bare(&kubectl(), &format!("label pod {pod} --overwrite seen=yes")).status.success());
            }
            let line = receive.recv_timeout(Duration::from_secs(30));
            assert!(
                line.is_ok(),
                "line {number} of {}",
                command.get_args().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
            );
        }
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        child.wait().unwrap();
    }
    assert_eq!(ground.guard().refused().calls, Vec::<String>::new());
}

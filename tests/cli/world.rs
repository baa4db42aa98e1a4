//! `qrh world`: what it prints is what to use, its files are its owner's only, and all of it is gone when it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use qrh::runbook::catalog;
use qrh::runbook::source::SourceFile;
use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{Sandbox, wait};

#[test]
fn the_world_says_where_it_is_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["world", "--fault", "bad-release", "--fault", "dependency-slow@payments"]);
    let mut child =
        command.env("TMPDIR", sandbox.path("world")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let lines: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).take_while(|line| !line.contains("Ctrl-C")).collect();
    let said = |start: &str| {
        lines.iter().find_map(|line| line.strip_prefix(start)).unwrap_or_else(|| panic!("no {start} in {lines:#?}")).trim().to_owned()
    };
    let files = [PathBuf::from(said("export KUBECONFIG=")), PathBuf::from(said("export QRH_SERVICES="))];
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    let (found, diagnostics) = catalog::load(&SourceFile::new("services.yaml", fs::read(&files[1]).unwrap()));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let found = found.unwrap();
    let checkout = found.service("checkout").unwrap();
    assert_eq!(checkout.prometheus.as_deref(), Some(said("# Prometheus").as_str()));
    assert!(said("# checkout").starts_with(checkout.url.as_deref().unwrap()));
    assert!(fs::read_to_string(&files[0]).unwrap().contains(said("# Kubernetes API").as_str()));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(wait(child), 130);
    assert!(files.iter().all(|file| !file.exists()), "its files are gone");
}

#[test]
fn a_fault_that_is_not_one_is_told_with_those_there_are() {
    let sandbox = Sandbox::new();
    sandbox.qrh(["world", "--fault", "slow-disk"]).with(2).complains("there is no fault \"slow-disk\"; there is: sync-json");
    sandbox.qrh(["world", "--fault", "sync-json@web"]).with(2).complains("there is no service \"web\"; there is: checkout, payments");
}

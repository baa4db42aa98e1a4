//! Where settings come from, and what a mistake in them stops.

use std::fs;

use crate::sandbox::{Sandbox, Service, finish, runbook};

#[test]
fn info_says_where_each_path_came_from() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["info", "--services", "my-services.yaml"]);
    command.env("QRH_STATE", "/var/lib/qrh").env("NO_COLOR", "1").env("QRH_LOG", "info");
    let ended = finish(command, "").with(0);
    let home = sandbox.path("");
    for text in [
        "services   my-services.yaml (argument, not there)".to_owned(),
        "state      /var/lib/qrh (QRH_STATE, not there)".to_owned(),
        format!("runbooks   {}config/qrh/runbooks (configuration directory, not there)", home.display()),
        format!("kubeconfig {}no-kubeconfig (KUBECONFIG)", home.display()),
        "actor      ann@".to_owned(),
        "mono: NO_COLOR is set".to_owned(),
        "log        info".to_owned(),
    ] {
        assert!(ended.out.contains(&text), "no {text:?} in:\n{}", ended.out);
    }
    let mut command = sandbox.command(["info"]);
    command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_STATE_HOME").env("KUBECONFIG", "");
    finish(command, "")
        .with(0)
        .says(&format!("{}home/.config/qrh/policy.yaml", home.display()))
        .says(&format!("state      {}home/.local/state/qrh (state directory, not there)", home.display()))
        .says(&format!("kubeconfig {}home/.kube/config (home directory)", home.display()));
}

#[test]
fn a_broken_policy_stops_what_it_would_rule_and_nothing_else() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let mistakes = [
        ("protected:\n  - { hosts: '*' }\n", "policy.yaml:3:7", "did you mean `host`?"),
        ("declared_only: aks\n", "policy.yaml:2:16", "did you mean `ask`?"),
        ("max_objects: many\n", "policy.yaml:2:14", "max_objects: many"),
        ("refuse:\n  - { action: shell }\n", "policy.yaml:3:", "the key `why` is missing"),
        ("max_objects: 1\nmax_objects: 2\n", "policy.yaml:3:1", "duplicate-key"),
        ("protected: [\n", "policy.yaml:", "syntax"),
    ];
    for (rules, place, hint) in mistakes {
        sandbox.policy(rules);
        let args = ["run", &runbook("reads"), "--pid", &service.pid(), "--plain"];
        sandbox.qrh(args).with(2).complains(place).complains(hint);
        sandbox.qrh(["show"]).with(0);
        sandbox.qrh(["lint", "config/qrh/policy.yaml"]).with(1).says(place).says(hint);
    }
    assert!(!sandbox.path("state").exists(), "nothing was opened");
    sandbox.qrh(["plan", "--policy", "none.yaml", &runbook("reads"), "--pid", "1"]).with(2).complains("none.yaml: there is no such file");
}

#[test]
fn broken_settings_stop_only_the_panes() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    sandbox.write("config/qrh/settings.yaml", "# mine\nthemes: dark\n");
    sandbox.script(["run", &runbook("reads"), "--pid", &service.pid(), "--plain"], &["quit"]).with(0);
    sandbox.qrh(["info"]).with(0).says("settings.yaml:2:1").says("did you mean `theme`?");
    let mut command = sandbox.command(["info"]);
    sandbox.write("config/qrh/settings.yaml", "# nothing but a comment\n");
    finish(std::mem::replace(&mut command, sandbox.command(["info"])), "").with(0).says("theme      dark");
}

#[test]
fn a_broken_catalog_stops_only_who_needs_it() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    sandbox.write("config/qrh/services.yaml", "schema: qrh.services/v1\nservices:\n  api:\n    target: { host: { pid: one } }\n");
    let reads = runbook("reads");
    sandbox.qrh(["plan", &reads, "--service", "api"]).with(2).complains("services.yaml:4:").complains("pid");
    sandbox.qrh(["plan", &reads, "--pid", &service.pid()]).with(0);
    sandbox.script(["run", &reads, "--pid", &service.pid()], &["quit"]).with(0);
}

#[test]
fn the_catalog_names_services_and_their_targets() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let catalog = format!(
        "schema: qrh.services/v1\nservices:\n  checkout:\n    owner: payments\n    target: {{ host: {{ pid: {} }} }}\n  shop:\n    target: {{ cluster: {{ context: c, namespace: n, workload: shop }} }}\n",
        service.pid()
    );
    sandbox.write("config/qrh/services.yaml", &catalog);
    let reads = runbook("reads");
    sandbox.qrh(["plan", &reads]).with(2).complains("which service?").complains("checkout, shop");
    sandbox.qrh(["plan", &reads, "-s", "chekout"]).with(2).complains("did you mean `checkout`?");
    sandbox.qrh(["plan", &reads, "-s", "shop"]).with(2).complains("runbook reads is for host, and shop is a cluster");
    sandbox.qrh(["plan", &reads, "-s", "checkout"]).with(0).says("Reads of all sizes on checkout");
}

#[test]
fn one_broken_runbook_of_two_hundred_hides_no_other() {
    let sandbox = Sandbox::new();
    let service = Service::start();
    let dir = sandbox.path("config/qrh/runbooks");
    fs::create_dir(&dir).unwrap();
    let text = fs::read_to_string(runbook("reads")).unwrap();
    for number in 0..200 {
        fs::write(dir.join(format!("r{number}.yaml")), text.replace("id: reads", &format!("id: reads-{number}"))).unwrap();
    }
    fs::write(dir.join("r7.yaml"), "id: reads-7\ntitle: Broken [\nsteps: 3\n").unwrap();
    fs::write(dir.join("high-cpu.yaml"), text.replace("id: reads", "id: high-cpu").replace("Reads of all sizes", "Ours")).unwrap();
    sandbox.qrh([""; 0]).with(0).says("reads-7 ").says("reads-199 ").says("  high-cpu               Ours\n");
    sandbox.qrh(["plan", "reads-42", "--pid", &service.pid()]).with(0);
    sandbox.qrh(["plan", "reads-7", "--pid", &service.pid()]).with(2).complains("r7.yaml:");
    sandbox.qrh(["show"]).with(0).says("has errors: qrh lint").says("Ours");
}

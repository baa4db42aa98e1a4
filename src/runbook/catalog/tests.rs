use super::*;
use crate::runbook::lint::rule::Rule;

const GOOD: &str = "schema: qrh.services/v1
services:
  checkout:
    owner: payments
    dependencies: [postgres, redis]
    prometheus: http://127.0.0.1:9090
    vars: { canary: true, shards: 4, zone: eu }
    target:
      cluster: { context: prod, namespace: shop, workload: checkout-api, container: app }
  mailer:
    url: http://127.0.0.1:8080
    target:
      host: { pid_file: /run/mailer.pid, port: 8080, restart: [systemctl, restart, mailer] }
";

fn loaded(text: &str) -> (Option<Catalog>, Vec<Rule>) {
    let (catalog, diagnostics) = load(&SourceFile::new("services.yaml", text.as_bytes().to_vec()));
    (catalog, diagnostics.into_iter().map(|found| found.rule).collect())
}

#[test]
fn both_kinds_of_target_are_read_and_survive_json() {
    let (catalog, rules) = loaded(GOOD);
    assert_eq!(rules, []);
    let catalog = catalog.unwrap();
    let again: Catalog = serde_json::from_value(json!(catalog)).unwrap();
    assert_eq!(again, catalog);
    assert_eq!(catalog.service("mailer").unwrap().target.kind(), TargetKind::Host);
    assert!(catalog.service("nobody").is_none());
}

#[test]
fn the_scope_has_what_is_known_and_nothing_empty() {
    let catalog = loaded(GOOD).0.unwrap();
    let scope = service_scope(catalog.service("checkout").unwrap());
    assert_eq!(scope["workload"], "checkout-api");
    assert_eq!(scope["selector"], "app=checkout-api");
    assert_eq!(scope["owner"], "payments");
    assert_eq!(scope["vars"]["shards"], 4);
    assert_eq!(scope.get("url"), None);
    assert_eq!(scope.get("context"), None);
    let target = target_scope(&catalog.service("mailer").unwrap().target);
    assert_eq!((&target["kind"], &target["port"]), (&json!("host"), &json!(8080)));
}

#[test]
fn lint_knows_every_name_of_the_scopes() {
    for service in loaded(GOOD).0.unwrap().services {
        for name in service_scope(&service).as_object().unwrap().keys() {
            assert!(service_names().contains(&name.as_str()), "{name}");
        }
        for name in target_scope(&service.target).as_object().unwrap().keys() {
            assert!(target_names().contains(&name.as_str()), "{name}");
        }
    }
}

#[test]
fn mistakes_are_all_told() {
    let (catalog, rules) = loaded(
        "schema: qrh.services/v1
services:
  a: { target: { host: { ssh: box, port: 70000 } } }
  b: { ownr: x, target: {} }
  c: { vars: { Bad: [1] }, target: { host: { pid: 12 }, cluster: { context: x, namespace: y, workload: z } } }
",
    );
    assert!(catalog.is_none());
    let expected =
        [Rule::UnknownKey, Rule::OneOf, Rule::OutOfRange, Rule::UnknownKey, Rule::OneOf, Rule::BadId, Rule::WrongType, Rule::OneOf];
    for rule in expected {
        assert!(rules.contains(&rule), "{rule:?} in {rules:?}");
    }
    assert_eq!(rules.len(), expected.len(), "{rules:?}");
    assert_eq!(loaded("schema: qrh.runbook/v1\nid: x\n").1, [Rule::UnknownValue]);
}

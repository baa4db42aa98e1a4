//! What guard promises of tiers, of policy and of the one maker of permission.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks the one ruling it asks for")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::clearance::{Ruling, Wish, rule};
use super::policy::{DeclaredOnly, Refuse, Scope};
use super::tier::{Reach, tier};
use super::{Answer, Challenge, Denied, Permission, Policy, Proposal, Tier, clear};
use crate::action::identity::{ClusterIdentity, HostIdentity, ObjectIdentity, ProcessIdentity};
use crate::action::{Action, Description, Hold, Identity, Planned, Preview, Verdict, Write};
use crate::runbook::model::{Effect, Place};

fn action(authored: Value) -> Action {
    serde_json::from_value(authored).unwrap()
}

fn scale() -> Action {
    action(json!({ "kube": { "scale": { "deployment": "checkout", "replicas": 5 } } }))
}

fn image() -> Action {
    action(json!({ "kube": { "set-image": { "deployment": "checkout", "container": "app", "image": "checkout@sha256:1" } } }))
}

fn cluster() -> Identity {
    Identity::Cluster(ClusterIdentity {
        context: "prod-eu".to_owned(),
        server: "https://10.0.0.1:6443".to_owned(),
        namespace: "shop".to_owned(),
        user: Some("ana".to_owned()),
        object: Some(ObjectIdentity {
            generation: None,
            kind: "Deployment".to_owned(),
            name: "checkout".to_owned(),
            uid: "u-1".to_owned(),
            resource_version: "812".to_owned(),
        }),
    })
}

fn host() -> Identity {
    Identity::Host(HostIdentity { host: "web-7".to_owned(), process: Some(ProcessIdentity { pid: 7, started_ticks: 11 }) })
}

fn describes(line: &str) -> Description {
    Description { runs: vec![line.to_owned()], by_hand: None }
}

fn wish(action: Action, undo: Option<Action>) -> Wish {
    Wish {
        title: "A change".to_owned(),
        effect: Effect::Mutating,
        write: Write { planned: Planned { action, place: Place::Cluster, timeout_ms: 30_000 }, identity: cluster(), undo },
        describes: describes("PATCH"),
        undo_describes: Some(describes("PATCH back")),
        preview: Preview::Diff(vec!["- 3".to_owned(), "+ 5".to_owned()]),
        reach: Reach { objects: 1, pods: Some(3) },
        hazards: vec!["a hazard".to_owned()],
        stops: Vec::new(),
        fighters: vec!["an autoscaler".to_owned()],
        workload: "checkout".to_owned(),
    }
}

fn policy_with(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}

fn asked(wish: Wish) -> Box<Proposal> {
    let verdict = wish.write.planned.action.classify();
    match rule(wish, &verdict, &Policy::default(), false) {
        Ruling::Ask(proposal) => proposal,
        other => panic!("{other:?}"),
    }
}

fn answer(text: &str, reason: Option<&str>) -> Answer {
    Answer { text: text.to_owned(), reason: reason.map(str::to_owned), considered_ms: 300, person: true }
}

#[test]
fn each_tier_has_its_answer() {
    let delete = action(json!({ "kube": { "delete-pod": { "pod": "checkout-1" } } }));
    let recall = |what, name: &str| Challenge::Recall { what, name: name.to_owned() };
    let on = |identity, mut wish: Wish| {
        wish.write.identity = identity;
        wish
    };
    for (wish, tier, challenge) in [
        (wish(image(), Some(image())), Tier::One, Challenge::Yes),
        (wish(scale(), Some(scale())), Tier::Two, Challenge::TypeName("checkout".to_owned())),
        (wish(delete.clone(), None), Tier::Three, recall("context", "prod-eu")),
        (on(host(), wish(delete.clone(), None)), Tier::Three, recall("host", "web-7")),
        (on(Identity::Here, wish(delete, None)), Tier::Three, recall("service", "checkout")),
    ] {
        let proposal = asked(wish);
        assert_eq!((proposal.tier(), proposal.challenge()), (tier, &challenge));
    }
}

#[test]
fn how_wide_a_change_reaches_sets_its_tier() {
    let kube = |verb: &str, fields: Value| action(json!({ "kube": { verb: fields } }));
    let patch = |resource: &str, kind: &str, patch: Value| {
        kube("patch", json!({ "resource": resource, "name": "checkout", "type": kind, "patch": patch }))
    };
    let label = || json!({ "metadata": { "labels": { "a": "b" } } });
    for (action, objects, expected) in [
        (kube("cordon", json!({ "node": "n1" })), 1, Tier::Three),
        (patch("nodes", "merge", label()), 1, Tier::Three),
        (patch("Node", "merge", label()), 1, Tier::Three),
        (patch("deployments.apps", "merge", label()), 1, Tier::One),
        (patch("deployment", "merge", json!({ "spec": { "replicas": 0 } })), 1, Tier::Two),
        (patch("deployment", "json", json!([{ "op": "replace", "path": "/spec/replicas", "value": 0 }])), 1, Tier::Two),
        (patch("horizontalpodautoscalers.autoscaling", "merge", label()), 1, Tier::Two),
        (kube("rollout-restart", json!({ "deployment": "checkout" })), 1, Tier::One),
        (kube("rollout-restart", json!({ "deployment": "checkout" })), 2, Tier::Two),
    ] {
        let mut wish = wish(action, Some(image()));
        wish.reach.objects = objects;
        assert_eq!(tier(&wish.write, wish.reach, &Policy::default()), expected, "{:?}", wish.write.planned.action);
    }
}

#[test]
fn an_answer_is_judged_letter_by_letter() {
    let delete = || wish(action(json!({ "kube": { "delete-pod": { "pod": "checkout-1" } } })), None);
    let easy = || wish(image(), Some(image()));
    let hurried = |text: &str| Answer { considered_ms: 299, ..answer(text, None) };
    let nobody = |text: &str| Answer { person: false, ..answer(text, None) };
    for (wish, answer, denied) in [
        (easy(), answer("y", None), None),
        (easy(), answer("Y", None), Some(Denied::Wrong)),
        (easy(), answer("yes", None), Some(Denied::Wrong)),
        (easy(), answer("", None), Some(Denied::Wrong)),
        (easy(), hurried("y"), Some(Denied::TooEarly)),
        (easy(), nobody("y"), Some(Denied::NoPerson)),
        (delete(), answer("prod-eu", Some("it hangs")), None),
        (delete(), answer("prod-eu", None), Some(Denied::NoReason)),
        (delete(), answer("prod-eu", Some(" \t")), Some(Denied::NoReason)),
        (delete(), answer("y", Some("it hangs")), Some(Denied::Wrong)),
        (delete(), answer("prod", Some("it hangs")), Some(Denied::Wrong)),
    ] {
        let judged = clear(asked(wish), &answer).map(|_| ()).map_err(|(_, denied)| denied);
        assert_eq!(judged.err(), denied, "{answer:?}");
    }
}

#[test]
fn a_name_that_is_empty_is_no_challenge() {
    for (spoil, action, undo) in [
        ((|wish: &mut Wish| wish.workload = "  ".to_owned()) as fn(&mut Wish), scale(), Some(scale())),
        (|wish| wish.write.identity = Identity::Host(HostIdentity { host: String::new(), process: None }), image(), None),
    ] {
        let mut wish = wish(action, undo);
        spoil(&mut wish);
        let verdict = wish.write.planned.action.classify();
        assert!(matches!(rule(wish, &verdict, &Policy::default(), false), Ruling::Refused(why) if why.contains("name")));
    }
}

/// Every path to a value that is not a map or a list.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| leaves(value, &format!("{path}/{name}"), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(number, value)| leaves(value, &format!("{path}/{number}"), found)),
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn every_shown_field_is_bound_by_the_digest() {
    let shown = wish(scale(), Some(image()));
    let before = asked(shown.clone()).digest().to_owned();
    assert_eq!(asked(shown.clone()).digest(), before, "the same wish has the same digest");
    let whole = serde_json::to_value(&shown).unwrap();
    let mut paths = Vec::new();
    leaves(&whole, "", &mut paths);
    assert!(paths.len() >= 25, "{paths:?}");
    let mut changed = 0;
    for path in &paths {
        let mut other = whole.clone();
        let leaf = other.pointer_mut(path).unwrap();
        *leaf = match &*leaf {
            Value::Number(number) => json!(number.as_i64().unwrap() + 1),
            Value::String(text) => json!(format!("{text}x")),
            _ => json!("x"),
        };
        // Words of a fixed list (an effect, a place) don't take any other text; they have their own lines below.
        let Ok(other) = serde_json::from_value::<Wish>(other) else { continue };
        changed += 1;
        assert_ne!(asked(other).digest(), before, "{path} is shown and not bound");
    }
    assert!(changed + 2 >= paths.len(), "{changed} of {}", paths.len());
    let spoils: [fn(&mut Wish); 6] = [
        |wish| wish.write.planned.place = Place::Here,
        |wish| wish.write.undo = None,
        |wish| wish.undo_describes = None,
        |wish| wish.hazards.clear(),
        |wish| wish.write.identity = host(),
        |wish| wish.preview = Preview::None("- 3".to_owned()),
    ];
    for spoil in spoils {
        let mut other = shown.clone();
        spoil(&mut other);
        assert_ne!(asked(other).digest(), before);
    }
}

#[test]
fn a_clearance_is_void_for_any_other_target() {
    let spoils: [fn(&mut ClusterIdentity); 8] = [
        |live| live.context.push('x'),
        |live| live.server.push('x'),
        |live| live.namespace.push('x'),
        |live| live.user = None,
        |live| live.object = None,
        |live| live.object.as_mut().unwrap().uid.push('x'),
        |live| live.object.as_mut().unwrap().resource_version.push('x'),
        |live| live.object.as_mut().unwrap().name.push('x'),
    ];
    let cleared = || match clear(asked(wish(image(), Some(image()))), &answer("y", None)) {
        Ok(Permission::Change(cleared)) => cleared,
        other => panic!("{other:?}"),
    };
    for spoil in spoils {
        let Identity::Cluster(mut live) = cluster() else { panic!() };
        spoil(&mut live);
        assert!(cleared().redeem(&Identity::Cluster(live)).is_err());
    }
    assert!(cleared().redeem(&host()).is_err());
    assert_eq!(cleared().redeem(&cluster()).unwrap(), wish(image(), Some(image())).write);
}

#[test]
fn the_stricter_word_about_an_action_counts() {
    let get = || action(json!({ "kube": { "get": { "resource": "pods" } } }));
    let run = || action(json!({ "run": { "argv": ["uptime"] } }));
    let (reads, changes, unknown) =
        (|| Verdict::Reads(Hold::ReadClient), || Verdict::Changes("it does".to_owned()), || Verdict::Unknown("who knows".to_owned()));
    for (action, claimed, at_once, declared) in [
        (get(), reads(), true, false),
        (get(), changes(), false, false),
        (get(), unknown(), false, true),
        (get(), Verdict::Reads(Hold::DeclaredOnly), false, true),
        (run(), reads(), false, true),
        (scale(), reads(), false, false),
        (scale(), unknown(), false, false),
    ] {
        let wish = Wish { effect: Effect::ReadOnly, ..wish(action.clone(), Some(image())) };
        match rule(wish, &claimed, &Policy::default(), false) {
            Ruling::Admitted(admitted) => assert_eq!((true, admitted.hold()), (at_once, Hold::ReadClient)),
            Ruling::Ask(proposal) => assert_eq!((false, proposal.declared()), (at_once, declared), "{action:?} {claimed:?}"),
            Ruling::Refused(why) => panic!("{why}"),
        }
    }
}

#[test]
fn a_declared_read_is_cleared_as_a_read_and_nothing_else() {
    let run = action(json!({ "run": { "argv": ["uptime"] } }));
    let proposal = asked(Wish { effect: Effect::ReadOnly, ..wish(run, None) });
    assert_eq!((proposal.tier(), proposal.declared()), (Tier::One, true));
    assert!(matches!(clear(proposal, &answer("y", None)), Ok(Permission::Read(admitted)) if admitted.hold() == Hold::DeclaredOnly));
}

#[test]
fn what_policy_refuses_runs_under_no_other_rule() {
    let run = || Wish { effect: Effect::ReadOnly, ..wish(action(json!({ "run": { "argv": ["uptime"] } })), None) };
    let mut policy = policy_with(|policy| policy.declared_only = DeclaredOnly::Run);
    let verdict = Verdict::Unknown(String::new());
    assert!(matches!(rule(run(), &verdict, &policy, false), Ruling::Admitted(_)));
    assert!(matches!(rule(run(), &verdict, &policy, true), Ruling::Refused(_)), "read-only means held reads");
    policy.refuse.push(Refuse { action: "run".to_owned(), on: Scope::default(), why: "not here".to_owned() });
    assert!(matches!(rule(run(), &verdict, &policy, false), Ruling::Refused(why) if why.contains("not here")));
    let policy = policy_with(|policy| policy.max_objects = Some(2));
    let mut wide = wish(scale(), Some(scale()));
    wide.reach.objects = 3;
    assert!(matches!(rule(wide, &scale().classify(), &policy, false), Ruling::Refused(why) if why.contains('3')));
}

fn scope() -> impl Strategy<Value = Scope> {
    let pattern = || prop::option::of(prop::sample::select(vec!["*", "prod-*", "prod-eu", "shop", "web-*", "dev"]));
    (pattern(), pattern(), pattern()).prop_map(|(context, namespace, host)| Scope {
        context: context.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        host: host.map(str::to_owned),
    })
}

fn a_policy() -> impl Strategy<Value = Policy> {
    let declared = prop::sample::select(vec![DeclaredOnly::Ask, DeclaredOnly::Run, DeclaredOnly::Refuse]);
    let refuse = (prop::sample::select(vec!["kube.*", "run", "http"]), scope()).prop_map(|(action, on)| Refuse {
        action: action.to_owned(),
        on,
        why: "no".to_owned(),
    });
    (prop::collection::vec(scope(), 0..4), prop::collection::vec(refuse, 0..3), prop::option::of(1_u32..5), declared).prop_map(
        |(protected, refuse, max_objects, declared_only)| {
            policy_with(|policy| {
                policy.protected = protected;
                policy.refuse = refuse;
                policy.max_objects = max_objects;
                policy.declared_only = declared_only;
            })
        },
    )
}

fn a_wish() -> impl Strategy<Value = Wish> {
    let actions = vec![
        scale(),
        image(),
        action(json!({ "kube": { "cordon": { "node": "n1" } } })),
        action(json!({ "run": { "argv": ["touch", "x"] } })),
        action(json!({ "http": { "url": "http://x/", "method": "POST" } })),
    ];
    let identity = prop::sample::select(vec![cluster(), host(), Identity::Here]);
    (prop::sample::select(actions), identity, any::<bool>(), 0_u32..4).prop_map(|(action, identity, undo, objects)| {
        let mut wish = wish(action, undo.then(image));
        wish.write.identity = identity;
        wish.reach.objects = objects;
        wish
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_policy_lowers_a_tier_or_lets_a_change_run_at_once(policy in a_policy(), wish in a_wish()) {
        let bare = tier(&wish.write, wish.reach, &Policy::default());
        prop_assert!(tier(&wish.write, wish.reach, &policy) >= bare);
        let verdict = wish.write.planned.action.classify();
        match rule(wish, &verdict, &policy, false) {
            Ruling::Admitted(admitted) => prop_assert!(false, "{admitted:?} without an answer"),
            Ruling::Ask(proposal) => prop_assert!(proposal.tier() >= bare),
            Ruling::Refused(_) => {}
        }
    }
}

//! What a change would make, asked of the server itself (`dryRun=All`): admission, defaults, budgets and rights all take part.

use serde_json::{Value, json};

use super::change::{comparable, prepare};
use super::fault::Fault;
use super::wire::Session;
use super::yaml;
use crate::action::Preview;
use crate::action::identity::ObjectIdentity;
use crate::action::kube::Kube;
use crate::action::kube::change::{Subject, subject};
use crate::guard::ingest;

pub(super) async fn run(session: &Session<'_>, kube: &Kube, expected: Option<&ObjectIdentity>) -> Preview {
    match subject(kube) {
        Subject::OneOf { .. } => return Preview::None("what a program does in a container is its own affair".to_owned()),
        Subject::Nothing => return Preview::None("a read changes nothing".to_owned()),
        Subject::Deployment(_) | Subject::Node(_) | Subject::Pod(_) | Subject::Object { .. } => {}
    }
    match ask(session, kube, expected).await {
        Ok(lines) => Preview::Diff(lines.iter().map(|line| ingest::text(line)).collect()),
        Err(fault) => Preview::Refused(fault.line(&session.whereabouts())),
    }
}

async fn ask(session: &Session<'_>, kube: &Kube, expected: Option<&ObjectIdentity>) -> Result<Vec<String>, Fault> {
    let mut prepared = prepare(session, kube, expected).await?;
    prepared.ask.call = prepared.ask.call.dry_run();
    prepared.ask.what = format!("try (dry run) to {}", prepared.ask.what);
    // Through the client that passes dry runs only; a read's deadline fits, nothing is stored.
    let after = session.try_out(&prepared.ask).await;
    let after = match after {
        Ok(after) => after,
        Err(fault) => return Err(super::change::judge(session, &prepared, fault).await),
    };
    if let Kube::Evict(target) = kube {
        return Ok(vec![format!("- pod/{} (evicted; the disruption budget allows it now)", target.pod)]);
    }
    if let Kube::DeletePod(target) = kube {
        return Ok(vec![format!("- pod/{} (deleted; no disruption budget is asked)", target.pod)]);
    }
    // A Scale comes back, not the Deployment.
    if matches!(kube, Kube::Scale(_)) {
        let count = |object: &Value| json!({"spec": {"replicas": object["spec"]["replicas"]}});
        return Ok(differing(&count(&prepared.before), &count(&after)));
    }
    Ok(differing(&comparable(&prepared.before), &comparable(&after)))
}

fn differing(before: &Value, after: &Value) -> Vec<String> {
    let lines = yaml::diff(before, after);
    if lines.is_empty() { vec!["  nothing would change".to_owned()] } else { lines }
}

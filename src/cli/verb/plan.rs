//! `qrh plan`: every command of a runbook as it would run on a service, with its effect and tier. Runs nothing and asks nobody.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Map, Value};

use crate::action::identity::{ClusterIdentity, HostIdentity};
use crate::action::{Action, Identity, Planned, Preview, Verdict, Write};
use crate::app::consider;
use crate::cli::args::Plan;
use crate::cli::exit::Failure;
use crate::cli::output::print;
use crate::cli::settings::Settings;
use crate::cli::{choose, library};
use crate::guard::Policy;
use crate::guard::clearance::{self, Ruling, Wish};
use crate::guard::tier::Reach;
use crate::runbook::catalog::{self, Service, Target};
use crate::runbook::model::{Command, Runbook};
use crate::target::facts::host_name;

pub fn run(settings: &Settings, args: &Plan) -> Result<ExitCode, Failure> {
    let ready = library::ready(library::find(settings, &args.runbook)?, false)?;
    let service = choose::service(settings, &args.service, &ready.runbook)?;
    let inputs = choose::inputs(&ready.runbook, &args.inputs)?;
    let mut scope: Map<String, Value> = inputs.into_iter().map(|(name, value)| (name.0, value)).collect();
    scope.insert("inputs".to_owned(), Value::Object(scope.clone()));
    scope.insert("service".to_owned(), catalog::service_scope(&service));
    scope.insert("target".to_owned(), catalog::target_scope(&service.target));
    let planner =
        Planner { runbook: &ready.runbook, identity: identity(&service), service, scope: scope.into(), policy: settings.policy()? };
    print(&planner.text())?;
    Ok(ExitCode::SUCCESS)
}

struct Planner<'a> {
    runbook: &'a Runbook,
    service: Service,
    /// As far as it is known without asking the target.
    identity: Identity,
    scope: Value,
    policy: Policy,
}

fn identity(service: &Service) -> Identity {
    match &service.target {
        Target::Cluster(cluster) => Identity::Cluster(ClusterIdentity {
            context: cluster.context.clone(),
            server: "not asked".to_owned(),
            namespace: cluster.namespace.clone(),
            user: None,
            object: None,
        }),
        Target::Host(_) => Identity::Host(HostIdentity { host: host_name(), process: None }),
    }
}

impl Planner<'_> {
    fn text(&self) -> String {
        let mut text = format!("{} on {}: nothing here has run\n", self.runbook.title, self.service.name);
        for step in &self.runbook.steps {
            let commands: Vec<&Command> = step.commands.iter().filter(|command| command.place.fits(self.service.target.kind())).collect();
            if commands.is_empty() {
                continue;
            }
            let _ = writeln!(text, "\n[{}] {}", step.phase.as_str(), consider::text(&step.title.value, &self.scope));
            for command in commands {
                text.push_str(&self.command(command));
            }
        }
        text
    }

    fn command(&self, command: &Command) -> String {
        let title = consider::text(&command.title.value, &self.scope);
        let mut text = String::new();
        match consider::action(&command.action, &self.scope) {
            Ok(action) => {
                let describes = action.describe(&self.identity);
                let _ = writeln!(text, "  {:<9} {:<22} {title}", command.effect.as_str(), self.tier(command, action));
                for line in &describes.runs {
                    let _ = writeln!(text, "      {line}");
                }
                if let Some(by_hand) = &describes.by_hand {
                    let _ = writeln!(text, "      by hand: {by_hand}");
                }
            }
            Err(needs) => {
                let _ = writeln!(text, "  {:<9} {:<22} {title}\n      {needs}", command.effect.as_str(), "when known");
            }
        }
        text
    }

    /// What it would take to run it, by the same rules that decide when it runs.
    fn tier(&self, command: &Command, action: Action) -> String {
        let verdict = action.classify();
        let undo = command.undo.is_some().then(|| action.clone());
        let timeout_ms = u64::try_from(command.timeout.as_millis()).unwrap_or(u64::MAX);
        let wish = Wish {
            title: command.id.0.clone(),
            effect: command.effect,
            describes: action.describe(&self.identity),
            undo_describes: None,
            preview: Preview::None(String::new()),
            reach: Reach { objects: 1, pods: None },
            hazards: Vec::new(),
            stops: Vec::new(),
            fighters: Vec::new(),
            workload: self.service.name.clone(),
            write: Write { planned: Planned { action, place: command.place, timeout_ms }, identity: self.identity.clone(), undo },
        };
        match clearance::rule(wish, &verdict, &self.policy, false) {
            Ruling::Admitted(admitted) => format!("tier 0 ({})", admitted.hold().as_str()),
            Ruling::Ask(proposal) if matches!(verdict, Verdict::Unknown(_)) && proposal.declared() => "tier 1 (declared only)".to_owned(),
            Ruling::Ask(proposal) => format!("tier {}", proposal.tier().number()),
            Ruling::Refused(_) => "refused by policy".to_owned(),
        }
    }
}

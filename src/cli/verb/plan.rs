//! `qrh plan`: every command of a runbook as it would run on a service, with its effect and tier. Runs nothing and asks nobody.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Map, Value};

use crate::action::identity::{ClusterIdentity, HostIdentity};
use crate::action::{Action, Identity, Planned, Preview, Write};
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
use crate::runbook::model::{Command, Place, Runbook};
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
            for need in &step.requires {
                let _ = writeln!(text, "  changes need {} not older than {:?}", need.command.value, need.max_age);
            }
            for command in commands {
                text.push_str(&self.command(command));
            }
        }
        text
    }

    fn command(&self, command: &Command) -> String {
        let title = consider::text(&command.title.value, &self.scope);
        let action = consider::action(&command.action, &self.scope);
        let tier = action.as_ref().map_or_else(|_| "when known".to_owned(), |action| self.tier(command, action));
        let mut text = format!("  {:<9} {:<7} {tier:<28} {title} ({})\n", command.effect.as_str(), command.place.as_str(), command.id);
        for line in self.lines(command, action) {
            let _ = writeln!(text, "      {line}");
        }
        text
    }

    /// What it runs or still needs, and what belongs to it.
    fn lines(&self, command: &Command, action: Result<Action, String>) -> Vec<String> {
        let mut lines = match action {
            Ok(action) => described(&action, self.identity(command)),
            Err(needs) => vec![format!("needs: {needs}")],
        };
        lines.extend(command.when.iter().map(|when| format!("only when: {}", when.value)));
        lines.extend(command.hazards.iter().map(|hazard| {
            let when = hazard.when.as_ref().map_or_else(String::new, |when| format!(" when {}", when.value));
            let what = if hazard.stop { "stopped by" } else { "hazard" };
            format!("{what}{when}: {}", hazard.says.value)
        }));
        if let Some(undo) = &command.undo {
            let undo = match consider::action(undo, &self.scope) {
                Ok(undo) => described(&undo, self.identity(command)).join("; "),
                Err(needs) => format!("known when it runs ({needs})"),
            };
            lines.push(format!("undo: {undo}"));
        }
        lines.extend(command.irreversible.iter().map(|why| format!("can't be undone: {why}")));
        lines.extend(command.verify.iter().map(|verify| format!("verified by: {}", verify.value)));
        lines
    }

    /// Where it would act: a command that leaves from the responder's machine acts on no target.
    fn identity(&self, command: &Command) -> &Identity {
        match command.place {
            Place::Cluster | Place::Host => &self.identity,
            Place::Here => &Identity::Here,
        }
    }

    /// What it would take to run it, by the same rules that decide when it runs.
    fn tier(&self, command: &Command, action: &Action) -> String {
        let verdict = action.classify();
        let identity = self.identity(command);
        let timeout_ms = u64::try_from(command.timeout.as_millis()).unwrap_or(u64::MAX);
        let wish = Wish {
            title: command.id.0.clone(),
            effect: command.effect,
            describes: action.describe(identity),
            undo_describes: None,
            preview: Preview::None(String::new()),
            reach: Reach { objects: 1, pods: None },
            hazards: Vec::new(),
            stops: Vec::new(),
            fighters: Vec::new(),
            workload: self.service.name.clone(),
            write: Write {
                planned: Planned { action: action.clone(), place: command.place, timeout_ms },
                identity: identity.clone(),
                undo: command.undo.is_some().then(|| action.clone()),
            },
        };
        match clearance::rule(wish, &verdict, &self.policy, false) {
            Ruling::Admitted(admitted) => format!("tier 0 ({})", admitted.hold().as_str()),
            Ruling::Ask(proposal) if proposal.declared() => "tier 1 (declared only)".to_owned(),
            Ruling::Ask(proposal) => format!("tier {}", proposal.tier().number()),
            Ruling::Refused(why) => format!("refused: {why}"),
        }
    }
}

fn described(action: &Action, identity: &Identity) -> Vec<String> {
    let describes = action.describe(identity);
    let by_hand = describes.by_hand.map(|by_hand| format!("by hand: {by_hand}"));
    describes.runs.into_iter().chain(by_hand).collect()
}

//! The one place where permission is made. A [`Cleared`] change comes only from [`clear`], out of a [`Proposal`] a person has seen and
//! their answer to it; an [`Admitted`] read only from [`rule`] and [`clear`]. A clearance can't be copied, so it runs at most one change; an
//! admitted read may be repeated (watch, retry).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::policy::{DeclaredOnly, Policy};
use super::tier::{self, Challenge, Reach, Tier};
use crate::action::{Action, Description, Hold, Identity, Planned, Preview, Read, Verdict, Write};
use crate::runbook::model::Effect;

/// A dialog takes no answer for this long after it appears: keys typed before it was there must not count.
pub const ARMS_AFTER_MS: u64 = 300;

/// A read that may run at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted(Read);

impl Admitted {
    pub fn read(&self) -> &Read {
        &self.0
    }

    pub fn hold(&self) -> Hold {
        self.0.hold
    }
}

/// What is put to the responder: everything that will be shown, and nothing that isn't bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    pub title: String,
    /// The author's tag (or the responder's, for a command of their own).
    pub effect: Effect,
    pub write: Write,
    pub describes: Description,
    pub undo_describes: Option<Description>,
    pub preview: Preview,
    pub reach: Reach,
    /// Hazards that hold now.
    pub hazards: Vec<String>,
    /// Hazards that forbid the change while they hold.
    pub stops: Vec<String>,
    /// Who may work against it: HPA, PDB, a GitOps owner.
    pub fighters: Vec<String>,
    /// The name typed at tier 2.
    pub workload: String,
}

/// How a wish may go on.
#[derive(Debug)]
pub enum Ruling {
    /// Tier 0.
    Admitted(Admitted),
    /// A person must answer.
    Ask(Box<Proposal>),
    /// No answer can let it run; the text says which rule.
    Refused(String),
}

/// A change that waits for its answer.
#[derive(Debug, PartialEq)]
pub struct Proposal {
    wish: Wish,
    tier: Tier,
    challenge: Challenge,
    digest: String,
    /// A read that is only said to be one.
    declared: bool,
}

impl Proposal {
    pub fn declared(&self) -> bool {
        self.declared
    }

    pub fn wish(&self) -> &Wish {
        &self.wish
    }

    pub fn tier(&self) -> Tier {
        self.tier
    }

    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// SHA-256, hexadecimal, over action, target and undo and all that was shown beside them.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Decides how a wish may go on. `verdict` is what the caller made of the action; the action's own word stands where it is stricter.
/// `read_only` is the console's own mode: then nothing but held reads runs.
pub fn rule(wish: Wish, verdict: &Verdict, policy: &Policy, read_only: bool) -> Ruling {
    let verdict = &strictest(verdict, &wish.write.planned.action);
    let refused_by_policy = policy.refuses(&wish.write.planned.action, &wish.write.identity, wish.reach.objects);
    if wish.effect == Effect::ReadOnly {
        match (verdict, policy.declared_only) {
            (Verdict::Reads(hold), _) => return Ruling::Admitted(admit(wish.write.planned, *hold)),
            (Verdict::Unknown(_), DeclaredOnly::Run) if !read_only && refused_by_policy.is_none() => {
                return Ruling::Admitted(admit(wish.write.planned, Hold::DeclaredOnly));
            }
            (Verdict::Unknown(why), DeclaredOnly::Refuse) => {
                return Ruling::Refused(format!("policy refuses reads nothing enforces: {why}"));
            }
            (Verdict::Unknown(_), DeclaredOnly::Ask | DeclaredOnly::Run) | (Verdict::Changes(_), _) => {}
        }
    }
    if read_only {
        return Ruling::Refused("this console was opened with --read-only: nothing that could change the target runs".to_owned());
    }
    if let Some(stop) = wish.stops.first() {
        return Ruling::Refused(format!("a hazard forbids it: {stop}"));
    }
    if let Preview::Refused(why) = &wish.preview {
        return Ruling::Refused(format!("the server refuses it already in the dry run: {why}"));
    }
    if let Some(why) = refused_by_policy {
        return Ruling::Refused(why);
    }
    let proposal = propose(wish, verdict, policy);
    match proposal.challenge.expected() {
        // An empty name would make Enter the answer.
        "" => Ruling::Refused(format!("tier {} asks for a name, and this target has none: give it one", proposal.tier.number())),
        _ => Ruling::Ask(Box::new(proposal)),
    }
}

/// A hold counts only where the action itself names it: nobody else's word makes an unexamined program a held read.
fn strictest(claimed: &Verdict, action: &Action) -> Verdict {
    match (claimed, &action.classify()) {
        (Verdict::Changes(why), _) | (Verdict::Reads(_) | Verdict::Unknown(_), Verdict::Changes(why)) => Verdict::Changes(why.clone()),
        (Verdict::Unknown(why), _) | (Verdict::Reads(_), Verdict::Unknown(why)) => Verdict::Unknown(why.clone()),
        (Verdict::Reads(Hold::DeclaredOnly), Verdict::Reads(_)) | (Verdict::Reads(_), Verdict::Reads(Hold::DeclaredOnly)) => {
            Verdict::Unknown("only its author says that it reads".to_owned())
        }
        (Verdict::Reads(_), Verdict::Reads(hold)) => Verdict::Reads(*hold),
    }
}

fn admit(planned: Planned, hold: Hold) -> Admitted {
    Admitted(Read { planned, hold })
}

fn propose(wish: Wish, verdict: &Verdict, policy: &Policy) -> Proposal {
    // A read that is only declared to be one takes the lightest answer; a read that qrh knows to change something does not.
    let declared = wish.effect == Effect::ReadOnly && matches!(verdict, Verdict::Unknown(_));
    let tier = if declared { Tier::One } else { tier::tier(&wish.write, wish.reach, policy) };
    let challenge = tier::challenge(tier, &wish.write.identity, &wish.workload);
    let digest = digest(&wish);
    Proposal { wish, tier, challenge, digest, declared }
}

/// Fields in a fixed order, so the same wish always has the same digest.
fn digest(wish: &Wish) -> String {
    // What JSON can't hold still has to count: two wishes must not share a digest because neither could be written down.
    let bytes = serde_json::to_vec(wish).unwrap_or_else(|_| format!("{wish:?}").into_bytes());
    Sha256::digest(&bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// What the responder did with a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub reason: Option<String>,
    /// Between the dialog's first frame and the answer, in milliseconds.
    pub considered_ms: u64,
    /// Whether a person is there: standard input is a terminal.
    pub person: bool,
}

/// Why an answer did not clear the change. The proposal stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("standard input is not a terminal, so nobody can confirm: changes don't run here")]
    NoPerson,
    #[error("answered before the dialog could be read; answer again")]
    TooEarly,
    #[error("that is not the answer asked for; nothing ran")]
    Wrong,
    #[error("a reason is needed; nothing ran")]
    NoReason,
}

/// Permission to run exactly one change once. Not `Clone`: using it consumes it.
///
/// It can't be made anywhere else:
/// ```compile_fail,E0451
/// use qrh::action::Write;
/// use qrh::guard::Cleared;
/// fn forge(what: Write) -> Cleared<Write> {
///     Cleared { what, digest: String::new() }
/// }
/// ```
/// nor be read from a file or a message:
/// ```compile_fail,E0277
/// use qrh::action::Write;
/// use qrh::guard::Cleared;
/// fn read(text: &str) -> Option<Cleared<Write>> {
///     serde_json::from_str(text).ok()
/// }
/// ```
/// nor be used twice:
/// ```compile_fail,E0599
/// use qrh::action::Write;
/// use qrh::guard::Cleared;
/// fn twice(cleared: Cleared<Write>) -> (Cleared<Write>, Cleared<Write>) {
///     (cleared.clone(), cleared)
/// }
/// ```
/// ```compile_fail,E0382
/// use qrh::action::{Identity, Write};
/// use qrh::guard::Cleared;
/// fn twice(cleared: Cleared<Write>, live: &Identity) {
///     let _ = cleared.redeem(live);
///     let _ = cleared.redeem(live);
/// }
/// ```
/// The same, once, compiles:
/// ```
/// use qrh::action::{Identity, Write};
/// use qrh::guard::Cleared;
/// fn once(cleared: Cleared<Write>, live: &Identity) -> Option<Write> {
///     cleared.redeem(live).ok()
/// }
/// ```
#[derive(Debug, PartialEq)]
pub struct Cleared<T> {
    what: T,
    digest: String,
}

/// The live target is not what was shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the target changed since it was shown ({what}); nothing ran, look again and answer again")]
pub struct Voided {
    pub what: String,
}

/// What an answer permits.
#[derive(Debug, PartialEq)]
pub enum Permission {
    Change(Box<Cleared<Write>>),
    /// A read that nothing enforces: the person vouches for it.
    Read(Admitted),
}

/// The only maker of a clearance.
pub fn clear(proposal: Box<Proposal>, answer: &Answer) -> Result<Permission, (Box<Proposal>, Denied)> {
    if let Err(denied) = judge(&proposal.challenge, answer) {
        return Err((proposal, denied));
    }
    let Proposal { wish, digest, declared, .. } = *proposal;
    if declared {
        return Ok(Permission::Read(admit(wish.write.planned, Hold::DeclaredOnly)));
    }
    Ok(Permission::Change(Box::new(Cleared { what: wish.write, digest })))
}

fn judge(challenge: &Challenge, answer: &Answer) -> Result<(), Denied> {
    if !answer.person {
        return Err(Denied::NoPerson);
    }
    if answer.considered_ms < ARMS_AFTER_MS {
        return Err(Denied::TooEarly);
    }
    let expected = challenge.expected();
    if expected.is_empty() || answer.text != expected {
        return Err(Denied::Wrong);
    }
    let reasoned = answer.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
    match challenge {
        Challenge::Recall { .. } if !reasoned => Err(Denied::NoReason),
        Challenge::Recall { .. } | Challenge::Yes | Challenge::TypeName(_) => Ok(()),
    }
}

impl Cleared<Write> {
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What it is cleared for, to read the live target by.
    pub fn planned(&self) -> &Planned {
        &self.what.planned
    }

    /// Gives up the permission for the change itself, if the live target is still the one that was shown.
    pub fn redeem(self, live: &Identity) -> Result<Write, Voided> {
        if self.what.identity.is_as_shown(live) { Ok(self.what) } else { Err(Voided { what: difference(&self.what.identity, live) }) }
    }
}

fn difference(shown: &Identity, live: &Identity) -> String {
    match (shown, live) {
        (Identity::Cluster(shown), Identity::Cluster(live)) => match (&shown.object, &live.object) {
            (Some(shown), Some(live)) if shown.uid != live.uid => format!("{} {} was replaced by another object", shown.kind, shown.name),
            (Some(shown), Some(live)) => {
                format!("the specification of {} {} was changed by someone else", shown.kind, live.name)
            }
            (Some(shown), None) => format!("{} {} is gone", shown.kind, shown.name),
            (None, _) => "the cluster's connection is another one".to_owned(),
        },
        (Identity::Host(shown), Identity::Host(live)) => match (&shown.process, &live.process) {
            (Some(shown), Some(live)) => format!("process {} became process {}", shown.pid, live.pid),
            (Some(shown), None) => format!("process {} ended", shown.pid),
            (None, Some(live)) => format!("process {} started", live.pid),
            (None, None) => format!("host {} became {}", shown.host, live.host),
        },
        _ => "it is another kind of target".to_owned(),
    }
}

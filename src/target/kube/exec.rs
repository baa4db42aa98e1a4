//! A program inside a container, over a WebSocket. It counts as a change: nobody knows what it does.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{Api, AttachParams, AttachedProcess};
use tokio::io::AsyncReadExt;

use super::change::changed;
use super::fault::{Answer, Author, Cause, Fault, cause};
use super::hold::Allows;
use super::identity::pod_for;
use super::wire::{Ask, Session, identity};
use super::{Outcome, table};
use crate::action::Ending;
use crate::action::identity::ObjectIdentity;
use crate::action::kube::{Exec, change};
use crate::target::stream::{Collector, Origin};

/// Read from the WebSocket before the lines are taken.
const BUFFER: usize = 64 * 1024;

pub(super) async fn run(
    session: &Session<'_>,
    target: &Exec,
    expected: Option<&ObjectIdentity>,
    lines: &mut Collector,
) -> Result<Outcome, Fault> {
    if target.argv.is_empty() {
        return Err(Fault::refused("exec needs a program to run; add it to argv"));
    }
    let pod = pod_for(session, target.pod.as_deref(), target.selector.as_deref()).await?;
    let live = identity("Pod", &pod);
    // The API has no precondition for exec; a pod's uid never comes back, so that looking just before is enough.
    if expected.is_some_and(|expected| expected.uid != live.uid || expected.name != live.name) {
        return Err(changed(&live));
    }
    let containers: Vec<String> = table::array(&pod, "/spec/containers").iter().map(|container| table::text(container, "/name")).collect();
    if let Some(container) = target.container.as_ref().filter(|container| !containers.contains(container)) {
        return Err(Fault::refused(format!("pod {} has no container `{container}`; there is: {}", live.name, containers.join(", "))));
    }
    if let Some(selector) = &target.selector {
        // A word of ours: what the program says stays a document where it is one.
        lines.show(Origin::Stdout, &format!("in pod {}, the first ready one of {selector}", live.name)).await;
    }
    let call = change::exec(target, &live.name, session.namespace());
    let ask = Ask::new(
        format!("run `{}` in pod {}", target.argv.join(" "), live.name),
        format!("create pods/{} --subresource=exec", live.name),
        call,
    );
    let client = session.cluster.client(Allows::Changes).await.map_err(|cause| Fault::new(&ask, cause))?;
    let params = AttachParams {
        container: target.container.clone(),
        max_stdout_buf_size: Some(BUFFER),
        max_stderr_buf_size: Some(BUFFER),
        ..AttachParams::default()
    };
    session.leave();
    let opened = Api::<Pod>::namespaced(client, session.namespace())
        .exec(&live.name, &target.argv, &params.stdin(false).stdout(true).stderr(true))
        .await;
    let outcome = match opened {
        Ok(process) => follow(process, &ask, lines).await,
        Err(error) => Err(Fault::new(&ask, refused(&error)).while_changing()),
    };
    session.settle();
    outcome
}

/// An answer other than the WebSocket's.
fn refused(error: &kube::Error) -> Cause {
    if let kube::Error::Api(status) = error {
        // kube's words for a body that is no `Status`.
        let author = if status.reason == "Failed to parse error data" { Author::Gateway } else { Author::ApiServer };
        let (message, reason) = (status.message.clone(), status.reason.clone());
        return Cause::Answer(Box::new(Answer { code: status.code, message, reason, causes: Vec::new(), retry_after: None, author }));
    }
    if let kube::Error::UpgradeConnection(error) = error {
        return Cause::Garbled(format!("the way to the server doesn't let WebSockets through: {error}"));
    }
    cause(error)
}

/// Streams both outputs to their ends, then reads how the program ended.
async fn follow(mut process: AttachedProcess, ask: &Ask, lines: &mut Collector) -> Result<Outcome, Fault> {
    let (mut out, mut err, status) = (process.stdout(), process.stderr(), process.take_status());
    let (mut out_bytes, mut err_bytes) = (vec![0; BUFFER], vec![0; BUFFER]);
    while out.is_some() || err.is_some() {
        tokio::select! {
            read = read(&mut out, &mut out_bytes), if out.is_some() => match read {
                Some(size) => lines.push(Origin::Stdout, &out_bytes[..size]).await,
                None => out = None,
            },
            read = read(&mut err, &mut err_bytes), if err.is_some() => match read {
                Some(size) => lines.push(Origin::Stderr, &err_bytes[..size]).await,
                None => err = None,
            },
        }
    }
    let status = match status {
        Some(status) => status.await,
        None => None,
    };
    if let Some(status) = status {
        return Ok(ended(&status));
    }
    let why = process.join().await.err().map_or_else(|| "the exit status never came".to_owned(), |error| error.to_string());
    Err(Fault::new(ask, Cause::Lost(why)).while_changing())
}

/// `None` at the end of the stream; a broken one ends too, and the missing status tells it.
async fn read(pipe: &mut Option<impl tokio::io::AsyncRead + Unpin>, bytes: &mut [u8]) -> Option<usize> {
    match pipe {
        Some(pipe) => pipe.read(bytes).await.ok().filter(|size| *size > 0),
        None => None,
    }
}

/// The status the kubelet sends when the program has ended, or could not be started.
fn ended(status: &Status) -> Outcome {
    let message = status.message.clone().unwrap_or_else(|| "the container runtime gave no reason".to_owned());
    let causes = status.details.as_ref().and_then(|details| details.causes.as_ref());
    let code = causes
        .and_then(|causes| causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode")))
        .and_then(|cause| cause.message.as_ref()?.parse().ok());
    let (ending, exit) = match (status.status.as_deref(), code) {
        (Some("Success"), _) => (Ending::Succeeded, Some(0)),
        (_, Some(code)) => (Ending::Failed(format!("it exited {code}")), Some(code)),
        (_, None) => (Ending::Failed(format!("it could not be run: {message}")), None),
    };
    Outcome { ending, exit, out: None, cut_bytes: 0 }
}

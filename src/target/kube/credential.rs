//! Runs an exec credential plugin and gives what it answers. kube has its own runner; this one stands in its place because that one
//! hands the plugin our terminal, runs it up to three times per client, waits for ever, and leaves it running when we stop.

use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use kube::config::AuthInfo;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::connect::Plugin;

/// A plugin that asks a cloud API answers in seconds; one that opens a browser needs a person, and that is not the place for it.
const PLUGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// A credential is a few KiB.
const ANSWER_BYTES: u64 = 1024 * 1024;
/// A credential is renewed this long before it ends.
const RENEW_BEFORE: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// A credential and when it must be asked for again.
pub(super) struct Credential {
    token: Option<String>,
    certificate: Option<(String, String)>,
    pub renew_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<Timestamp>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Credential {
    pub fn fill(self, user: &mut AuthInfo) {
        if let Some(token) = self.token {
            user.token = Some(token.into());
        }
        if let Some((certificate, key)) = self.certificate {
            user.client_certificate_data = Some(base64(&certificate));
            user.client_key_data = Some(base64(&key).into());
        }
    }
}

/// A kubeconfig holds PEM in base64, a plugin answers it bare. The Kubernetes types know the encoding.
fn base64(text: &str) -> String {
    let encoded = serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec()));
    encoded.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The error is what went wrong and what to do, without a subject.
pub(super) async fn ask(plugin: &Plugin) -> Result<Credential, String> {
    let name = &plugin.command;
    if plugin.needs_terminal {
        return Err(format!(
            "the credential plugin `{name}` wants a terminal (interactiveMode: Always); log in with kubectl in another window and use a plugin that keeps the login"
        ));
    }
    let mut child = command(plugin).spawn().map_err(|error| missing(plugin, &error))?;
    let group = Group(child.id());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let run = async {
        let (out, err) = tokio::join!(read(stdout), read(stderr));
        (child.wait().await, out, err)
    };
    let Ok((status, out, err)) = tokio::time::timeout(PLUGIN_TIMEOUT, run).await else {
        return Err(format!(
            "the credential plugin `{name}` gave no answer in {} s and was stopped; run it by hand to see what it waits for",
            PLUGIN_TIMEOUT.as_secs()
        ));
    };
    drop(group);
    let status = status.map_err(|error| format!("the credential plugin `{name}` was lost: {error}; try again"))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&err);
        let said = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing").to_owned();
        return Err(format!("the credential plugin `{name}` failed ({status}): {said}; log in again"));
    }
    parse(name, &out)
}

fn parse(name: &str, out: &[u8]) -> Result<Credential, String> {
    // Its output is a secret: it is not shown, not even when it can't be read.
    let status = serde_json::from_slice::<Answer>(out).ok().and_then(|answer| answer.status);
    let Some(status) = status else {
        return Err(format!("the credential plugin `{name}` did not answer with an ExecCredential; run it by hand to see what it says"));
    };
    let certificate = status.client_certificate_data.zip(status.client_key_data);
    if status.token.is_none() && certificate.is_none() {
        return Err(format!("the credential plugin `{name}` answered with neither a token nor a certificate; log in again"));
    }
    let renew_at = status.expiration_timestamp.map(|end| end.checked_sub(RENEW_BEFORE).unwrap_or(end));
    Ok(Credential { token: status.token, certificate, renew_at })
}

fn missing(plugin: &Plugin, error: &std::io::Error) -> String {
    let hint = plugin
        .install_hint
        .as_deref()
        .map_or_else(|| "install it or correct the kubeconfig".to_owned(), |hint| hint.split_whitespace().collect::<Vec<_>>().join(" "));
    format!("the credential plugin `{}` can't be started: {error}; {hint}", plugin.command)
}

fn command(plugin: &Plugin) -> Command {
    let mut spec = json!({"interactive": false});
    if let Some(cluster) = &plugin.cluster {
        spec["cluster"] = cluster.clone();
    }
    let info = json!({"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec});
    let mut command = Command::new(&plugin.command);
    command.args(&plugin.args).envs(plugin.env.iter().map(|(name, value)| (name, value)));
    for name in &plugin.drop_env {
        command.env_remove(name);
    }
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // A pipe that breaks gives what came: the exit status and the parser tell the rest.
        let _ = pipe.take(ANSWER_BYTES).read_to_end(&mut bytes).await;
    }
    bytes
}

/// Ends the plugin and all it started, whichever way the waiting ends.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.0.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // Gone already is what we want.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

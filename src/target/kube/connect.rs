//! Which cluster: kubeconfig files in, one pinned configuration out. Reads files and nothing else: no call leaves here and no
//! credential plugin runs, so that a console opens while the cluster is away. What is read here is never read again.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{AuthInfo, ExecInteractiveMode, KubeConfigOptions, Kubeconfig};

use super::proxy;
use crate::target::fence::Fence;

/// Where the connection's settings come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Merged as kubectl does: the first file to name a thing wins. Files that don't exist are skipped unless all are missing.
    Kubeconfig(Vec<PathBuf>),
    /// The text of one, which was never a file: a drill's world writes it.
    Text(String),
    /// The service account of the pod qrh runs in. Never guessed: only where the caller asks for it.
    InCluster,
}

impl Source {
    /// `KUBECONFIG` as the environment has it; without it `.kube/config` under the home directory.
    pub fn kubeconfig(env: Option<&OsStr>, home: Option<&Path>) -> Self {
        let listed: Vec<PathBuf> =
            env.map(std::env::split_paths).into_iter().flatten().filter(|path| !path.as_os_str().is_empty()).collect();
        if listed.is_empty() {
            Self::Kubeconfig(home.map(|home| home.join(".kube/config")).into_iter().collect())
        } else {
            Self::Kubeconfig(listed)
        }
    }
}

/// What the caller wants; absent values come from the kubeconfig.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub source: Source,
    pub context: Option<String>,
    pub namespace: Option<String>,
}

/// Why there is no cluster to talk to. Each names the file or context and the next step.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("there is no kubeconfig: looked for {looked}; set KUBECONFIG or copy one there")]
    NoFile { looked: String },
    #[error("{file}: {cause}; fix the file or leave it out of KUBECONFIG")]
    File { file: String, cause: String },
    #[error("no context is chosen in {files}; choose one of: {contexts}")]
    NoContext { files: String, contexts: String },
    #[error("there is no context `{context}` in {files}; there is: {contexts}")]
    UnknownContext { context: String, files: String, contexts: String },
    #[error("context `{context}` in {files} can't be used: {cause}")]
    Context { context: String, files: String, cause: String },
    #[error("`{namespace}` can't be a namespace's name; namespaces are lower-case words joined by `-`")]
    Namespace { namespace: String },
    #[error("this is not a pod with a service account: {cause}; leave out the in-cluster setting to use a kubeconfig")]
    NotInCluster { cause: String },
    #[error("{cause}; context `{context}` is not used")]
    Fenced { context: String, cause: String },
    #[error("the reading of the kubeconfig was interrupted: {cause}; start again")]
    Interrupted { cause: String },
}

/// All that later calls need; edits of the files don't reach it.
#[derive(Debug, Clone)]
pub(super) struct Pinned {
    pub context: String,
    pub namespace: String,
    pub user: Option<String>,
    /// Without the exec plugin's section: [`super::credential`] runs that, so that it has a deadline and never meets the terminal.
    pub config: Config,
    pub plugin: Option<Plugin>,
}

/// An exec credential plugin as the kubeconfig describes it.
#[derive(Debug, Clone)]
pub(super) struct Plugin {
    pub command: String,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub drop_env: Vec<String>,
    pub api_version: String,
    pub install_hint: Option<String>,
    /// It can't work without a terminal of its own.
    pub needs_terminal: bool,
    /// What it is told about the cluster, where it asks for that.
    pub cluster: Option<serde_json::Value>,
}

/// On a thread that may block: a home directory on a slow network drive must not stop the screen.
pub(super) async fn pin(options: ConnectOptions) -> Result<Pinned, ConnectError> {
    let read = tokio::task::spawn_blocking(move || match &options.source {
        Source::InCluster => in_cluster(&options),
        Source::Kubeconfig(files) => {
            let names = list(files.iter().map(|file| file.display().to_string()));
            chosen(merge(files)?, names, &options)
        }
        Source::Text(text) => {
            let names = "the world's kubeconfig".to_owned();
            let read = Kubeconfig::from_yaml(text);
            let read = read.map_err(|error| ConnectError::File { file: names.clone(), cause: one_line(&error.to_string()) })?;
            chosen(read, names, &options)
        }
    });
    read.await.map_err(|error| ConnectError::Interrupted { cause: error.to_string() })?
}

/// Whether a drill may use this: its server within the fence, and nothing on the way there that isn't.
pub(super) fn fenced(pinned: &Pinned, fence: &Fence) -> Result<(), ConnectError> {
    if fence.is_open() {
        return Ok(());
    }
    let refused = |cause: String| Err(ConnectError::Fenced { context: pinned.context.clone(), cause });
    if pinned.plugin.is_some() || pinned.config.auth_info.auth_provider.is_some() {
        return refused("this is a drill, and a credential program is not part of its world".to_owned());
    }
    if pinned.config.proxy_url.is_some() {
        return refused("this is a drill, and a proxy is not part of its world".to_owned());
    }
    match reqwest::Url::parse(&pinned.config.cluster_url.to_string()) {
        Ok(url) => fence.refuses(&url).map_or(Ok(()), refused),
        Err(error) => refused(format!("this is a drill, and its server's address can't be read: {error}")),
    }
}

fn in_cluster(options: &ConnectOptions) -> Result<Pinned, ConnectError> {
    let config = Config::incluster().map_err(|error| ConnectError::NotInCluster { cause: error.to_string() })?;
    let namespace = namespace(options, &config)?;
    Ok(Pinned { context: "in-cluster".to_owned(), namespace, user: None, config: bounded(config), plugin: None })
}

/// The context that is wanted; `names` says where it was read.
fn chosen(merged: Kubeconfig, names: String, options: &ConnectOptions) -> Result<Pinned, ConnectError> {
    let contexts = list(merged.contexts.iter().map(|context| context.name.clone()));
    let chosen = options.context.clone().or_else(|| merged.current_context.clone()).filter(|context| !context.is_empty());
    let Some(context) = chosen else {
        return Err(ConnectError::NoContext { files: names, contexts });
    };
    let Some(found) = merged.contexts.iter().find(|named| named.name == context) else {
        return Err(ConnectError::UnknownContext { context, files: names, contexts });
    };
    let user = found.context.as_ref().and_then(|context| context.user.clone());
    let unusable = |cause: String| ConnectError::Context { context: context.clone(), files: names.clone(), cause };
    if let Some(user) = &user
        && !merged.auth_infos.iter().any(|named| named.name == *user)
    {
        return Err(unusable(format!("it names the user `{user}`, which is not there; add it")));
    }
    let cluster = found.context.as_ref().and_then(|context| merged.clusters.iter().find(|named| named.name == context.cluster));
    let named_proxy = cluster.and_then(|named| named.cluster.as_ref()?.proxy_url.as_ref()).is_some_and(|url| !url.is_empty());
    let choice = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let read = tokio::runtime::Handle::current().block_on(Config::from_custom_kubeconfig(merged, &choice));
    let mut config = read.map_err(|error| unusable(format!("{}; fix it there", one_line(&error.to_string()))))?;
    proxied(&mut config, named_proxy);
    let mut config = bounded(config);
    let plugin = plugin(&mut config).map_err(unusable)?;
    Ok(Pinned { namespace: namespace(options, &config)?, context, user, config, plugin })
}

fn merge(files: &[PathBuf]) -> Result<Kubeconfig, ConnectError> {
    let present: Vec<&PathBuf> = files.iter().filter(|file| file.exists()).collect();
    if present.is_empty() {
        return Err(ConnectError::NoFile { looked: list(files.iter().map(|file| file.display().to_string())) });
    }
    present.into_iter().try_fold(Kubeconfig::default(), |merged, file| {
        let broken = |error: kube::config::KubeconfigError| ConnectError::File {
            file: file.display().to_string(),
            cause: one_line(&error.to_string()),
        };
        merged.merge(Kubeconfig::read_from(file).map_err(broken)?).map_err(broken)
    })
}

fn namespace(options: &ConnectOptions, config: &Config) -> Result<String, ConnectError> {
    let namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    if crate::action::kube::resource::is_name(&namespace) { Ok(namespace) } else { Err(ConnectError::Namespace { namespace }) }
}

/// kube's own retries answer 429 and 503 with up to 15 tries, changes included: they are off, and qrh decides.
/// Reads have their own deadline in [`super::wire`]; a read timeout here would also end a followed log that is quiet.
fn bounded(mut config: Config) -> Config {
    config.default_retry = false;
    config.connect_timeout = Some(super::CONNECT_TIMEOUT);
    config.read_timeout = None;
    if config.cluster_url.scheme() == Some(&http::uri::Scheme::HTTP) {
        // No certificate is checked (kubectl proxy): a machine without a CA bundle can still use it.
        config.root_cert.get_or_insert_default();
        // kubectl keeps credentials from plain HTTP; to this machine they leave no wire.
        if !proxy::is_this_machine(&config.cluster_url) {
            config.auth_info = AuthInfo::default();
        }
    }
    config
}

/// A proxy the kubeconfig names is used as it stands; one that kube took from the environment may have to be gone around.
fn proxied(config: &mut Config, named: bool) {
    let no_proxy = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    if !named && proxy::is_direct(&config.cluster_url, &no_proxy) {
        config.proxy_url = None;
    }
}

/// Takes the exec section out of the configuration.
fn plugin(config: &mut Config) -> Result<Option<Plugin>, String> {
    if let Some(provider) = &config.auth_info.auth_provider
        && provider.name != "oidc"
    {
        return Err(format!("its user has the auth-provider `{}`, which kubectl removed in 1.26; use an exec plugin", provider.name));
    }
    let Some(exec) = config.auth_info.exec.take() else { return Ok(None) };
    let command = exec.command.filter(|command| !command.is_empty()).ok_or("its user has an exec section without a command; add it")?;
    let pair = |map: &std::collections::HashMap<String, String>| Some((map.get("name")?.clone(), map.get("value")?.clone()));
    Ok(Some(Plugin {
        command,
        args: exec.args.unwrap_or_default(),
        env: exec.env.unwrap_or_default().iter().filter_map(pair).collect(),
        drop_env: exec.drop_env.unwrap_or_default(),
        api_version: exec.api_version.unwrap_or_else(|| "client.authentication.k8s.io/v1".to_owned()),
        install_hint: exec.install_hint,
        needs_terminal: exec.interactive_mode == Some(ExecInteractiveMode::Always),
        cluster: exec.cluster.and_then(|cluster| serde_json::to_value(cluster).ok()),
    }))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

/// Parsers draw their errors over several lines, with what stands in the file: one is enough, and it is cleaned and redacted.
fn one_line(text: &str) -> String {
    crate::guard::ingest::text(text).lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it can't be read").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_does_not_cross_the_network_in_plain_text() {
        for (server, keeps) in [("http://10.0.0.1:8080", false), ("http://127.0.0.1:8001", true), ("https://10.0.0.1:6443", true)] {
            let mut config = Config::new(server.parse().unwrap());
            config.auth_info.token = Some("t".to_owned().into());
            let config = bounded(config);
            assert_eq!(config.auth_info.token.is_some(), keeps, "{server}");
            assert!(!config.default_retry && config.read_timeout.is_none());
        }
    }
}

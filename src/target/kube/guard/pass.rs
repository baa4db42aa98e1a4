//! What passes the API guard. The read client below it refuses every change once more ([`super::super::hold`]); here stands what only
//! matters for a program of someone else: secrets and impersonation.

use http::{HeaderMap, Request, header};

use crate::target::kube::hold::{self, Allows};

/// What helm names the Secrets it keeps its releases in, and the label it finds them by.
const RELEASES: (&str, &str) = ("sh.helm.release.v1.", "owner=helm");

/// Whether a program may read Secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Only those that hold helm's releases: without them helm can't even list.
    Releases,
    /// The command says `reads_secrets: true`.
    All,
}

/// Why a request does not pass, in words that follow "refused".
pub(super) fn judge<B>(request: &Request<B>, secrets: Secrets) -> Result<(), String> {
    if request.headers().keys().any(|name| name.as_str().starts_with("impersonate-")) {
        return Err("acting as another user (--as)".to_owned());
    }
    let path = request.uri().path();
    if let Some(why) = hold::refusal(Allows::Reads, request) {
        return Err(why);
    }
    if secrets == Secrets::Releases && reads_secrets(path) && !is_release(path, request.uri().query().unwrap_or_default()) {
        return Err("reading Secrets; the command has to say that it does".to_owned());
    }
    Ok(())
}

/// Headers of the request that go on; all others, credentials first, stay behind.
pub(super) fn headers(from: &HeaderMap) -> HeaderMap {
    [header::ACCEPT, header::CONTENT_TYPE, header::USER_AGENT]
        .into_iter()
        .filter_map(|name| Some((name.clone(), from.get(&name)?.clone())))
        .collect()
}

/// `…/secrets` and `…/secrets/NAME` of the core group, in one namespace or all, and the old form with `watch/`.
fn reads_secrets(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    segments.next() == Some("api") && segments.any(|segment| segment == "secrets")
}

fn is_release(path: &str, query: &str) -> bool {
    let (prefix, label) = RELEASES;
    let name = path.rsplit_once("/secrets/").map(|(_, name)| name);
    match name {
        Some(name) => name.starts_with(prefix) && !name.contains('/'),
        None => form_urlencoded::parse(query.as_bytes())
            .any(|(key, value)| key == "labelSelector" && value.split(',').any(|selector| selector == label)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(method: &str, target: &str, secrets: Secrets) -> bool {
        judge(&Request::builder().method(method).uri(target).body(()).unwrap(), secrets).is_ok()
    }

    #[test]
    fn what_the_read_client_refuses_is_refused_before_it() {
        for (method, path) in [
            ("POST", "/api/v1/namespaces/shop/pods?dryRun=All"),
            ("DELETE", "/api/v1/namespaces/shop/pods/web"),
            ("GET", "/api/v1/namespaces/shop/pods/web/exec?command=sh"),
            ("GET", "/logs"),
        ] {
            assert!(!passes(method, path, Secrets::All), "{method} {path}");
        }
        assert!(passes("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", Secrets::Releases));
    }

    #[test]
    fn secrets_need_a_word_of_the_command() {
        let secrets = [
            "/api/v1/secrets",
            "/api/v1/namespaces/shop/secrets",
            "/api/v1/namespaces/shop/secrets/db",
            "/api/v1/watch/namespaces/shop/secrets/db",
            "/api/v1/namespaces/shop/secrets?labelSelector=owner%3Dhelmet",
            "/api/v1/namespaces/shop/secrets?fieldSelector=owner%3Dhelm",
            "/api/v1/namespaces/shop/secrets/db?labelSelector=owner%3Dhelm",
            "/api/v1/namespaces/shop/secrets/db/sh.helm.release.v1.web",
        ];
        for path in secrets {
            assert!(!passes("GET", path, Secrets::Releases), "{path}");
            assert!(passes("GET", path, Secrets::All), "{path}");
        }
        for path in [
            "/api/v1/secrets?labelSelector=owner%3Dhelm%2Cstatus%21%3Dsuperseded",
            "/api/v1/namespaces/shop/secrets/sh.helm.release.v1.checkout.v3",
            "/api/v1/namespaces/shop/configmaps/secrets-of-success",
        ] {
            assert!(passes("GET", path, Secrets::Releases), "{path}");
        }
    }

    #[test]
    fn nobody_acts_as_another_and_no_credential_goes_on() {
        let request = Request::get("/api/v1/pods")
            .header("Impersonate-User", "admin")
            .header("Authorization", "Bearer x")
            .header("Cookie", "a=b")
            .header("Accept", "application/json");
        let request = request.body(()).unwrap();
        assert!(judge(&request, Secrets::All).is_err());
        assert_eq!(headers(request.headers()).len(), 1);
    }
}

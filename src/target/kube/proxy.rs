//! When a proxy of the environment is gone around, as kubectl does it (Go's `httpproxy`). kube takes `HTTPS_PROXY` for plain HTTP and
//! for this machine too, and holds `NO_PROXY` against the proxy's own name: a cluster kubectl reaches would not be reached.

use std::net::IpAddr;

use http::Uri;

/// Whether requests to this server go straight to it. `no_proxy` is the variable's text.
pub(super) fn is_direct(server: &Uri, no_proxy: &str) -> bool {
    let host = host(server);
    if server.scheme() == Some(&http::uri::Scheme::HTTP) || is_this_machine(server) {
        return true;
    }
    let port = server.port_u16().unwrap_or(443);
    no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| matches(entry, host, port))
}

/// `localhost` and the loopback addresses.
pub(super) fn is_this_machine(server: &Uri) -> bool {
    let host = host(server);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn host(server: &Uri) -> &str {
    server.host().unwrap_or_default().trim_matches(['[', ']'])
}

/// `*`, an address, a block (`10.0.0.0/8`), a name with all below it, `.name` for those below it only; each but a block with `:port`.
fn matches(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, length)) = entry.split_once('/') {
        return is_within(host, network, length);
    }
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, wanted)) if !name.contains(':') => (name, wanted.parse().ok()),
        _ => (entry, None),
    };
    if wanted.is_some_and(|wanted: u16| wanted != port) {
        return false;
    }
    let (name, host) = (name.trim_start_matches('*').to_ascii_lowercase(), host.to_ascii_lowercase());
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(&name),
        None => host == name || host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.')),
    }
}

fn is_within(host: &str, network: &str, length: &str) -> bool {
    let (Ok(host), Ok(network), Ok(length)) = (host.parse::<IpAddr>(), network.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    let (host, network, width) = match (host, network) {
        (IpAddr::V4(host), IpAddr::V4(network)) => (u128::from(u32::from(host)), u128::from(u32::from(network)), 32),
        (IpAddr::V6(host), IpAddr::V6(network)) => (u128::from(host), u128::from(network), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    // A shift by the whole width is no shift: `/0` holds every address.
    length <= width && (length == 0 || (host ^ network).checked_shr(width - length).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(server: &str, no_proxy: &str) -> bool {
        is_direct(&server.parse().unwrap(), no_proxy)
    }

    #[test]
    fn a_proxy_is_gone_around_where_kubectl_does() {
        for (server, no_proxy) in [
            ("https://127.0.0.1:6443", ""),
            ("https://[::1]:6443", ""),
            ("https://localhost:6443", ""),
            ("http://10.0.0.1", ""),
            ("https://k8s.corp.example", "*"),
            ("https://k8s.corp.example", "other, corp.example"),
            ("https://k8s.corp.example", ".corp.example"),
            ("https://k8s.corp.example:6443", "k8s.corp.example:6443"),
            ("https://10.20.30.40:6443", "10.0.0.0/8"),
            ("https://10.20.30.40:6443", "10.20.30.40"),
            ("https://[fd00::1]:6443", "fd00::/8"),
        ] {
            assert!(direct(server, no_proxy), "{server} {no_proxy}");
        }
        for (server, no_proxy) in [
            ("https://k8s.corp.example", ""),
            ("https://k8s.notcorp.example", "corp.example"),
            ("https://corp.example", ".corp.example"),
            ("https://k8s.corp.example:6443", "k8s.corp.example:443"),
            ("https://11.20.30.40", "10.0.0.0/8"),
            ("https://11.20.30.40", "10.0.0.0/99"),
            ("https://11.20.30.40", "fd00::/8"),
        ] {
            assert!(!direct(server, no_proxy), "{server} {no_proxy}");
        }
    }
}

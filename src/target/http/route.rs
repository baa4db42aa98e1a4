//! Which connection a request takes: straight or by the system's proxy, with the machine's trusted certificates or without any. Each is
//! made when it is first needed: reading the certificates takes time, and a machine that has none can still speak plain HTTP.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, Url};

/// Name, TCP and TLS together.
pub const CONNECT: Duration = Duration::from_secs(5);

type Built = OnceLock<Result<Client, String>>;

#[derive(Debug, Default)]
pub struct Routes {
    loopback_plain: Built,
    loopback: Built,
    outside_plain: Built,
    outside: Built,
}

#[derive(Clone, Copy)]
enum Trust {
    Machine,
    Nothing,
}

#[derive(Clone, Copy)]
enum Proxy {
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    System,
    Never,
}

impl Routes {
    /// A loopback address never goes to a proxy, whatever `NO_PROXY` says: it would be the proxy's own.
    pub fn client(&self, url: &Url) -> Result<&Client, String> {
        let built = match (is_loopback(url), url.scheme()) {
            (true, "http") => self.loopback_plain.get_or_init(|| build(Trust::Nothing, Proxy::Never)),
            (true, _) => self.loopback.get_or_init(|| build(Trust::Machine, Proxy::Never)),
            // The proxy itself may be an https one.
            (false, "http") => {
                self.outside_plain.get_or_init(|| build(Trust::Machine, Proxy::System).or_else(|_| build(Trust::Nothing, Proxy::System)))
            }
            (false, _) => self.outside.get_or_init(|| build(Trust::Machine, Proxy::System)),
        };
        built.as_ref().map_err(Clone::clone)
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).trim_end_matches('.');
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost"),
    }
}

fn build(trust: Trust, proxy: Proxy) -> Result<Client, String> {
    // reqwest panics without a provider; one that another client installed is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("qrh/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(0);
    if matches!(proxy, Proxy::Never) {
        builder = builder.no_proxy();
    }
    if matches!(trust, Trust::Nothing) {
        builder = builder.tls_certs_only([]);
    }
    builder
        .build()
        .map_err(|error| format!("HTTPS can't be used here: {}. Install the ca-certificates package", super::cause::chain(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_in_every_spelling() {
        for text in [
            "http://localhost:9090",
            "http://LOCALHOST/",
            "http://api.localhost/",
            "http://127.8.9.1/",
            "http://[::1]:80/",
            "http://[::ffff:127.0.0.1]/",
            "http://2130706433/",
        ] {
            assert!(is_loopback(&Url::parse(text).unwrap()), "{text}");
        }
        for text in ["http://localhost.example.com/", "http://10.0.0.1/", "http://127.0.0.1.nip.io/", "http://notlocalhost/"] {
            assert!(!is_loopback(&Url::parse(text).unwrap()), "{text}");
        }
    }
}

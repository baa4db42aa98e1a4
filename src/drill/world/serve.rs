//! The door: TLS on loopback, HTTP/1.1, one task a connection. The certificate is made anew for each world and known only by its kubeconfig.

use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::{Error, Shared, api};

/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 4096;

/// A TLS server for 127.0.0.1, and the PEM of the authority that vouches for it.
pub fn tls() -> Result<(TlsAcceptor, String), Error> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "qrh world");
    let root = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
    leaf.distinguished_name.push(DnType::CommonName, "qrh world API");
    let certificate = leaf.signed_by(&key, &issuer)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), root.pem()))
}

pub async fn accept(shared: Arc<Shared>, listener: TcpListener, acceptor: TlsAcceptor) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        // A connection that was gone before it was taken is nobody's error.
        let Ok((connection, _)) = accepted else { continue };
        let (shared, acceptor) = (shared.clone(), acceptor.clone());
        shared.tasks.clone().spawn(async move {
            tokio::select! {
                () = talk(shared.clone(), connection, acceptor) => {}
                () = shared.stop.cancelled() => {}
            }
            drop(place);
        });
    }
}

async fn talk(shared: Arc<Shared>, connection: TcpStream, acceptor: TlsAcceptor) {
    let _ = connection.set_nodelay(true);
    let Ok(secured) = acceptor.accept(connection).await else { return };
    let service = service_fn(move |request| api::serve(shared.clone(), request));
    // What the other side did to the connection is its own affair; the next request comes on a new one.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(secured), service).with_upgrades().await;
}

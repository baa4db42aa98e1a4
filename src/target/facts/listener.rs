//! Who waits at the service's port: `{port, listening, accept_queue}`. Connections that were not accepted yet show a blocked event loop
//! before any metric does. The queue of `/proc/net/tcp` is that of this network namespace. Parsing is pure.

use serde_json::{Value, json};

use super::read;

pub fn describe(port: u16) -> Result<Value, String> {
    let four = read("/proc/net/tcp")?;
    // Without IPv6 there is no such file.
    let six = read("/proc/net/tcp6").unwrap_or_default();
    let queues: Vec<u64> = four.lines().chain(six.lines()).filter_map(|line| queue(line, port)).collect();
    Ok(json!({ "port": port, "listening": !queues.is_empty(), "accept_queue": queues.iter().sum::<u64>() }))
}

/// The connections waiting, where this line is a socket that listens (state `0A`) at the port.
fn queue(line: &str, port: u16) -> Option<u64> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, _remote, state, queues) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let at = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
    (at == port && state == "0A").then(|| u64::from_str_radix(queues.split_once(':')?.1, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_listening_socket_at_the_port_counts() {
        let line =
            "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000005 00:00000000 00000000";
        assert_eq!(queue(line, 8080), Some(5));
        assert_eq!(queue(line, 8081), None);
        assert_eq!(queue(&line.replace(" 0A ", " 01 "), 8080), None);
        assert_eq!(queue("  sl  local_address rem_address   st tx_queue rx_queue", 8080), None);
        assert_eq!(queue("", 8080), None);
    }

    #[test]
    fn a_real_listener_is_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let _waiting = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert_eq!(describe(port).unwrap(), json!({"port": port, "listening": true, "accept_queue": 1}));
        drop(listener);
        assert_eq!(describe(port).unwrap()["listening"], false);
    }
}

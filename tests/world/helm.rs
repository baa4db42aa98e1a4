//! Real helm reads the release that the world keeps in Secrets.

use crate::ground::{Ground, tool, words};

#[test]
fn helm_reads_the_release() {
    let helm = tool("QRH_TEST_HELM", "helm");
    let ground = Ground::new();
    // Secrets are not for the viewer; the admin may read them.
    for (line, text) in [
        ("--kube-context world-admin list -n shop", "checkout-1.4.2"),
        ("--kube-context world-admin status checkout -n shop", "STATUS: deployed"),
        ("--kube-context world-admin history checkout -n shop", "superseded"),
    ] {
        let output = ground.run(&helm, &words(line));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains(text), "helm {line}\n{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    let refused = ground.run(&helm, &words("--kube-context world-viewer list -n shop"));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("cannot list resource \"secrets\""));
}

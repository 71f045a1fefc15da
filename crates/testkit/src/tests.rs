//! The harness itself: what a real sshd accepts and refuses by a certificate of ssh-keygen's.

use std::sync::Arc;

use agent::{Helper, HelperClient, HelperSocket};

use crate::{Certify, Machine, SeededRandom, Sshd, SshdOptions, SystemClock};

const PTY: &[&str] = &["permit-pty"];

/// A machine with a CA, a key, and a certificate for the key.
async fn machine(principals: &str, validity: &str) -> Machine {
    let machine = Machine::with_agent().await.unwrap();
    machine.keygen("ed25519", "ca").await.unwrap();
    machine.keygen("ed25519", "k").await.unwrap();
    let certify = Certify { ca: "ca", key: "k", principals, validity, options: PTY };
    machine.certify(certify).await.unwrap();
    machine
}

async fn scoped(machine: &Machine, host: &str) -> Sshd {
    Sshd::start(&SshdOptions::scoped(host, machine.read("ca.pub").unwrap()).unwrap()).await.unwrap()
}

/// The account that runs these tests.
async fn login() -> String {
    Machine::new().unwrap().run("id", &["-un"]).await.unwrap().ok().unwrap().trim().to_owned()
}

fn by_key_file(machine: &Machine) -> String {
    format!("IdentitiesOnly yes\nIdentityFile {0}/k\nCertificateFile {0}/k-cert.pub", machine.dir().display())
}

#[tokio::test]
async fn a_scoped_host_accepts_its_own_principal_only() {
    let machine = machine(&format!("{}@web-1", login().await), "-30s:+5m").await;
    let (web_1, web_2) = (scoped(&machine, "web-1").await, scoped(&machine, "web-2").await);
    machine.configure(&by_key_file(&machine), &[("web-1", &web_1), ("web-2", &web_2)]).unwrap();
    assert_eq!(machine.ssh(&["web-1", "echo in"]).await.unwrap().ok().unwrap(), "in\n");
    let refused = machine.ssh(&["web-2", "echo in"]).await.unwrap();
    assert_eq!(refused.code, Some(255));
    web_2.logged("Certificate does not contain an authorized principal").await.unwrap();
}

#[tokio::test]
async fn a_plain_host_accepts_the_login_as_principal() {
    let machine = machine(&login().await, "-30s:+5m").await;
    let sshd = Sshd::start(&SshdOptions::plain(machine.read("ca.pub").unwrap())).await.unwrap();
    machine.configure(&by_key_file(&machine), &[("web-1", &sshd)]).unwrap();
    assert_eq!(machine.ssh(&["web-1", "echo in"]).await.unwrap().ok().unwrap(), "in\n");
}

#[tokio::test]
async fn an_expired_certificate_and_another_ca_are_refused() {
    let principal = format!("{}@web-1", login().await);
    let machine = machine(&principal, "-30s:-1s").await;
    let sshd = scoped(&machine, "web-1").await;
    machine.configure(&by_key_file(&machine), &[("web-1", &sshd)]).unwrap();
    assert!(!machine.ssh(&["web-1", "true"]).await.unwrap().succeeded());
    sshd.logged("Certificate invalid: expired").await.unwrap();

    machine.keygen("ed25519", "other-ca").await.unwrap();
    let other = Certify { ca: "other-ca", key: "k", principals: &principal, validity: "-30s:+5m", options: PTY };
    machine.certify(other).await.unwrap();
    assert!(!machine.ssh(&["web-1", "true"]).await.unwrap().succeeded());
}

#[tokio::test]
async fn fido_keys_log_in_from_the_agent_and_from_a_file() {
    let principal = format!("{}@web-1", login().await);
    let machine = machine(&principal, "-30s:+5m").await;
    let sshd = scoped(&machine, "web-1").await;
    for kind in ["ed25519-sk", "ecdsa-sk"] {
        machine.keygen(kind, kind).await.unwrap();
        let certify = Certify { ca: "ca", key: kind, principals: &principal, validity: "-30s:+5m", options: &[] };
        machine.certify(certify).await.unwrap();
        let identity = format!("{}/{kind}", machine.dir().display());
        let by_file = format!(
            "SecurityKeyProvider {}\nIdentitiesOnly yes\nIdentityFile {identity}\nCertificateFile {identity}-cert.pub",
            crate::SK_DUMMY
        );
        machine.configure(&by_file, &[("web-1", &sshd)]).unwrap();
        machine.ssh(&["web-1", "true"]).await.unwrap().ok().unwrap();

        machine.run("ssh-add", &["-q", kind]).await.unwrap().ok().unwrap();
        std::fs::remove_file(machine.path(kind)).unwrap();
        let by_agent = format!("IdentitiesOnly yes\nIdentityFile {identity}.pub\nCertificateFile {identity}-cert.pub");
        machine.configure(&by_agent, &[("web-1", &sshd)]).unwrap();
        machine.ssh(&["web-1", "true"]).await.unwrap().ok().unwrap();
    }
}

#[tokio::test]
async fn plain_ssh_signs_with_the_client_helper() {
    let machine = Machine::with_agent().await.unwrap();
    machine.keygen("ed25519", "ca").await.unwrap();
    let socket = machine.path("hallpass/helper.sock");
    let helper = Helper::new(Arc::new(SystemClock::new()), Arc::new(SeededRandom::new(1)));
    tokio::spawn(helper.serve(HelperSocket::bind(&socket).unwrap(), std::future::pending()));
    let client = HelperClient::connect(&socket).await.unwrap();
    let key = client.create_key(&"prod".parse().unwrap()).await.unwrap();

    machine.write("k.pub", format!("{key}\n")).unwrap();
    let principals = format!("{0}@web-1,{0}@bastion", login().await);
    let options = &["permit-port-forwarding"];
    let certify = Certify { ca: "ca", key: "k", principals: &principals, validity: "-30s:+5m", options };
    machine.certify(certify).await.unwrap();
    let (web_1, bastion) = (scoped(&machine, "web-1").await, scoped(&machine, "bastion").await);
    let block = format!(
        "Match host web-1,bastion exec \"true\"\n    IdentityAgent {}\n    IdentitiesOnly yes\n    \
         IdentityFile {1}/k.pub\n    CertificateFile {1}/k-cert.pub",
        socket.display(),
        machine.dir().display()
    );
    machine.configure(&block, &[("web-1", &web_1), ("bastion", &bastion)]).unwrap();

    assert_eq!(machine.ssh(&["web-1", "echo in"]).await.unwrap().ok().unwrap(), "in\n");
    assert_eq!(machine.ssh(&["-J", "bastion", "web-1", "echo in"]).await.unwrap().ok().unwrap(), "in\n");
    machine.write("sent", "text").unwrap();
    let received = format!("web-1:{}", machine.path("received").display());
    machine.with_config("scp", &["-q", "sent", &received]).await.unwrap().ok().unwrap();
    assert_eq!(machine.read("received").unwrap(), "text");
    assert!(machine.identities().await.unwrap().is_empty(), "the user's own agent holds nothing of ours");

    // With -A ssh forwards the helper: the host sees an agent that does nothing for it.
    let forwarding = Certify { options: &["permit-agent-forwarding"], ..certify };
    machine.certify(forwarding).await.unwrap();
    let listed = machine.ssh(&["-A", "web-1", "ssh-add -l"]).await.unwrap();
    assert!(!listed.succeeded() && !listed.out.contains("SHA256"), "{listed:?}");
}

#[tokio::test]
async fn a_wrong_configuration_is_told_with_sshds_own_words() {
    let error = Sshd::start(&SshdOptions::plain("").with("NoSuchKeyword yes")).await.unwrap_err().to_string();
    assert!(error.contains("NoSuchKeyword"), "{error}");
}

#[test]
fn a_port_is_given_once_and_is_none_that_connections_take() {
    let ports: std::collections::BTreeSet<u16> = (0..50).map(|_| crate::free_port().unwrap()).collect();
    assert_eq!(ports.len(), 50);
    assert!(ports.iter().all(|port| (20_000..32_000).contains(port)), "{ports:?}");
}

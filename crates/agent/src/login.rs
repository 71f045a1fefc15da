//! What a key signs to log in over SSH, told apart from all else that a key can sign.

use domain::PublicKey;

use crate::message::Reader;

/// `SSH_MSG_USERAUTH_REQUEST` (RFC 4252 section 6).
const USERAUTH_REQUEST: u8 = 50;

/// Whether a key as the protocols write it is this one, or a certificate for it.
pub(crate) fn is_of(blob: &[u8], key: &PublicKey) -> bool {
    blob == key.to_wire()
        || ssh_key::Certificate::from_bytes(blob).is_ok_and(|certificate| certificate.public_key() == key.key_data())
}

/// Whether these bytes are what a login by this key signs (RFC 4252 section 7): the session id, and a request for a
/// connection by a public key; in OpenSSH's own method with the host's key (PROTOCOL).
pub(crate) fn is_login(data: &[u8], key: &PublicKey) -> bool {
    login(data, key).is_some()
}

fn login(data: &[u8], key: &PublicKey) -> Option<()> {
    let mut reader = Reader::new(data);
    let session_id = reader.string()?;
    let kind = reader.u8()?;
    let _login = reader.text()?;
    let service = reader.text()?;
    let method = reader.text()?;
    let signed = reader.u8()?;
    let _algorithm = reader.text()?;
    let blob = reader.string()?;
    let known = match method {
        "publickey" => true,
        "publickey-hostbound-v00@openssh.com" => reader.string().is_some(),
        _ => false,
    };
    reader.end()?;
    let fits = !session_id.is_empty() && kind == USERAUTH_REQUEST && service == "ssh-connection" && signed == 1;
    (known && fits && is_of(blob, key)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    fn key(seed: u8) -> PublicKey {
        PublicKey::ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes())
    }

    fn request(kind: u8, service: &str, method: &str, signed: u8, of: &PublicKey) -> Vec<u8> {
        let message = Message::new(0, 64).string([7; 32]).u8(kind).string("root").string(service).string(method);
        let message = message.u8(signed).string("ssh-ed25519").string(of.to_wire());
        let message = if method.contains("hostbound") { message.string("a host's key") } else { message };
        message.bytes().get(1..).unwrap().to_vec()
    }

    #[test]
    fn logins_by_the_key_are_told_from_all_else() {
        let (own, other) = (key(1), key(2));
        let usual = request(50, "ssh-connection", "publickey", 1, &own);
        assert!(is_login(&usual, &own));
        assert!(is_login(&request(50, "ssh-connection", "publickey-hostbound-v00@openssh.com", 1, &own), &own));
        for (what, data) in [
            ("another key", request(50, "ssh-connection", "publickey", 1, &other)),
            ("another message", request(51, "ssh-connection", "publickey", 1, &own)),
            ("another service", request(50, "ssh-userauth", "publickey", 1, &own)),
            ("another method", request(50, "ssh-connection", "hostbased", 1, &own)),
            ("a question", request(50, "ssh-connection", "publickey", 0, &own)),
            ("more behind it", [&usual[..], &[0]].concat()),
            ("cut off", usual[..usual.len() - 1].to_vec()),
            ("a statement", b"SSHSIG\0\0\0\x0ehallpass-fetch\0\0\0\0\0\0\0\x06sha512\0\0\0\x40".to_vec()),
            ("nothing", Vec::new()),
        ] {
            assert!(!is_login(&data, &own), "{what}");
        }
    }
}

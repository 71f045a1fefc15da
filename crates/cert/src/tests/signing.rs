//! Signing, reading back, and what is refused on the way.

use domain::PublicKey;
use signature::Signer as _;
use ssh_key::private::{EcdsaKeypair, KeypairData};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, PrivateKey, Signature};

use super::{CONNECTING_KEYS, TestCa, connecting_key, draft, serial, time};
use crate::{
    CaSigner, CertError, Certificate, CertificateError, Draft, KeyId, Principal, SignError, ToBeSigned, sign, verify,
};

fn ready(draft: Draft) -> ToBeSigned {
    draft.with_serial(serial(4711), TestCa::from_seed(1).public_key()).unwrap()
}

#[test]
fn a_certificate_says_what_was_drafted() {
    for (name, _) in CONNECTING_KEYS {
        let ca = TestCa::from_seed(1);
        let certificate = sign(&ready(Draft { connecting_key: connecting_key(name), ..draft() }), &ca).unwrap();
        assert_eq!(certificate.serial(), serial(4711));
        assert_eq!(certificate.key_id(), "hallpass:7K3F9-QXMWT:alice:1772377320");
        assert_eq!(certificate.principals(), ["root@web-1.example.com"]);
        assert_eq!(certificate.valid_after(), draft().valid_after);
        assert_eq!(certificate.valid_before(), draft().valid_before);
        let critical: Vec<_> = certificate.critical_options().collect();
        let source = ("source-address", "10.0.0.0/8,2001:db8::/32");
        assert_eq!(critical, [("force-command", "systemctl restart nginx"), source]);
        assert_eq!(certificate.extensions().len(), 5);
        assert_eq!(*certificate.public_key(), connecting_key(name));
        assert_eq!(certificate.ca_key(), ca.public_key());
        certificate.as_ssh_key().verify_signature().unwrap();
        let with_comment = format!("{} alice@laptop\n", certificate.to_openssh());
        assert_eq!(Certificate::from_openssh(&with_comment).unwrap(), certificate);
        assert!(!certificate.to_openssh().contains('\n'));
    }
}

#[test]
fn the_least_draft_makes_a_certificate_that_allows_nothing_besides() {
    let least = Draft { force_command: None, source: None, extensions: [].into(), ..draft() };
    let certificate = sign(&ready(least), &TestCa::from_seed(1)).unwrap();
    assert_eq!(certificate.critical_options().len(), 0);
    assert_eq!(certificate.extensions().len(), 0);
}

#[test]
fn the_same_draft_and_serial_give_the_same_bytes() {
    let first = ready(draft());
    assert_eq!(first.bytes(), ready(draft()).bytes());
    let again = ToBeSigned::from_bytes(first.bytes().to_vec()).unwrap();
    assert_eq!(again, first);
    let ca = TestCa::from_seed(1);
    assert_eq!(sign(&again, &ca).unwrap(), sign(&first, &ca).unwrap());
}

#[test]
fn a_draft_that_contradicts_itself_is_refused() {
    let refused = |draft: Draft| draft.with_serial(serial(1), TestCa::from_seed(1).public_key()).unwrap_err();
    let (after, before) = (draft().valid_after, draft().valid_before);
    assert_eq!(refused(Draft { valid_before: after, ..draft() }), CertError::NeverValid { after, before: after });
    let deadline = time("2026-03-01T14:06:59Z");
    let key_id = KeyId { deadline, ..draft().key_id };
    assert_eq!(refused(Draft { key_id, ..draft() }), CertError::OutlivesDeadline { before, deadline });
    assert_eq!(refused(Draft { verify_required: true, ..draft() }), CertError::CannotVerify("ed25519"));
    let fido = draft().with_serial(serial(1), &connecting_key("ed25519-sk"));
    assert_eq!(fido, Err(CertError::FidoCa("ed25519-sk")));
}

#[test]
fn a_certificate_covers_one_principal_until_its_last_second() {
    let certificate = sign(&ready(draft()), &TestCa::from_seed(1)).unwrap();
    let covers = |principal: &str, now: &str| certificate.covers(&principal.parse().unwrap(), time(now));
    assert!(covers("root@web-1.example.com", "2026-03-01T14:01:30Z"));
    assert!(covers("root@web-1.example.com", "2026-03-01T14:06:59Z"));
    assert!(!covers("root@web-1.example.com", "2026-03-01T14:07:00Z"));
    assert!(!covers("root@web-1.example.com", "2026-03-01T14:01:29Z"));
    assert!(!covers("root@web-2.example.com", "2026-03-01T14:05:00Z"));
    assert!(!covers("deploy@web-1.example.com", "2026-03-01T14:05:00Z"));
    assert!(!covers("root", "2026-03-01T14:05:00Z"));
}

type Answer = Box<dyn Fn(&[u8]) -> Result<Signature, SignError> + Send + Sync>;

/// A CA key of another kind, or one that answers wrongly.
struct AnyCa {
    public: PublicKey,
    answer: Answer,
}

impl AnyCa {
    fn holding(key: PrivateKey) -> Self {
        let public = PublicKey::from_key_data(key.public_key().key_data().clone()).unwrap();
        Self { public, answer: Box::new(move |bytes| Ok(key.try_sign(bytes).unwrap())) }
    }
}

impl CaSigner for AnyCa {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, to_be_signed: &[u8]) -> Result<Signature, SignError> {
        (self.answer)(to_be_signed)
    }
}

#[test]
fn ecdsa_cas_sign_too() {
    let rng = &mut rand::rngs::OsRng;
    let keys: Vec<KeypairData> = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521]
        .into_iter()
        .map(|curve| EcdsaKeypair::random(rng, curve).unwrap().into())
        .collect();
    for key in keys {
        let ca = AnyCa::holding(PrivateKey::new(key, "").unwrap());
        let to_be_signed = draft().with_serial(serial(1), &ca.public).unwrap();
        let certificate = sign(&to_be_signed, &ca).unwrap();
        certificate.as_ssh_key().verify_signature().unwrap();
        verify(&ca.public, to_be_signed.bytes(), certificate.as_ssh_key().signature()).unwrap();
    }
}

#[test]
fn only_the_ca_that_the_bytes_name_may_sign() {
    assert!(matches!(sign(&ready(draft()), &TestCa::from_seed(2)), Err(SignError::OtherCa(_))));
}

#[test]
fn a_signature_of_another_kind_than_the_key_is_refused() {
    let public = TestCa::from_seed(1).public;
    let rsa = |hash| Signature::new(Algorithm::Rsa { hash: Some(hash) }, [0; 384]).unwrap();
    let answer = move |_: &[u8]| Ok(rsa(HashAlg::Sha512));
    let ca = AnyCa { public, answer: Box::new(answer) };
    assert!(matches!(sign(&ready(draft()), &ca), Err(SignError::Algorithm { .. })));
}

#[test]
fn a_key_that_does_not_answer_is_an_error_with_its_cause() {
    let public = TestCa::from_seed(1).public;
    let fingerprint = public.fingerprint();
    let answer = move |_: &[u8]| Err(SignError::NoSignature { ca: fingerprint, cause: "the socket is gone".into() });
    let error = sign(&ready(draft()), &AnyCa { public, answer: Box::new(answer) }).unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the socket is gone");
    assert!(error.to_string().contains("fetch again"));
}

#[test]
fn a_wrong_signature_from_outside_is_found() {
    let (ca, to_be_signed) = (TestCa::from_seed(1), ready(draft()));
    let right = ca.sign(to_be_signed.bytes()).unwrap();
    verify(&ca.public, to_be_signed.bytes(), &right).unwrap();
    let wrong = ca.sign(b"something else").unwrap();
    assert!(matches!(verify(&ca.public, to_be_signed.bytes(), &wrong), Err(SignError::Wrong { .. })));
}

#[test]
fn what_is_no_certificate_of_ours_is_refused_by_name() {
    let refused = |text: &str| Certificate::from_openssh(text).unwrap_err();
    assert_eq!(refused(""), CertificateError::Malformed);
    assert_eq!(refused(&"x ".repeat(10_000)), CertificateError::Malformed);
    assert_eq!(refused(&connecting_key("ed25519").to_string()), CertificateError::Malformed);
    let line = sign(&ready(draft()), &TestCa::from_seed(1)).unwrap();
    let cut = line.to_openssh().split_at(400).0;
    assert_eq!(refused(cut), CertificateError::Malformed);
}

#[test]
fn key_ids_and_principals_have_one_spelling() {
    let shown = "hallpass:7K3F9-QXMWT:alice@example.com:1772377320";
    assert_eq!(shown.parse::<KeyId>().unwrap().to_string(), shown);
    for bad in [
        "",
        "hallpass:7K3F9-QXMWT:alice",
        "hallpass:7k3f9-qxmwt:alice:1",
        "hallpass:7K3F9-QXMWT:alice:01",
        "hallpass:7K3F9-QXMWT:alice:+1",
        "hallpass:7K3F9-QXMWT:alice:1:2",
        "other:7K3F9-QXMWT:alice:1",
        "hallpass:7K3F9-QXMWT:alice:999999999999",
    ] {
        assert!(bad.parse::<KeyId>().is_err(), "{bad}");
    }
    assert!(matches!("root@web-1".parse(), Ok(Principal::Scoped(_))));
    assert!(matches!("root".parse(), Ok(Principal::Plain(_))));
    for bad in ["", "root,admin", "root@web-1@web-2", "root@", "@web-1", "*", "root@web-1,root@web-2"] {
        assert!(bad.parse::<Principal>().is_err(), "{bad}");
    }
}

//! The secret that a receiver knows us by, and the signature made with it.
//!
//! Standard Webhooks 1.0.0, symmetric scheme:
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding as _};
use domain::UnixTime;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use signer::SecretFileError;
use zeroize::Zeroizing;

/// How long a secret may be, in bytes, by the specification.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the secret could not be taken from its file")]
    File(#[from] SecretFileError),
    #[error(
        "{} does not hold a secret on each line, `whsec_` and 24 to 64 bytes in base64; make one with: \
         (umask 077; echo whsec_$(head -c 32 /dev/urandom | base64) > {})",
        .0.display(), .0.display()
    )]
    Form(PathBuf),
}

/// The secrets of a receiver: usually one; while it is exchanged, the new and the old one.
pub(crate) struct Secrets(Vec<Zeroizing<Vec<u8>>>);

impl Secrets {
    /// Reads a file that only its owner can read: a secret on each line.
    pub(crate) fn read(path: &Path) -> Result<Self, SecretError> {
        let bytes = signer::read_secret(path)?;
        let text = str::from_utf8(&bytes).ok();
        text.and_then(Self::parse).ok_or_else(|| SecretError::Form(path.to_owned()))
    }

    fn parse(text: &str) -> Option<Self> {
        let secrets: Option<Vec<_>> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(secret).collect();
        secrets.filter(|secrets| !secrets.is_empty()).map(Self)
    }

    /// The value of `webhook-signature`: one signature for each secret.
    pub(crate) fn sign(&self, id: &str, time: UnixTime, body: &[u8]) -> String {
        let signed = |secret: &Zeroizing<Vec<u8>>| {
            // HMAC takes a key of any length.
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
            mac.update(format!("{id}.{}.", time.seconds()).as_bytes());
            mac.update(body);
            Some(format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes())))
        };
        self.0.iter().filter_map(signed).collect::<Vec<_>>().join(" ")
    }
}

fn secret(line: &str) -> Option<Zeroizing<Vec<u8>>> {
    let secret = Base64::decode_vec(line.strip_prefix("whsec_")?).ok().map(Zeroizing::new)?;
    LENGTHS.contains(&secret.len()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// From the tests of the specification's own JavaScript library, `sign function works`.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn sign(secrets: &str) -> String {
        let time = UnixTime::new(1_614_265_330).unwrap();
        Secrets::parse(secrets).unwrap().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time, br#"{"test": 2432232314}"#)
    }

    #[test]
    fn the_signature_is_that_of_the_specifications_own_library() {
        assert_eq!(sign(SECRET), SIGNATURE);
    }

    #[test]
    fn while_a_secret_is_exchanged_both_sign() {
        let other = format!("whsec_{}", Base64::encode_string(&[7; 32]));
        let both = sign(&format!("{other}\n{SECRET}\n"));
        assert_eq!(both.split(' ').collect::<Vec<_>>(), [sign(&other).as_str(), SIGNATURE]);
    }

    #[test]
    fn what_is_no_secret_or_can_be_read_by_others_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let read = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            Secrets::read(&path).map(drop)
        };
        assert!(read(&format!("{SECRET}\n"), 0o600).is_ok());
        assert!(matches!(read(SECRET, 0o640), Err(SecretError::File(SecretFileError::Exposed { mode: 0o640, .. }))));
        let short = format!("whsec_{}", Base64::encode_string(&[7; 23]));
        let long = format!("whsec_{}", Base64::encode_string(&[7; 65]));
        for bad in ["", "\n", "secret", "whsec_", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &short, &long] {
            let error = read(bad, 0o600).unwrap_err();
            assert!(matches!(error, SecretError::Form(_)), "{bad}");
            assert!(error.to_string().contains("/dev/urandom") && (bad.len() < 8 || !error.to_string().contains(bad)));
        }
    }
}

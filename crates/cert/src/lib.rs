//! OpenSSH user certificates: drafted, made ready for signing, signed through a seam, and re-checked; and the lists that
//! revoke them ([`Krl`]).
//!
//! ```text
//! Draft --with_serial--> ToBeSigned --sign(CaSigner)--> Certificate --to_openssh--> the line in a -cert.pub file
//!   no serial yet          re-decoded, every field        read back by ssh-key's parser,
//!                          compared: the ledger's entry   every field compared again
//! ```
//!
//! The bytes are those of draft-ietf-sshm-cert (OpenSSH's PROTOCOL.certkeys). We encode them ourselves, because the
//! builder in `ssh-key` can drop the list of principals, which makes a certificate for everyone, and validates its
//! output in debug builds only. The same draft and serial always give the same bytes, so that a fetch can be repeated.

mod certificate;
mod decode;
mod draft;
mod encode;
mod krl;
mod reader;
mod sign;
mod summary;
#[cfg(test)]
mod tests;

pub use certificate::{Certificate, CertificateError};
pub use decode::{Field, Mismatch, recheck};
pub use draft::{CertError, Draft, KeyId, KeyIdError, Principal, PrincipalError, ToBeSigned};
pub use krl::{Krl, KrlError, KrlPart, Serials};
pub use sign::{CaSigner, SignError, sign, verify};
pub use ssh_key::Signature;
pub use summary::Summary;

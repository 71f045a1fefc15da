//! OpenSSH certificates: drafted, signed through a seam, and re-checked.

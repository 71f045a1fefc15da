//! Test-only: a manual clock, keys, stores, a private sshd, an in-process server.

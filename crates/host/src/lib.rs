//! hallpass-host: the root-side helper on targets.

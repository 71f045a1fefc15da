//! The append-only Merkle log: entries, tree, checkpoints.

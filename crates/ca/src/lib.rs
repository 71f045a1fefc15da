//! The use cases: how access is asked, approved, signed and stopped.

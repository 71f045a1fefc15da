//! Generated protobuf, and its conversions with named errors.

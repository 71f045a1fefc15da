//! The pinned client channel.

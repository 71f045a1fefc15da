//! Where CA keys live.

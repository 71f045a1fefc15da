//! hallpass: commands, progress, tables.

//! Users, keys, groups and hosts as parsed from their files.

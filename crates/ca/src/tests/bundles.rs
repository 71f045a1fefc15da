//! Bundles under random histories: who puts them in force, and what they do to requests that were approved before.

mod grants;
mod signers;

//! Where a host is reached.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::HostName;

/// Why an address was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an IPv4 or IPv6 address or a lowercase DNS name, without a port")]
pub struct AddressError;

/// An IP address or DNS name, without a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Box<str>);

impl Address {
    /// The address as `ssh` takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&HostName> for Address {
    fn from(name: &HostName) -> Self {
        Self(name.as_str().into())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, AddressError> {
        let fine = given.parse::<IpAddr>().is_ok() || given.parse::<HostName>().is_ok();
        if fine { Ok(Self(given.into())) } else { Err(AddressError) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

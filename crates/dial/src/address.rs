//! Where a server is reached.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use rustls::pki_types::ServerName;

/// Why an address was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no address of a server; give HOST or HOST:PORT, such as ca.example.com, 192.0.2.1:4722 or \
     [2001:db8::1]:4722"
)]
pub struct AddressError(String);

/// A DNS name or IP address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// The DNS name or IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The host as TLS knows it.
    pub(crate) fn server_name(&self) -> Result<ServerName<'static>, AddressError> {
        ServerName::try_from(self.host.clone()).map_err(|_| AddressError(self.to_string()))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Without a port it is [`wire::DEFAULT_PORT`].
    fn from_str(given: &str) -> Result<Self, AddressError> {
        let refused = || AddressError(given.chars().take(64).flat_map(char::escape_default).collect());
        let (host, port) = split(given).ok_or_else(refused)?;
        let port = match port {
            None => wire::DEFAULT_PORT,
            Some(port) => {
                let digits = port.bytes().all(|b| b.is_ascii_digit());
                port.parse().ok().filter(|port| digits && *port != 0).ok_or_else(refused)?
            }
        };
        let address = Self { host: host.to_owned(), port };
        address.server_name().map_err(|_| refused())?;
        Ok(address)
    }
}

/// Host and port; a bare IPv6 address has colons of its own.
fn split(given: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = given.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return if after.is_empty() { Some((host, None)) } else { Some((host, Some(after.strip_prefix(':')?))) };
    }
    if given.parse::<IpAddr>().is_ok() {
        return Some((given, None));
    }
    Some(given.split_once(':').map_or((given, None), |(host, port)| (host, Some(port))))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_people_write_them() {
        for (given, shown) in [
            ("ca.example.com", "ca.example.com:4722"),
            ("ca.example.com:443", "ca.example.com:443"),
            ("localhost", "localhost:4722"),
            ("192.0.2.1", "192.0.2.1:4722"),
            ("192.0.2.1:1", "192.0.2.1:1"),
            ("2001:db8::1", "[2001:db8::1]:4722"),
            ("[2001:db8::1]", "[2001:db8::1]:4722"),
            ("[::1]:99", "[::1]:99"),
        ] {
            let address: Address = given.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["", ":1", "a:0", "a:65536", "a:+1", "a:", "[::1", "[a]:1", "[::1]x", "a b", "a\n", "https://a"] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }
}

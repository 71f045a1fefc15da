//! Networks that a certificate may be used from.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Most networks that one list names: what a certificate has room for.
const MOST: usize = 64;

/// Why a network or a list of them was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not `ADDRESS/BITS`.
    #[error("expected a network such as 10.0.0.0/8 or 2001:db8::/32, or one address")]
    Grammar,
    /// sshd refuses every certificate with such a network.
    #[error("`{given}` has bits beyond its prefix; write {network}")]
    HostBits {
        /// What was written.
        given: String,
        /// The network that it is in.
        network: Network,
    },
    /// sshd looks at such an address as IPv4.
    #[error("`{0}` is IPv4 written as IPv6, which sshd never matches; write it as IPv4")]
    Mapped(String),
    /// Too many for a certificate.
    #[error("{0} networks are too many; {MOST} are the most, so name larger ones")]
    TooMany(usize),
}

/// An IPv4 or IPv6 network, `10.0.0.0/8`; no bits are set beyond its prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// The network of this size that an address is in.
    fn of(address: IpAddr, bits: u8) -> Self {
        let address = match address {
            IpAddr::V4(v4) => {
                IpAddr::V4((v4.to_bits() & u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)).into())
            }
            IpAddr::V6(v6) => {
                IpAddr::V6((v6.to_bits() & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)).into())
            }
        };
        Self { address, bits }
    }

    /// Whether every address of `other` is in this network.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let same_family = self.address.is_ipv4() == other.address.is_ipv4();
        same_family && self.bits <= other.bits && Self::of(other.address, self.bits) == *self
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Takes `ADDRESS/BITS`, or an address alone.
    fn from_str(given: &str) -> Result<Self, NetworkError> {
        let (address, bits) = given.split_once('/').map_or((given, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Grammar)?;
        if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
            return Err(NetworkError::Mapped(given.to_owned()));
        }
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => {
                let parsed: u8 = bits.parse().map_err(|_| NetworkError::Grammar)?;
                if parsed > most || parsed.to_string() != bits {
                    return Err(NetworkError::Grammar);
                }
                parsed
            }
        };
        let network = Self::of(address, bits);
        if network.address == address {
            Ok(network)
        } else {
            Err(NetworkError::HostBits { given: given.to_owned(), network })
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({self})")
    }
}

/// Networks that something may come from: at least one, and none inside of another. In text `10.0.0.0/8, 192.0.2.7/32`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Networks(BTreeSet<Network>);

impl Networks {
    /// These networks, without those that others contain; `None` when there are none.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Option<Self> {
        let all: BTreeSet<Network> = networks.into_iter().collect();
        let inside = |network: &Network| all.iter().any(|other| other != network && other.contains(network));
        let largest: BTreeSet<Network> = all.iter().filter(|network| !inside(network)).copied().collect();
        (!largest.is_empty()).then_some(Self(largest))
    }

    /// As [`Networks::new`], for a list that somebody writes.
    ///
    /// # Errors
    /// When there are too many.
    pub fn listed(networks: Vec<Network>) -> Result<Option<Self>, NetworkError> {
        if networks.len() > MOST { Err(NetworkError::TooMany(networks.len())) } else { Ok(Self::new(networks)) }
    }

    /// Each network, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Network> {
        self.0.iter()
    }

    /// The addresses in both; `None` when there are none. Two networks are apart, or one is inside the other.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let common = |one: &Network, two: &Network| {
            if one.contains(two) { Some(*two) } else { two.contains(one).then_some(*one) }
        };
        Self::new(self.0.iter().flat_map(|one| other.0.iter().filter_map(move |two| common(one, two))))
    }

    /// Whether every network is inside one of the other's.
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        self.0.iter().all(|inner| other.0.iter().any(|outer| outer.contains(inner)))
    }

    /// The value of OpenSSH's `source-address` (PROTOCOL.certkeys): networks separated by commas alone.
    pub fn openssh_value(&self) -> String {
        self.joined(",")
    }

    fn joined(&self, by: &str) -> String {
        self.0.iter().map(Network::to_string).collect::<Vec<_>>().join(by)
    }
}

impl FromStr for Networks {
    type Err = NetworkError;

    /// Takes networks with commas between them.
    fn from_str(given: &str) -> Result<Self, NetworkError> {
        let each = given.split(',').map(|network| network.trim().parse()).collect::<Result<_, _>>()?;
        Self::listed(each)?.ok_or(NetworkError::Grammar)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined(", "))
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Networks({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn networks(text: &str) -> Networks {
        text.parse().unwrap()
    }

    #[test]
    fn networks_read_in_one_spelling_and_addresses_are_networks_of_one() {
        for (given, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(given.parse::<Network>().unwrap().to_string(), shown);
        }
        for bad in
            ["", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0/8", "host", "::/129", "10.0.0.0/", "1.2.3.4/8/8"]
        {
            assert_eq!(bad.parse::<Network>(), Err(NetworkError::Grammar), "{bad}");
        }
        let mistake = "10.1.2.3/8".parse::<Network>().unwrap_err().to_string();
        assert_eq!(mistake, "`10.1.2.3/8` has bits beyond its prefix; write 10.0.0.0/8");
        assert!(matches!("::ffff:10.0.0.0/104".parse::<Network>(), Err(NetworkError::Mapped(_))));
        assert!(matches!(vec!["::1"; 65].join(",").parse::<Networks>(), Err(NetworkError::TooMany(65))));
    }

    #[test]
    fn lists_intersect_network_by_network() {
        for (one, two, both) in [
            ("10.0.0.0/8", "10.1.0.0/16", Some("10.1.0.0/16")),
            ("10.0.0.0/8, 192.0.2.0/24", "192.0.2.128/25, 10.2.0.0/16", Some("10.2.0.0/16, 192.0.2.128/25")),
            ("10.0.0.0/8, 2001:db8::/32", "0.0.0.0/0", Some("10.0.0.0/8")),
            ("10.0.0.0/9", "10.128.0.0/9", None),
            ("0.0.0.0/0", "::/0", None),
        ] {
            assert_eq!(networks(one).intersect(&networks(two)), both.map(networks), "{one} and {two}");
        }
        assert_eq!(
            networks("10.0.0.0/8, 10.1.0.0/16").to_string(),
            "10.0.0.0/8",
            "what is inside of another says nothing"
        );
        assert_eq!(networks("10.0.0.0/8, ::1").openssh_value(), "10.0.0.0/8,::1/128");
    }

    /// Networks close together, so that many are inside of others.
    fn any_networks() -> impl Strategy<Value = Networks> {
        let network = (0..16u32, 26..=32u8).prop_map(|(low, bits)| Network::of(IpAddr::V4((low * 4).into()), bits));
        prop::collection::vec(network, 1..5).prop_map(|all| Networks::new(all).unwrap())
    }

    fn has(networks: &Networks, address: u32) -> bool {
        networks.iter().any(|network| network.contains(&Network::of(IpAddr::V4(address.into()), 32)))
    }

    proptest! {
        #[test]
        fn an_intersection_has_exactly_the_addresses_of_both(one in any_networks(), two in any_networks()) {
            let both = one.intersect(&two);
            for address in 0..80 {
                let in_both = has(&one, address) && has(&two, address);
                prop_assert_eq!(both.as_ref().is_some_and(|both| has(both, address)), in_both, "{}", address);
            }
            prop_assert_eq!(both.clone(), two.intersect(&one));
            prop_assert!(both.is_none_or(|both| both.within(&one) && both.within(&two)));
            prop_assert_eq!(one.to_string().parse::<Networks>(), Ok(one));
        }
    }
}

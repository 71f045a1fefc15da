//! The right edge of an RFC 6962 Merkle tree: enough to append and to know the root.

use domain::Digest;
use sha2::{Digest as _, Sha256};

use crate::codec::{DecodeError, Reader, Writer};

/// The roots of the perfect subtrees that a tree of this size is made of, widest first: one for each bit of the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Digest>,
}

impl Frontier {
    /// An empty tree.
    pub const fn new() -> Self {
        Self { size: 0, subtrees: Vec::new() }
    }

    /// How many leaves there are: also the index of the next entry.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf on the right.
    pub fn append(&mut self, leaf: Digest) {
        let mut root = leaf;
        // Each trailing one of the size is a subtree that is now full together with the new one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                root = node(&left, &root);
            }
        }
        self.subtrees.push(root);
        self.size += 1;
    }

    /// The Merkle tree hash (RFC 6962 section 2.1).
    pub fn root(&self) -> Digest {
        let joined = self.subtrees.iter().rev().copied().reduce(|right, left| node(&left, &right));
        joined.unwrap_or_else(|| Digest::of(b""))
    }

    /// The bytes that are kept with the ledger.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(self.size);
        for subtree in &self.subtrees {
            writer.fixed(subtree.as_bytes());
        }
        writer.done()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// When there is not one subtree for each bit of the size.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let size = reader.number()?;
        let mut subtrees = Vec::new();
        for _ in 0..size.count_ones() {
            subtrees.push(Digest::new(reader.fixed()?));
        }
        reader.end()?;
        Ok(Self { size, subtrees })
    }
}

/// An inner node: `SHA-256(0x01 || left || right)` (RFC 6962 section 2.1).
fn node(left: &Digest, right: &Digest) -> Digest {
    let hash = Sha256::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
    Digest::new(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaf(data: &[u8]) -> Digest {
        Digest::of(&[&[0], data].concat())
    }

    /// The recursive definition of RFC 6962 section 2.1, word by word.
    fn definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [one] => *one,
            many => {
                let split = many.len().next_power_of_two() / 2;
                node(&definition(&many[..split]), &definition(&many[split..]))
            }
        }
    }

    /// The eight leaves and the roots of every prefix that Certificate Transparency's reference implementation tests
    /// with (merkletree/merkle_tree_test.cc).
    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root().to_string(), roots[0]);
        for (data, root) in leaves.into_iter().zip(&roots[1..]) {
            frontier.append(leaf(data));
            assert_eq!(frontier.root().to_string(), *root, "size {}", frontier.size());
        }
    }

    proptest! {
        #[test]
        fn the_right_edge_knows_the_root_of_the_whole(size in 0..600usize) {
            let leaves: Vec<Digest> = (0..size).map(|n| leaf(&n.to_be_bytes())).collect();
            let mut frontier = Frontier::new();
            leaves.iter().for_each(|leaf| frontier.append(*leaf));
            prop_assert_eq!(frontier.root(), definition(&leaves));
            prop_assert_eq!(Frontier::decode(&frontier.encode()), Ok(frontier));
        }
    }

    #[test]
    fn a_frontier_with_a_subtree_too_few_or_too_many_is_refused() {
        let mut frontier = Frontier::new();
        (0u8..7).for_each(|n| frontier.append(leaf(&[n])));
        let bytes = frontier.encode();
        assert_eq!(Frontier::decode(&bytes[..bytes.len() - 32]), Err(DecodeError::Short));
        assert_eq!(Frontier::decode(&[bytes.as_slice(), &[0; 32]].concat()), Err(DecodeError::Long));
        assert_eq!(Frontier::decode(&[]), Err(DecodeError::Short));
    }
}

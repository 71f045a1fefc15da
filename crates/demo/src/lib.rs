//! The whole story on loopback, told in plain words.

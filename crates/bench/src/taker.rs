//! Those who take certificates: users with their keys and grants, and the statements that they sign beforehand.

use cert::CaSigner as _;
use domain::{HostName, Login, Nonce, Pair, PublicKey, RequestId, UnixTime, UserName};
use ed25519_dalek::SigningKey;
use signer::SoftSigner;
use statement::{FetchStatement, Header, Seen, ServerId, SshSig, Statement};
use wire::v1::{FetchRequest, Signed};

use crate::failure::Failure;
use crate::machine::cores;

/// A user with a grant.
pub(crate) struct Taker {
    pub(crate) user: UserName,
    /// Bound to the user.
    pub(crate) user_key: Key,
    /// What certificates certify, and what fetches are signed by.
    pub(crate) connecting_key: Key,
    pub(crate) pair: Pair,
    /// The request that was granted.
    pub(crate) request: RequestId,
    /// The latest checkpoint that this user's client knows.
    pub(crate) seen: Option<Seen>,
}

impl Taker {
    /// A user who has no grant yet, with new keys.
    pub(crate) fn new(user: UserName, login: Login, host: HostName) -> Result<Self, Failure> {
        let request = RequestId::from_random(rand::random());
        let (user_key, connecting_key) = (Key::generate()?, Key::generate()?);
        Ok(Self { user, user_key, connecting_key, pair: Pair { login, host }, request, seen: None })
    }

    /// The same user as the client of another server.
    pub(crate) fn at_another_server(&self) -> Result<Self, Failure> {
        let taker = Self::new(self.user.clone(), self.pair.login.clone(), self.pair.host.clone())?;
        Ok(Self { seen: self.seen.clone(), ..taker })
    }

    fn fetch(&self, server: &ServerId, time: UnixTime) -> Result<FetchRequest, Failure> {
        let header = header(server, time, self.seen.clone());
        let fetch = FetchStatement { header, id: self.request, pairs: self.pair.clone().into() };
        Ok(FetchRequest { statement: Some(self.connecting_key.sign(&fetch)?) })
    }
}

/// An ed25519 key in memory. It signs as the server's own does: no public half is derived for each signature.
pub(crate) struct Key(SoftSigner);

impl Key {
    pub(crate) fn generate() -> Result<Self, Failure> {
        SoftSigner::new(signing_key()).map(Self).map_err(Failure::broken("a new key does not sign"))
    }

    pub(crate) fn public(&self) -> &PublicKey {
        self.0.public_key()
    }

    /// A statement and its signature as they travel.
    pub(crate) fn sign<S: Statement>(&self, statement: &S) -> Result<Signed, Failure> {
        let text = statement.encode();
        let signature = self.0.sign(&statement::to_be_signed(S::KIND, &text));
        let signature = signature.map_err(Failure::broken("a statement was not signed"))?;
        let signature = SshSig::assemble(S::KIND, self.public(), &signature);
        let signature = signature.map_err(Failure::broken("a statement was not signed"))?;
        Ok(Signed { text: text.into_bytes(), signature: signature.into_bytes() })
    }
}

/// A new private key; it lives as long as this process.
pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&rand::random())
}

/// What every statement starts with, with a nonce of its own.
pub(crate) fn header(server: &ServerId, time: UnixTime, seen: Option<Seen>) -> Header {
    Header { server: server.clone(), nonce: Nonce::new(rand::random()), time, seen }
}

/// Wall time.
pub(crate) fn now() -> Result<UnixTime, Failure> {
    let since = std::time::UNIX_EPOCH.elapsed().map_err(Failure::broken("the clock is before 1970"))?;
    UnixTime::new(since.as_secs()).map_err(Failure::broken("the clock is after 9999"))
}

/// So many new fetches, one taker after the other in turn, signed on every core before anything is timed.
pub(crate) fn sign_fetches(takers: &[Taker], server: &ServerId, count: usize) -> Result<Vec<FetchRequest>, Failure> {
    let (workers, time) = (cores(), now()?);
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..workers)
            .map(|worker| {
                let turn = takers.iter().cycle().take(count).skip(worker).step_by(workers);
                scope.spawn(move || turn.map(|taker| taker.fetch(server, time)).collect::<Result<Vec<_>, _>>())
            })
            .collect();
        let mut fetches = Vec::with_capacity(count);
        for part in parts {
            fetches.extend(part.join().map_err(|_| Failure::Broken("signing stopped", "a thread panicked".into()))??);
        }
        Ok(fetches)
    })
}

/// The same on one core, in the order of the takers.
pub(crate) fn sign_fetches_in_turn(
    takers: &[Taker],
    server: &ServerId,
    count: usize,
) -> Result<Vec<FetchRequest>, Failure> {
    let time = now()?;
    takers.iter().cycle().take(count).map(|taker| taker.fetch(server, time)).collect()
}

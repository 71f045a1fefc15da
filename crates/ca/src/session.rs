//! Sessions: a signed login buys a token that only reads and can end itself.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use directory::Right;
use domain::{Digest, UnixTime, UserName};
use statement::LoginStatement;
use store::{EndSessionTx, LoginTx};

use crate::arrive::{kept, signer_is};
use crate::{Ca, Error};

/// A session token: random, shown once, stored hashed.
pub struct Token(zeroize::Zeroizing<String>);

impl Token {
    /// The token as it travels.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What a login gives.
pub struct LoggedIn {
    /// The token.
    pub token: Token,
    /// When it ends.
    pub expires: UnixTime,
}

/// Who calls: an enabled user with a live session. Made by [`Ca::session`] alone.
#[derive(Debug, Clone)]
pub struct Session {
    user: UserName,
    expires: UnixTime,
    hash: Digest,
}

impl Session {
    /// The user.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// When the session ends.
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }
}

impl Ca {
    /// Logs in: a login statement by a key bound to the user, naming the TLS key that the client really saw.
    ///
    /// # Errors
    /// What a statement can be refused for, and [`Error::RelayedLogin`].
    pub async fn login(&self, text: &[u8], signature: &[u8]) -> Result<LoggedIn, Error> {
        let (login, now) = self.arrive::<LoginStatement>(text, signature).await?;
        let said = login.statement();
        if !self.identity.tls_keys.contains(&said.tls_key) {
            return Err(Error::RelayedLogin(said.tls_key));
        }
        let bundle = self.bundle.load();
        signer_is(bundle.directory(), login.key(), &said.user)?;
        let expires =
            now.after(self.limits.session).ok_or(Error::Window("the session would end after the year 9999"))?;
        let (token, token_hash) = self.new_token();
        let user = said.user.clone();
        self.store.record_login(LoginTx { now, statement: kept(&login), user, token_hash, expires }).await?;
        Ok(LoggedIn { token, expires })
    }

    /// Ends the session: the one change that carries no statement.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn logout(&self, session: &Session) -> Result<(), Error> {
        Ok(self.store.end_session(EndSessionTx { token_hash: session.hash }).await?)
    }

    /// The session of a token; its user must still be enabled.
    ///
    /// # Errors
    /// [`Error::NoSession`] for a token that is unknown or over, [`Error::Disabled`].
    pub fn session(&self, token: &str) -> Result<Session, Error> {
        let hash = Digest::of(token.as_bytes());
        let row = self.store.session(hash)?.ok_or(Error::NoSession)?;
        if row.expires <= self.time.wall()? {
            return Err(Error::NoSession);
        }
        if self.bundle.load().directory().is_disabled(&row.user) {
            return Err(Error::Disabled(row.user));
        }
        Ok(Session { user: row.user, expires: row.expires, hash })
    }

    /// Whether the session's user has a right now.
    pub fn has_right(&self, session: &Session, right: Right) -> bool {
        self.bundle.load().directory().has_right(&session.user, right)
    }

    /// Whether the session's user is one of those whose signatures the next bundle needs.
    pub fn signs_bundles(&self, session: &Session) -> bool {
        let in_force = self.bundle.load();
        let signers = in_force.policy().signers();
        signers.is_some_and(|signers| policy::signs(in_force.directory(), signers, &session.user))
    }

    fn new_token(&self) -> (Token, Digest) {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        self.random.fill(&mut *bytes);
        let text = zeroize::Zeroizing::new(Base64UrlUnpadded::encode_string(&*bytes));
        let hash = Digest::of(text.as_bytes());
        (Token(text), hash)
    }
}

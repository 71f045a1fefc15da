//! Asking: a signed request is ruled on at once, and waits for its quorum or is granted.
//!
//! ```text
//! statement ──► its user ──► sensible? ──► policy rules ──► pending, or approved ──► store: request + entry
//! ```

use std::num::NonZeroU32;

use domain::{Event, Obligations, RequestId, Span, Target, UnixTime};
use policy::{Ask, Extending, Keys, Ruling};
use request::{Case, Wanted};
use statement::{Canonical as _, RequestStatement, RulingText, Verified};
use store::{Extended, SubmitTx};

use crate::arrive::{kept, signer_is};
use crate::bundle::InForce;
use crate::read::View;
use crate::record::stored_as;
use crate::{Ca, Error};

/// How far back a start may lie, for clocks that differ.
const FRESH: Span = match Span::from_seconds(60) {
    Ok(span) => span,
    Err(_) => Span::ZERO,
};
/// How far ahead a window may start.
const FARTHEST_START: u64 = 30 * 86_400;

impl Ca {
    /// Takes a request.
    ///
    /// # Errors
    /// What a statement can be refused for, and what policy says.
    pub async fn submit(&self, text: &[u8], signature: &[u8]) -> Result<View, Error> {
        let (asked, now) = self.arrive::<RequestStatement>(text, signature).await?;
        let bundle = self.bundle.load_full();
        let said = asked.statement();
        signer_is(bundle.directory(), asked.key(), &said.requester)?;
        bundle.not_stopped(&said.access.target, now)?;
        // Of a grant that is over the end lies in the past, which says less.
        let extended = self.extended(said, now)?;
        sensible(said, now)?;
        foreign_key(&bundle, said)?;
        canonical(&bundle, said)?;

        let obligations = rule(&bundle, &asked, now)?;
        self.signers.of(obligations.realm.as_ref())?;
        let realm_hosts = realm_hosts(&bundle, &obligations);
        let ruling = RulingText::new(*asked.digest(), bundle.digest(), obligations, realm_hosts)?;
        let id = self.new_request_id();
        if let Some(extended) = &extended {
            self.holds(&Case { id, request: &asked, ruling: &ruling, rebinds: &[] }, extended, &bundle, now)?;
        }
        let quorum = &ruling.obligations().quorum;
        let late = Error::Window("it would be empty, or end after the year 9999");
        let expires = now.after(self.limits.patience).ok_or(Error::Window("the wait would end after the year 9999"))?;
        let wanted = Wanted::of(said, ruling.obligations());
        let state = request::open(quorum, now, self.limits.patience, &wanted).ok_or(late)?;

        let requester = said.requester.clone();
        let owner = bundle.directory().owner_of(&requester).unwrap_or(&requester).clone();
        let pending_limit = self.limits.pending_per_user;
        let mut notify = self.notify(Event::Submit, now, &state);
        notify.escalate = quorum.escalates(said.header.time, said.header.time);
        let (statement, ruling, state) = (kept(&asked), ruling.encode(), stored_as(&state));
        let in_force = bundle.version();
        let extends = extended.map(|record| Extended { id: record.id, version: record.version });
        self.store
            .submit(SubmitTx {
                now,
                statement,
                id,
                requester,
                owner,
                extends,
                ruling,
                expires,
                state,
                pending_limit,
                in_force,
                notify,
            })
            .await?;
        self.view(id)
    }

    fn new_request_id(&self) -> RequestId {
        let mut bits = [0; 8];
        self.random.fill(&mut bits);
        RequestId::from_random(u64::from_le_bytes(bits))
    }
}

/// What policy says of a request under this bundle.
pub(crate) fn rule(bundle: &InForce, asked: &Verified<RequestStatement>, now: UnixTime) -> Result<Obligations, Error> {
    match policy::rule(bundle.policy(), bundle.directory(), &ask(asked), now) {
        Ruling::Permitted(obligations) => Ok(obligations),
        Ruling::Refused(refusal) => Err(Error::Refused(refusal)),
    }
}

/// How many hosts a certificate for the obligations' realm opens its login on; `None` for scoped hosts.
fn realm_hosts(bundle: &InForce, obligations: &Obligations) -> Option<NonZeroU32> {
    let realm = obligations.realm.as_ref()?;
    u32::try_from(bundle.directory().realm_hosts(realm).count()).ok().and_then(NonZeroU32::new)
}

/// What policy is asked.
pub(crate) fn ask(asked: &Verified<RequestStatement>) -> Ask {
    let said = asked.statement();
    Ask {
        requester: said.requester.clone(),
        login: said.access.login.clone(),
        target: said.access.target.clone(),
        window: said.window,
        command: said.command.clone(),
        ticket: said.ticket.clone(),
        rule: said.rule.clone(),
        keys: Some(Keys { signed: asked.strength(), connecting: said.connecting_key.strength() }),
        extends: said.extends.map(|what| Extending { what, start: said.start }),
    }
}

/// Windows that cannot be, and what later releases bring.
fn sensible(said: &RequestStatement, now: UnixTime) -> Result<(), Error> {
    if said.window == Span::ZERO {
        return Err(Error::Window("it has no length; ask for some minutes (--for 30m)"));
    }
    if let Some(start) = said.start {
        if start < now.before(FRESH) {
            return Err(Error::Window("its start is in the past; leave --at out to start with the approval"));
        }
        if start.since(now).seconds() > FARTHEST_START {
            return Err(Error::Window("it starts over 30 days from now; ask nearer to the time"));
        }
    }
    if said.break_glass.is_some() {
        return Err(Error::Unsupported("break-glass is not supported by this server yet; make an ordinary request"));
    }
    Ok(())
}

/// A request names hosts as rulings and certificates do; an alias is for people to type.
fn canonical(bundle: &InForce, said: &RequestStatement) -> Result<(), Error> {
    let Target::Host(given) = &said.access.target else { return Ok(()) };
    match bundle.directory().host(given.as_str()) {
        Some(host) if host.name != *given => Err(Error::Alias { given: given.clone(), canonical: host.name.clone() }),
        _ => Ok(()),
    }
}

/// A connecting key that the directory binds to somebody else would let them fetch.
fn foreign_key(bundle: &InForce, said: &RequestStatement) -> Result<(), Error> {
    let key = &said.connecting_key;
    match bundle.directory().binding(key) {
        Some(binding) if binding.user.name != said.requester => {
            Err(Error::OtherUsersKey { key: key.fingerprint(), named: said.requester.clone() })
        }
        _ => Ok(()),
    }
}

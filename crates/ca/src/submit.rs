//! Asking: a signed request is ruled on at once, and waits for its quorum or is granted.
//!
//! ```text
//! statement ──► its user ──► sensible? ──► policy rules ──► pending, or approved ──► store: request + entry
//!                                 └ break-glass: by what the person owes ────────────────┘ compared
//! ```

use std::num::NonZeroU32;

use domain::{Event, Obligations, Owes, RequestId, Span, Target, UnixTime};
use policy::{Ask, Extending, Keys, Ruling};
use request::{Case, Wanted};
use statement::{Canonical as _, RequestStatement, RulingText, Verified};
use store::{BreakGlass, Extended, StoreError, SubmitTx};

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
/// How often a break-glass is ruled on anew when what its person owes changed while it was worked on.
const AGAIN: usize = 3;
/// How far ahead a window may start.
const FARTHEST_START: u64 = 30 * 86_400;

impl Ca {
    /// Takes a request.
    ///
    /// # Errors
    /// What a statement can be refused for, and what policy says.
    pub async fn submit(&self, text: &[u8], signature: &[u8]) -> Result<View, Error> {
        let (asked, now) = self.arrive::<RequestStatement>(text, signature).await?;
        for _ in 0..AGAIN {
            match self.take(&asked, now).await {
                // Another break-glass of the same person came first, or a review: it is ruled on anew.
                Err(Error::Store(StoreError::OwesChanged)) => {}
                other => return other,
            }
        }
        self.take(&asked, now).await
    }

    async fn take(&self, asked: &Verified<RequestStatement>, now: UnixTime) -> Result<View, Error> {
        let bundle = self.bundle.load_full();
        let said = asked.statement();
        signer_is(bundle.directory(), asked.key(), &said.requester)?;
        bundle.not_stopped(&said.access.target, now)?;
        // Of a grant that is over the end lies in the past, which says less.
        let extended = self.extended(said, now)?;
        sensible(said, now)?;
        foreign_key(&bundle, said)?;
        canonical(&bundle, said)?;

        let owes = match said.break_glass {
            Some(_) => self.owes(&bundle, &said.requester)?,
            None => Owes::Nothing,
        };
        let obligations = rule(&bundle, asked, owes, now)?;
        self.signers.of(obligations.realm.as_ref())?;
        let realm_hosts = realm_hosts(&bundle, &obligations);
        let ruling = RulingText::new(*asked.digest(), bundle.digest(), obligations, realm_hosts)?;
        let id = self.new_request_id();
        if let Some(extended) = &extended {
            self.holds(&Case { id, request: asked, ruling: &ruling, rebinds: &[] }, extended, &bundle, now)?;
        }
        let quorum = &ruling.obligations().quorum;
        let late = Error::Window("it would be empty, or end after the year 9999");
        let expires = now.after(self.limits.patience).ok_or(Error::Window("the wait would end after the year 9999"))?;
        let wanted = Wanted::of(said, ruling.obligations());
        let state = request::open(quorum, now, self.limits.patience, &wanted).ok_or(late)?;

        let requester = said.requester.clone();
        let owner = bundle.directory().owner_of(&requester).unwrap_or(&requester).clone();
        let pending_limit = self.limits.pending_per_user;
        let break_glass = ruling.obligations().break_glass.clone().map(|review| BreakGlass { review, owes });
        let mut notify = self.notify(said.break_glass.map_or(Event::Submit, |_| Event::BreakGlass), now, &state);
        notify.escalate = quorum.escalates(said.header.time, said.header.time);
        let (statement, ruling, state) = (kept(asked), ruling.encode(), stored_as(&state));
        let in_force = bundle.version();
        let extends = extended.map(|record| Extended { id: record.id, version: record.version });
        let submit = SubmitTx {
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
            break_glass,
            notify,
        };
        let judged = submit.break_glass.clone();
        self.store.submit(submit).await?;
        judged.iter().for_each(|judged| log_loudly(said, id, judged));
        self.view(id)
    }

    fn new_request_id(&self) -> RequestId {
        let mut bits = [0; 8];
        self.random.fill(&mut bits);
        RequestId::from_random(u64::from_le_bytes(bits))
    }
}

/// Break-glass is for everybody to see who looks at the log.
fn log_loudly(said: &RequestStatement, id: RequestId, judged: &BreakGlass) {
    let (user, access, BreakGlass { review, owes }) = (&said.requester, &said.access, judged);
    tracing::warn!(%user, request = %id, %access, %review, ?owes, "break-glass");
}

/// What policy says of a request under this bundle.
fn rule(bundle: &InForce, asked: &Verified<RequestStatement>, owes: Owes, now: UnixTime) -> Result<Obligations, Error> {
    match policy::rule(bundle.policy(), bundle.directory(), &ask(asked, owes), now) {
        Ruling::Permitted(obligations) => Ok(obligations),
        Ruling::Refused(refusal) => Err(Error::Refused(refusal)),
    }
}

/// How many hosts a certificate for the obligations' realm opens its login on; `None` for scoped hosts.
fn realm_hosts(bundle: &InForce, obligations: &Obligations) -> Option<NonZeroU32> {
    let realm = obligations.realm.as_ref()?;
    u32::try_from(bundle.directory().realm_hosts(realm).count()).ok().and_then(NonZeroU32::new)
}

/// What policy is asked, by somebody who owes this: it matters to break-glass alone.
pub(crate) fn ask(asked: &Verified<RequestStatement>, owes: Owes) -> Ask {
    let said = asked.statement();
    Ask {
        requester: said.requester.clone(),
        login: said.access.login.clone(),
        target: said.access.target.clone(),
        window: said.window,
        command: said.command.clone(),
        ticket: said.ticket.clone(),
        rule: said.rule.clone(),
        break_glass: said.break_glass.map(|_| owes),
        keys: Some(Keys { signed: asked.strength(), connecting: said.connecting_key.strength() }),
        extends: said.extends.map(|what| Extending { what, start: said.start }),
    }
}

/// Windows that cannot be, and what later releases bring.
fn sensible(said: &RequestStatement, now: UnixTime) -> Result<(), Error> {
    if said.window == Span::ZERO {
        return Err(Error::Window("it has no length; ask for some minutes (--for 30m)"));
    }
    if said.break_glass.is_some() && said.start.is_some() {
        return Err(Error::Window("break-glass begins at once; leave --at out"));
    }
    if let Some(start) = said.start {
        if start < now.before(FRESH) {
            return Err(Error::Window("its start is in the past; leave --at out to start with the approval"));
        }
        if start.since(now).seconds() > FARTHEST_START {
            return Err(Error::Window("it starts over 30 days from now; ask nearer to the time"));
        }
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

//! A request as the signed texts tell it: what the server says beside them is only believed where nothing is signed.

use domain::{AskedLogin, Digest, Pair, PublicKey, Target, UnixTime};
use statement::{
    Act, ActStatement, Canonical, DecisionStatement, RequestStatement, RulingText, ServerId, StatementError, Verified,
    VerifyError, verify,
};

/// Why what a server sent about a request was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// The request's signature does not hold.
    #[error(
        "the signed text of request {id} does not stand up to checking; do not trust this server before its operator explains it"
    )]
    Request {
        /// The request.
        id: domain::RequestId,
        /// What is wrong.
        #[source]
        cause: VerifyError,
    },
    /// The ruling is no ruling.
    #[error("the ruling on request {id} cannot be read; do not trust this server before its operator explains it")]
    Ruling {
        /// The request.
        id: domain::RequestId,
        /// What is wrong.
        #[source]
        cause: StatementError,
    },
    /// A decision's signature does not hold.
    #[error(
        "a decision on request {id} does not stand up to checking; do not trust this server before its operator explains it"
    )]
    Decision {
        /// The request.
        id: domain::RequestId,
        /// What is wrong.
        #[source]
        cause: VerifyError,
    },
    /// The signature of an act that put another connecting key in place does not hold.
    #[error(
        "an act about the connecting key of request {id} does not stand up to checking; do not trust this server before its operator explains it"
    )]
    Rebind {
        /// The request.
        id: domain::RequestId,
        /// What is wrong.
        #[source]
        cause: VerifyError,
    },
    /// A review's signature does not hold.
    #[error(
        "the review of request {id} does not stand up to checking; do not trust this server before its operator explains it"
    )]
    Review {
        /// The request.
        id: domain::RequestId,
        /// What is wrong.
        #[source]
        cause: VerifyError,
    },
    /// Texts that do not belong together.
    #[error(
        "what the server sent about request {id} does not fit together: {what}. Do not trust it before its operator explains it"
    )]
    Mismatch {
        /// The request.
        id: domain::RequestId,
        /// What does not fit.
        what: &'static str,
    },
}

/// A request whose texts were parsed, hashed and whose signatures were checked here.
#[derive(Debug)]
pub(crate) struct Checked {
    /// What the server says of it.
    pub(crate) told: wire::Request,
    /// What the requester signed.
    pub(crate) request: Verified<RequestStatement>,
    /// What policy permits.
    pub(crate) ruling: RulingText,
    /// SHA-256 of the ruling's text.
    pub(crate) ruling_digest: Digest,
    /// What approvers signed.
    pub(crate) decisions: Vec<Verified<DecisionStatement>>,
    /// What the requester signed to put another connecting key in place, in that order.
    pub(crate) rebinds: Vec<(PublicKey, Verified<ActStatement>)>,
    /// Of break-glass that was granted, where its review stands.
    pub(crate) review: Option<Review>,
}

/// Where a review stands.
#[derive(Debug)]
pub(crate) enum Review {
    /// It is owed since then, by the server's word.
    Owed(UnixTime),
    /// Somebody signed it.
    Done(Box<Verified<ActStatement>>),
}

impl Review {
    fn new(told: &wire::Request, request: &RequestStatement, server: &ServerId) -> Result<Option<Self>, CheckError> {
        let id = told.id;
        let statement = match &told.review {
            None => return Ok(None),
            Some(wire::Review::Owed(since)) => return Ok(Some(Self::Owed(*since))),
            Some(wire::Review::Done { statement, .. }) => statement,
        };
        let act = verify::<ActStatement>(statement.text(), statement.signature())
            .map_err(|cause| CheckError::Review { id, cause })?;
        let said = act.statement();
        let of_this = said.act == Act::Review(id) && said.header.meant_for(server).is_ok();
        // That it is another person, and one of the group, only the server knows.
        if of_this && said.user != request.requester {
            Ok(Some(Self::Done(Box::new(act))))
        } else {
            Err(CheckError::Mismatch { id, what: "its review is of something else, or by its requester" })
        }
    }
}

impl Checked {
    /// Checks everything that can be checked without the server's directory.
    ///
    /// # Errors
    /// When a signature does not hold, or the texts do not belong together or to the pinned server.
    pub(crate) fn new(told: wire::Request, server: &ServerId) -> Result<Self, CheckError> {
        let id = told.id;
        let mismatch = |what| CheckError::Mismatch { id, what };
        let request = verify::<RequestStatement>(told.statement.text(), told.statement.signature())
            .map_err(|cause| CheckError::Request { id, cause })?;
        request.statement().header.meant_for(server).map_err(|_| mismatch("it was asked of another server"))?;
        let text = std::str::from_utf8(&told.ruling).map_err(|_| mismatch("its ruling is not text"))?;
        let ruling = RulingText::parse(text).map_err(|cause| CheckError::Ruling { id, cause })?;
        fits(request.statement(), request.digest(), &ruling).map_err(mismatch)?;
        let ruling_digest = ruling.digest();
        let decisions = told.decisions.iter().map(|told| {
            let decision = verify::<DecisionStatement>(told.statement.text(), told.statement.signature())
                .map_err(|cause| CheckError::Decision { id, cause })?;
            let said = decision.statement();
            let bound = said.id == id && said.request == *request.digest() && said.ruling == ruling_digest;
            let as_told = said.approver == told.approver && said.verdict == told.verdict;
            if bound && as_told && said.header.meant_for(server).is_ok() {
                Ok(decision)
            } else {
                Err(mismatch("a decision was made on something else"))
            }
        });
        let decisions = decisions.collect::<Result<_, _>>()?;
        let rebinds = rebinds(&told, request.statement(), server)?;
        let review = Review::new(&told, request.statement(), server)?;
        Ok(Self { request, ruling, ruling_digest, decisions, rebinds, review, told })
    }

    /// The key that certificates certify: the asked one, or the one that was put in its place last.
    pub(crate) fn connecting_key(&self) -> &PublicKey {
        self.rebinds.last().map_or(&self.request.statement().connecting_key, |(key, _)| key)
    }

    /// This, if it is what was signed as a request.
    pub(crate) fn with_text(self, digest: &Digest) -> Result<Self, CheckError> {
        let holds = self.request.digest() == digest;
        self.only_if(&[(holds, "its signed text is not the one that was just signed")])
    }

    /// This, if it is the request that is `known`, under the same ruling: a server could answer with another.
    pub(crate) fn same_as(self, known: &Self) -> Result<Self, CheckError> {
        let checks = [
            (self.told.id == known.told.id, "it is not the request that was meant"),
            (self.request.digest() == known.request.digest(), "its signed text is another than before"),
            (self.ruling_digest == known.ruling_digest, "its ruling is another than before"),
        ];
        self.only_if(&checks)
    }

    fn only_if(self, checks: &[(bool, &'static str)]) -> Result<Self, CheckError> {
        match checks.iter().find(|(holds, _)| !holds) {
            None => Ok(self),
            Some((_, what)) => Err(CheckError::Mismatch { id: self.told.id, what }),
        }
    }

    /// The logins on hosts that certificates under it open.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = Pair> {
        let allowed = self.ruling.obligations();
        allowed.hosts.iter().map(|host| Pair { login: allowed.login.clone(), host: host.clone() })
    }

    /// The login on the one host that was asked for, or that the labels mean.
    pub(crate) fn only_pair(&self) -> Option<Pair> {
        let mut pairs = self.pairs();
        if let Target::Host(asked) = &self.request.statement().access.target {
            return pairs.find(|pair| pair.host == *asked);
        }
        pairs.next().filter(|_| pairs.next().is_none())
    }
}

/// The keys that were put in place of the asked one, each by an act of the requester's about this request. Whose key signed
/// it is the server's to know.
fn rebinds(
    told: &wire::Request,
    asked: &RequestStatement,
    server: &ServerId,
) -> Result<Vec<(PublicKey, Verified<ActStatement>)>, CheckError> {
    let id = told.id;
    let mut last = None;
    let rebind = |signed: &wire::SignedText| {
        let act = verify::<ActStatement>(signed.text(), signed.signature())
            .map_err(|cause| CheckError::Rebind { id, cause })?;
        let said = act.statement();
        let key = match &said.act {
            Act::Rebind(rebind) if rebind.id == id => Some(rebind.key.clone()),
            _ => None,
        };
        let theirs = said.user == asked.requester && said.header.meant_for(server).is_ok();
        let follows = last.map_or(asked.header.time <= said.header.time, |last| last < said.header.time);
        last = Some(said.header.time);
        let key = key.filter(|_| theirs && follows);
        let key =
            key.ok_or(CheckError::Mismatch { id, what: "an act about its connecting key is about something else" })?;
        Ok((key, act))
    };
    told.rebinds.iter().map(rebind).collect()
}

/// Whether a ruling is one on this request, as far as the two texts tell: who the login `self` is, and which hosts have
/// the labels, only the server knows.
fn fits(request: &RequestStatement, digest: &Digest, ruling: &RulingText) -> Result<(), &'static str> {
    let allowed = ruling.obligations();
    if ruling.request() != digest {
        return Err("its ruling is on another request");
    }
    if let AskedLogin::Named(login) = &request.access.login
        && *login != allowed.login
    {
        return Err("its ruling allows another login than was asked for");
    }
    if let Target::Host(host) = &request.access.target {
        // A plain host's realm comes as a whole, and the words that are signed say so.
        let only = allowed.hosts.len() == 1 || allowed.realm.is_some();
        if !only || !allowed.hosts.contains(host) {
            return Err("its ruling allows other hosts than were asked for");
        }
    }
    let labels = |target: &Target| if let Target::Labels(labels) = target { Some(labels.clone()) } else { None };
    if allowed.live.is_some() && allowed.live != labels(&request.access.target) {
        return Err("its ruling includes future hosts that were not asked for");
    }
    if request.command != allowed.command {
        return Err("its ruling allows another command than was asked for");
    }
    if request.extends != allowed.extends {
        return Err("its ruling extends something else than was asked for");
    }
    if request.break_glass.is_some() != allowed.break_glass.is_some() {
        return Err("only one of its request and its ruling is break-glass");
    }
    if request.window > allowed.max {
        return Err("its ruling allows less time than was asked for");
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;

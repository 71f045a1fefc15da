//! Plays a history in a world, and holds every answer and every state to the model.

use std::collections::BTreeMap;

use domain::{Extends, RequestId, Span, StopTarget, UnixTime};
use request::{StateName, TRANSITIONS};
use statement::{Act, BreakGlass, Rebind, RequestStatement, Signed};
use store::StopDone;

use super::Count;
use super::ledger::{no_second_is_free_while_a_review_is_owed, nothing_left_without_its_quorum};
use super::lifecycle::{Answer, Ending, MORE, Message, Model};
use super::operation::Operation;
use super::rules::{HOSTS, Rules};
use super::stops::Stopped;
use crate::View;
use crate::tests::harness::*;

/// How far the wall clock is set at most, and how far it stays from the hour after which statements are forgotten.
const FARTHEST: i64 = 1800;
const REMEMBERED: u64 = 3000;

/// How a state changed: a new request comes from nowhere.
pub(super) type Arrow = (Option<StateName>, StateName);

/// What was seen, and how often.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) steps: u64,
    pub(super) arrows: Count<Arrow>,
    pub(super) answers: Count<String>,
}

impl Hits {
    pub(super) fn add(&mut self, others: Self) {
        self.steps += others.steps;
        others.arrows.into_iter().for_each(|(arrow, count)| *self.arrows.entry(arrow).or_default() += count);
        others.answers.into_iter().for_each(|(answer, count)| *self.answers.entry(answer).or_default() += count);
    }

    fn answered(&mut self, what: &str, answer: Answer) {
        *self.answers.entry(format!("{what}: {}", answer.err().unwrap_or("taken"))).or_default() += 1;
    }
}

/// Plays a history from its beginning.
pub(super) async fn play(history: &[Operation]) -> Hits {
    let (world, model) = (world_of(Rules::AsTheyWere.setup()).await, Model::new());
    let mut play = Play {
        world,
        model,
        views: vec![],
        sent: vec![],
        stops: vec![],
        ended: BTreeMap::new(),
        seen: vec![],
        hits: Hits::default(),
    };
    for operation in history {
        let before = play.now();
        play = play.step(operation).await;
        play.agrees(before);
        play.hits.steps += 1;
    }
    nothing_left_without_its_quorum(&play.world, &play.ended);
    no_second_is_free_while_a_review_is_owed(&play.world);
    play.hits
}

struct Play {
    world: World,
    model: Model,
    /// The requests, as they were submitted.
    views: Vec<View>,
    /// What was taken.
    sent: Vec<Sent>,
    /// The entries of stops.
    stops: Vec<u64>,
    /// What these ended.
    ended: BTreeMap<u64, Vec<RequestId>>,
    /// How each request was shown last.
    seen: Vec<StateName>,
    hits: Hits,
}

/// A message that was taken.
#[derive(Clone)]
struct Sent {
    message: Message,
    signed: Signed,
    time: u64,
    given: Given,
}

/// What came back, where the model cares.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Given {
    Nothing,
    Request(RequestId),
    Certificate { serial: u64, until: u64 },
    Stop(StopDone),
}

impl Play {
    async fn step(mut self, operation: &Operation) -> Self {
        let about = |at: &usize| self.views.len().checked_sub(at + 1);
        match operation {
            Operation::Submit(host) => self.say(Message::Submit { host: *host }).await,
            Operation::Extend(at) => {
                let Some(request) = about(at) else { return self };
                self.say(self.model.extension(request, self.now())).await;
            }
            Operation::Rebind(at, by, key) => {
                let Some(request) = about(at) else { return self };
                let time = self.now();
                self.say(Message::Rebind { request, by: *by, key: *key, time }).await;
            }
            Operation::Stop(Stopped::Request(at), by) => {
                let Some(request) = about(at) else { return self };
                self.say(Message::Stop { what: Stopped::Request(request), by: *by }).await;
            }
            Operation::Stop(what, by) => self.say(Message::Stop { what: *what, by: *by }).await,
            Operation::Lift(at, by) => {
                let Some(stop) = self.stops.len().checked_sub(at + 1) else { return self };
                self.say(Message::Lift { stop, by: *by }).await;
            }
            Operation::Break => self.say(Message::Break).await,
            Operation::BreakTwice => self.break_twice().await,
            Operation::Review(at, by) => {
                let Some(request) = about(at) else { return self };
                self.say(Message::Review { request, by: *by }).await;
            }
            Operation::Resume(by) => self.say(Message::Resume { by: *by }).await,
            Operation::Decide(at, by, verdict) => {
                let Some(request) = about(at) else { return self };
                self.say(Message::Decide { request, by: *by, verdict: *verdict }).await;
            }
            Operation::Race(at, both) => {
                let Some(request) = about(at) else { return self };
                self.race(both.map(|(by, verdict)| Message::Decide { request, by, verdict })).await;
            }
            Operation::End(at, by, ending) => {
                let Some(request) = about(at) else { return self };
                self.say(Message::End { request, by: *by, ending: *ending }).await;
            }
            Operation::Fetch(at, by) => {
                let Some(request) = about(at) else { return self };
                self.say(Message::Fetch { request, by: *by }).await;
            }
            Operation::Repeat(at) => {
                let Some(sent) = self.sent.iter().rev().nth(*at).cloned() else { return self };
                self.say_again(&sent).await;
            }
            Operation::Pass(seconds) => self.world.clock.pass(*seconds),
            Operation::Jump(by) => self.jump(*by),
            Operation::Look => {
                self.world.ca.watch_clock().await;
                let _stopped = self.model.trust_the_clock();
            }
            Operation::Expire => self.expire().await,
            Operation::Reload(rules) => {
                self.world.reload(&rules.setup()).await;
                self.model.rules = *rules;
            }
            Operation::Restart => return self.restart().await,
        }
        self
    }

    /// Signs and sends a message.
    async fn say(&mut self, message: Message) {
        let (size, signed, now) = (self.size(), self.sign(message), self.now());
        let answer = self.send(message, &signed).await;
        let expected = self.model.take(message, now);
        assert_eq!(answer.as_ref().map(drop).map_err(|why| *why), expected, "{message:?}");
        self.hits.answered(named(message), expected);
        if let Message::Decide { request, .. } = message
            && self.model.approved_in_stages(request)
        {
            self.hits.answered("decide in stages", expected);
        }
        match answer {
            Ok(given) => self.taken(Sent { message, signed, time: now, given }),
            // The stop is an entry.
            Err("CLOCK_FAULT") => {}
            Err(_) => assert_eq!(self.size(), size, "what is refused changes nothing"),
        }
    }

    /// A message was taken: a certificate ends when it should.
    fn taken(&mut self, sent: Sent) {
        match (sent.message, &sent.given) {
            (_, Given::Stop(done)) => {
                self.stops.push(done.entry);
                self.ended.insert(done.entry, done.requests.clone());
            }
            (Message::Stop { .. }, Given::Nothing) => self.hits.answered("second", Ok(())),
            (_, Given::Request(id)) => self.views.push(self.world.ca.view(*id).unwrap()),
            (Message::Fetch { request, .. }, Given::Certificate { until, .. }) => {
                assert_eq!(Some(*until), self.model.end_of_certificate(request, sent.time));
            }
            _ => {}
        }
        self.sent.push(sent);
    }

    /// Sends once more what was taken before: it changes nothing, and a fetch gets the same certificate.
    async fn say_again(&mut self, sent: &Sent) {
        let (size, now) = (self.size(), self.now());
        let answer = self.send(sent.message, &sent.signed).await;
        let mut expected = self.model.take_again(sent.message, sent.time, now);
        if let (Ok(()), Message::Fetch { request, .. }, Given::Certificate { until, .. }) =
            (expected, sent.message, &sent.given)
            && self.model.end_of_certificate(request, now).is_none_or(|end| *until > end)
        {
            expected = Err("CERTIFICATE_FAILED");
        }
        assert_eq!(answer, expected.map(|()| sent.given.clone()), "{:?} again", sent.message);
        self.hits.answered(&format!("{} again", named(sent.message)), expected);
        if answer != Err("CLOCK_FAULT") {
            assert_eq!(self.size(), size, "what is repeated writes nothing");
        }
    }

    /// Sends two decisions at once: one is first, and the other is told so or judged by what the first left.
    async fn race(&mut self, [one, two]: [Message; 2]) {
        let (now, signed) = (self.now(), [self.sign(one), self.sign(two)]);
        let answers = tokio::join!(self.send(one, &signed[0]), self.send(two, &signed[1]));
        let answers = [(one, answers.0.map(drop)), (two, answers.1.map(drop))];
        let orders = [answers, [answers[1], answers[0]]];
        let possible = orders.into_iter().find_map(|[first, second]| {
            let mut model = self.model.clone();
            let fits = model.take(first.0, now) == first.1;
            let lost = first.1.is_ok() && second.1 == Err("CHANGED_MEANWHILE");
            (fits && (lost || model.take(second.0, now) == second.1)).then_some(model)
        });
        self.model = possible.unwrap_or_else(|| panic!("in no order: {answers:?}"));
        for ((message, answer), signed) in answers.into_iter().zip(signed) {
            self.hits.answered(named(message), answer);
            if answer.is_ok() {
                self.taken(Sent { message, signed, time: now, given: Given::Nothing });
            }
        }
    }

    /// Sends two break-glass at once: only one of them can be free.
    async fn break_twice(&mut self) {
        let (now, signed) = (self.now(), [self.sign(Message::Break), self.sign(Message::Break)]);
        let answers = tokio::join!(self.send(Message::Break, &signed[0]), self.send(Message::Break, &signed[1]));
        let mut taken = Vec::new();
        for (answer, signed) in [answers.0, answers.1].into_iter().zip(signed) {
            match answer {
                Ok(given) => taken.push(Sent { message: Message::Break, signed, time: now, given }),
                Err(reason) => self.hits.answered("break", Err(reason)),
            }
        }
        // The free one is the first: what the model says of the second is said of it knowing that.
        taken.sort_by_key(|sent| self.waits(sent));
        let before = self.model.requests.len();
        let expected = [self.model.take(Message::Break, now), self.model.take(Message::Break, now)];
        let opened = expected.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(taken.len(), opened, "{expected:?}");
        for (at, sent) in (before..).zip(taken) {
            assert_eq!(self.waits(&sent), self.model.is_pending(at), "break-glass {at}");
            self.hits.answered("break", Ok(()));
            self.taken(sent);
        }
    }

    /// Whether what was asked for waits for approval.
    fn waits(&self, sent: &Sent) -> bool {
        let Given::Request(id) = sent.given else { return false };
        self.world.ca.view(id).unwrap().state == StateName::Pending
    }

    /// Sets the wall clock, within what the server can tell from a statement that it forgot.
    fn jump(&mut self, by: i64) {
        let (now, drift) = (self.now().checked_add_signed(by).unwrap(), self.model.drift + by);
        let latest = self.world.ca.store.latest_time().seconds();
        if drift.abs() <= FARTHEST && now + REMEMBERED > latest {
            self.world.clock.set_wall(now);
            self.model.drift = drift;
        }
    }

    async fn expire(&mut self) {
        let now = self.now();
        let ended = self.world.ca.expire().await.map_err(|error| error.reason());
        let expected = self.model.expire(now);
        assert_eq!(ended, expected);
        self.hits.answered("expire", expected.map(drop));
    }

    /// A clock that was set back while the server was down stops it; one that was set ahead it cannot know.
    async fn restart(mut self) -> Self {
        let latest = self.world.ca.store.latest_time().seconds();
        self.model.drift = 0;
        self.model.stopped |= latest.saturating_sub(self.now()) > 5;
        let world = self.world.restart(self.model.rules.setup()).await;
        Self { world, ..self }
    }

    /// The states are those of the model, and changed along the diagram's arrows alone. A clock that was set back shows
    /// again what it showed then.
    fn agrees(&mut self, before: u64) {
        let now = self.now();
        for (at, view) in self.views.iter().enumerate() {
            let state = self.world.ca.view(view.stored.id).unwrap().state;
            assert_eq!(state, self.model.shown(at, now), "request {at}");
            let arrow = (self.seen.get(at).copied(), state);
            if now >= before && arrow.0 != Some(state) {
                assert!(
                    TRANSITIONS.iter().any(|way| (way.from, way.to) == arrow),
                    "no arrow of the diagram: {arrow:?}"
                );
                *self.hits.arrows.entry(arrow).or_default() += 1;
            }
            match self.seen.get_mut(at) {
                Some(seen) => *seen = state,
                None => self.seen.push(state),
            }
        }
        let owed = self.world.ca.reviews_owed().unwrap();
        assert_eq!(usize::try_from(owed).unwrap(), self.model.owed(), "reviews owed");
        assert_eq!(self.world.ca.gate().stopped().is_some(), self.model.stopped);
    }

    fn sign(&self, message: Message) -> Signed {
        let (world, id) = (&self.world, |request: usize| self.views[request].stored.id);
        match message {
            Message::Submit { host } => by(ALICE, &world.request(HOSTS[host].0, "30m")),
            Message::Rebind { request, by: user, key: new, time: _ } => {
                let act = Act::Rebind(Rebind { id: id(request), key: public(&key(new)) });
                by(user, &world.act_statement(user, act))
            }
            Message::Extend { request, start, since, key: connecting } => {
                let (start, since) = (UnixTime::new(start).unwrap(), UnixTime::new(since).unwrap());
                let said = RequestStatement {
                    start: Some(start),
                    window: Span::from_seconds(MORE).unwrap(),
                    extends: Some(Extends { id: id(request), since }),
                    connecting_key: public(&key(connecting)),
                    ..world.request(self.model.access(request), "10m")
                };
                by(ALICE, &said)
            }
            Message::Break => {
                let asked = world.request(HOSTS[0].0, "10m");
                by(ALICE, &RequestStatement { break_glass: Some(BreakGlass), ..asked })
            }
            Message::Review { request, by: user } => by(user, &world.act_statement(user, Act::Review(id(request)))),
            Message::Decide { request, by: user, verdict } => {
                by(user, &world.decision(&self.views[request], user, verdict))
            }
            Message::End { request, by: user, ending: Ending::Cancel } => {
                by(user, &world.act_statement(user, Act::Cancel(id(request))))
            }
            Message::End { request, by: user, ending: Ending::GiveBack } => {
                by(user, &world.act_statement(user, Act::GiveBack(id(request))))
            }
            Message::End { request, by: user, ending: Ending::Withdraw } => {
                by(user, &world.act_statement(user, Act::Withdraw(id(request))))
            }
            Message::Fetch { request, by: key } => {
                by(key, &world.fetch_statement(id(request), &[self.model.access(request)]))
            }
            Message::Resume { by: user } => by(user, &world.act_statement(user, Act::Resume)),
            Message::Stop { what, by: user } => {
                let target = match what {
                    Stopped::Request(request) => StopTarget::Request(id(request)),
                    Stopped::User(user) => StopTarget::User(name(user)),
                    Stopped::Host(host) => StopTarget::Host(HOSTS[host].0.split('@').nth(1).unwrap().parse().unwrap()),
                    Stopped::All => StopTarget::All,
                };
                by(user, &world.act_statement(user, Act::Stop(target)))
            }
            Message::Lift { stop, by: user } => by(user, &world.act_statement(user, Act::Lift(self.stops[stop]))),
        }
    }

    async fn send(&self, message: Message, signed: &Signed) -> Result<Given, &'static str> {
        let (ca, text, signature) = (&self.world.ca, signed.text.as_bytes(), signed.signature.as_bytes());
        let given = match message {
            Message::Submit { .. } | Message::Extend { .. } | Message::Break => {
                ca.submit(text, signature).await.map(|view| Given::Request(view.stored.id))
            }
            Message::Review { .. } => ca.review(text, signature).await.map(|_| Given::Nothing),
            Message::Decide { .. } => ca.decide(text, signature).await.map(|_| Given::Nothing),
            Message::End { .. } => ca.end(text, signature).await.map(|_| Given::Nothing),
            Message::Rebind { .. } => ca.rebind(text, signature).await.map(|_| Given::Nothing),
            Message::Resume { .. } => ca.resume(text, signature).await.map(|()| Given::Nothing),
            Message::Stop { .. } => ca.stop(text, signature).await.map(|stopping| match stopping.seconded {
                Some(_) => Given::Nothing,
                None => Given::Stop(stopping.done),
            }),
            Message::Lift { .. } => ca.lift(text, signature).await.map(|_| Given::Nothing),
            Message::Fetch { .. } => ca.fetch(text, signature).await.map(|issued| {
                let certificate = &issued.certificates[0].1;
                let (serial, until) = (certificate.serial().get(), certificate.valid_before().seconds());
                Given::Certificate { serial, until }
            }),
        };
        given.map_err(|error| error.reason())
    }

    fn now(&self) -> u64 {
        self.world.now().seconds()
    }

    fn size(&self) -> u64 {
        self.world.ca.checkpoint().checkpoint.size
    }
}

const fn named(message: Message) -> &'static str {
    match message {
        Message::Submit { .. } => "submit",
        Message::Extend { .. } => "extend",
        Message::Break => "break",
        Message::Review { .. } => "review",
        Message::Decide { .. } => "decide",
        Message::End { .. } => "end",
        Message::Fetch { .. } => "fetch",
        Message::Rebind { .. } => "rebind",
        Message::Resume { .. } => "resume",
        Message::Stop { .. } => "stop",
        Message::Lift { .. } => "lift",
    }
}

//! `hallpass stop`: an instant end, and the end of that.

use domain::{Serial, StopTarget, UnixTime};
use serde::Serialize;
use statement::{Act, ActStatement, Signed};
use wire::{LiveCertificate, Standing, StopDone};

use crate::app::{App, Joined, Look, Report, text};
use crate::arguments::stops::{Stop, StopCommand, Why};
use crate::failure::{Exit, Failure};
use crate::table::Table;
use crate::when;

/// Why nothing was stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StopError {
    /// No certificate can have it.
    #[error("no certificate has the serial {0}; sshd's log names it, such as `serial 4711`")]
    Serial(u64),
}

pub(crate) async fn run(app: &App<'_>, asked: &Stop) -> Result<Exit, Failure> {
    let (target, why) = match &asked.what {
        StopCommand::List => return list(app).await,
        StopCommand::Lift { entry, why } => return lift(app, *entry, why).await,
        StopCommand::Request { id, why } => (StopTarget::Request(*id), why),
        StopCommand::Serial { serial, why } => {
            (StopTarget::Serial(Serial::new(*serial).ok_or(StopError::Serial(*serial))?), why)
        }
        StopCommand::User { name, why } => (StopTarget::User(name.clone()), why),
        StopCommand::Host { name, why } => (StopTarget::Host(name.clone()), why),
        StopCommand::All { why } => (StopTarget::All, why),
    };
    let mut joined = app.joined().await?;
    let signed = signed(app, &joined, Act::Stop(target.clone()), why).await?;
    let done = joined.link.stop(signed).await?;
    app.report(&Stopped::of(&target, done))?;
    Ok(Exit::Done)
}

async fn lift(app: &App<'_>, entry: u64, why: &Why) -> Result<Exit, Failure> {
    let mut joined = app.joined().await?;
    let signed = signed(app, &joined, Act::Lift(entry), why).await?;
    let lifted = joined.link.lift(signed).await?;
    app.report(&Lifted { entry, missing: lifted.missing.iter().map(ToString::to_string).collect() })?;
    Ok(Exit::Done)
}

async fn list(app: &App<'_>) -> Result<Exit, Failure> {
    let joined = app.joined().await?;
    app.report(&Stops { stops: joined.link.stops().await?.into_iter().map(Row::from).collect() })?;
    Ok(Exit::Done)
}

async fn signed(app: &App<'_>, joined: &Joined, act: Act, why: &Why) -> Result<Signed, Failure> {
    let reason = Some(text("--message", &why.reason)?);
    let signing = app.signing(joined).await?;
    let statement = ActStatement { header: joined.header(app)?, user: joined.session.user.clone(), act, reason };
    app.sign(&signing, &statement).await
}

/// What a stop did.
#[derive(Serialize)]
struct Stopped {
    target: String,
    entry: u64,
    seconded: Option<u64>,
    until: Option<String>,
    sessions: u32,
    requests: Vec<String>,
    revoked: Vec<Revoked>,
    locked_out: Vec<String>,
    #[serde(skip)]
    ends: Option<UnixTime>,
    #[serde(skip)]
    lasts: bool,
}

/// A certificate that was valid.
#[derive(Serialize)]
pub(crate) struct Revoked {
    serial: u64,
    request: String,
    opens: String,
    until: String,
    #[serde(skip)]
    ends: UnixTime,
}

impl From<&LiveCertificate> for Revoked {
    fn from(live: &LiveCertificate) -> Self {
        Self {
            serial: live.serial.get(),
            request: live.request.to_string(),
            opens: live.principal.clone(),
            until: live.until.to_string(),
            ends: live.until,
        }
    }
}

/// Revoked certificates in words, a line each.
pub(crate) fn revoked_in_words(revoked: &[Revoked], look: &Look<'_>) -> String {
    if revoked.is_empty() {
        return "No certificate was valid.\n".to_owned();
    }
    let mut told = "Revoked; a host that does not look at the list takes them until they run out:\n".to_owned();
    for one in revoked {
        let until = when::full(one.ends, look.zone);
        let over = if one.ends <= look.now { ", which is over but for a host whose clock runs late" } else { "" };
        told.push_str(&format!("  serial {} of {}: {} until {until}{over}\n", one.serial, one.request, one.opens));
    }
    told
}

/// A warning when nobody is left to sign another bundle for these groups.
pub(crate) fn locked_out_in_words(groups: &[String]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    format!(
        "WARNING: nobody is left for {}: whatever needs them, be it another bundle or an end of stops, can no longer be done on \
         this server.\n",
        groups.join(", ")
    )
}

impl Stopped {
    fn of(target: &StopTarget, done: StopDone) -> Self {
        Self {
            target: target.to_string(),
            entry: done.entry,
            seconded: done.seconded,
            until: done.until.map(|until| until.to_string()),
            sessions: done.sessions,
            requests: done.requests.iter().map(ToString::to_string).collect(),
            revoked: done.revoked.iter().map(Revoked::from).collect(),
            locked_out: done.locked_out.iter().map(ToString::to_string).collect(),
            ends: done.until,
            lasts: target.lasts(),
        }
    }
}

impl Report for Stopped {
    fn text(&self, look: &Look<'_>) -> String {
        if let Some(stop) = self.seconded {
            return format!(
                "Seconded: everything stays stopped until that is lifted: hallpass stop lift {stop} -m REASON\n"
            );
        }
        let mut told = format!("Stopped, and in force: {}.\n", self.target);
        let requests = if self.requests.is_empty() { "none".to_owned() } else { self.requests.join(", ") };
        told.push_str(&format!("Ended: sessions {}; requests and grants {requests}.\n", self.sessions));
        told.push_str(&revoked_in_words(&self.revoked, look));
        if let Some(ends) = self.ends {
            let ends = when::full(ends, look.zone);
            told.push_str(&format!(
                "It ends at {ends}, unless somebody else seconds it: hallpass stop all -m REASON\n"
            ));
        }
        if self.lasts {
            told.push_str(&format!("To lift it: hallpass stop lift {} -m REASON\n", self.entry));
        }
        told.push_str(&locked_out_in_words(&self.locked_out));
        told
    }
}

#[derive(Serialize)]
struct Lifted {
    entry: u64,
    missing: Vec<String>,
}

impl Report for Lifted {
    fn text(&self, _: &Look<'_>) -> String {
        if self.missing.is_empty() {
            return "It is lifted. What had ended stays so: ask anew.\n".to_owned();
        }
        let (entry, missing) = (self.entry, self.missing.join(", "));
        format!("Noted. Still missing: {missing}. They say the same: hallpass stop lift {entry} -m REASON\n")
    }
}

#[derive(Serialize)]
struct Stops {
    stops: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    entry: u64,
    target: String,
    user: String,
    since: String,
    until: Option<String>,
    reason: String,
    #[serde(skip)]
    began: UnixTime,
    #[serde(skip)]
    ends: Option<UnixTime>,
}

impl From<Standing> for Row {
    fn from(stop: Standing) -> Self {
        Self {
            entry: stop.entry,
            target: stop.target.to_string(),
            user: stop.user.to_string(),
            since: stop.since.to_string(),
            until: stop.until.map(|until| until.to_string()),
            reason: stop.reason.to_string(),
            began: stop.since,
            ends: stop.until,
        }
    }
}

impl Report for Stops {
    fn text(&self, look: &Look<'_>) -> String {
        if self.stops.is_empty() {
            return "Nothing is stopped that you may see.\n".to_owned();
        }
        let mut table = Table::new(["ENTRY", "STOPPED", "SINCE", "UNTIL", "BY", "WHY"]);
        for stop in &self.stops {
            let until = stop.ends.map_or_else(|| "it is lifted".to_owned(), |until| when::full(until, look.zone));
            table.row([
                stop.entry.into(),
                stop.target.clone().into(),
                when::full(stop.began, look.zone).into(),
                until.into(),
                stop.user.clone().into(),
                stop.reason.clone().into(),
            ]);
        }
        table.render(look.colours)
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::terminal::Colours;

    #[test]
    fn a_certificate_that_is_over_is_told_as_such() {
        let now: UnixTime = "2026-03-01T14:00:00Z".parse().unwrap();
        let revoked = |ends: &str| {
            let ends: UnixTime = ends.parse().unwrap();
            let (request, opens) = ("7K3F9-QXMWT".to_owned(), "root@web-1".to_owned());
            Revoked { serial: 7, request, opens, until: ends.to_string(), ends }
        };
        let look = Look { colours: Colours::Off, zone: &TimeZone::UTC, now };
        let told = revoked_in_words(&[revoked("2026-03-01T14:05:00Z"), revoked("2026-03-01T13:59:00Z")], &look);
        let over: Vec<bool> = told.lines().skip(1).map(|line| line.contains("over but for")).collect();
        assert_eq!(over, [false, true], "{told}");
    }
}

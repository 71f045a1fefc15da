//! `hallpass status`: who I am, my requests, and my grants with when they end.

use serde::Serialize;
use wire::View;

use crate::app::{App, Look, Report};
use crate::arguments;
use crate::checked::Checked;
use crate::failure::{Exit, Failure};
use crate::link::Which;
use crate::view::{all_as_json, table};
use crate::when;

pub(crate) async fn run(app: &App<'_>, asked: &arguments::Status) -> Result<Exit, Failure> {
    let mut joined = app.joined().await?;
    let me = joined.link.who_am_i().await?;
    let which = if asked.all { Which::All } else { Which::Live };
    let requests = app.requests(&joined.link, View::Mine, which).await?;
    let owed = app.requests(&joined.link, View::Owed, Which::All).await?;
    let mine = |request: &Checked| request.request.statement().requester == me.user;
    let owed = owed.iter().filter(|request| mine(request)).map(|request| request.told.id.to_string()).collect();
    // Without the helper grants cannot be used: that is worth knowing before one is needed.
    let connecting_key = match app.helper().await {
        Ok(helper) => helper.key(&joined.server.name).await.ok(),
        Err(_) => None,
    };
    app.report(&Status {
        server: joined.server.name.to_string(),
        user: me.user.to_string(),
        owner: me.owner.to_string(),
        login: me.login.as_ref().map(ToString::to_string),
        groups: me.groups.iter().map(ToString::to_string).collect(),
        rights: me.rights.iter().map(ToString::to_string).collect(),
        expires: me.expires.to_string(),
        connecting_key: connecting_key.map(|key| key.to_string()),
        requests,
        reviews_owed: owed,
        until: me.expires,
    })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Status {
    server: String,
    user: String,
    owner: String,
    login: Option<String>,
    groups: Vec<String>,
    rights: Vec<String>,
    expires: String,
    connecting_key: Option<String>,
    #[serde(serialize_with = "all_as_json")]
    requests: Vec<Checked>,
    reviews_owed: Vec<String>,
    #[serde(skip)]
    until: domain::UnixTime,
}

impl Report for Status {
    fn text(&self, look: &Look<'_>) -> String {
        let owner = if self.owner == self.user { String::new() } else { format!(" (of {})", self.owner) };
        let list = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!("; {what}: {}", names.join(", ")),
        };
        let mut text = format!(
            "{}{owner} at {}, session until {}{}{}\n",
            self.user,
            self.server,
            when::short(self.until, look.now, look.zone),
            list("groups", &self.groups),
            list("rights", &self.rights),
        );
        if self.connecting_key.is_none() {
            text.push_str("The connecting key of this session is gone; log in again (hallpass login), and then: hallpass rebind\n");
        }
        if self.requests.is_empty() {
            text.push_str("No pending request and no grant.\n");
        } else {
            text.push_str(&table(&self.requests, look));
        }
        if !self.reviews_owed.is_empty() {
            let ids = self.reviews_owed.join(", ");
            text.push_str(&format!(
                "A review of my break-glass is owed ({ids}): until somebody else has made it, my next takes an approval.\n"
            ));
        }
        text
    }
}

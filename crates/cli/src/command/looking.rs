//! Looking back: past requests ruled on again, why one needed what it needed, and what past requests show of the rules.

pub(crate) mod explain;
pub(crate) mod replay;
pub(crate) mod report;

use domain::Owes;
use policy::{Ask, Extending, Keys};
use statement::{RequestStatement, Verified};

/// What policy is asked for a request, as the server asks it, by somebody who owes this.
fn ask(asked: &Verified<RequestStatement>, owes: Owes) -> Ask {
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

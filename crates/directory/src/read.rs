//! The two files as read: every field parsed, nothing yet compared with anything else.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use domain::{Address, EmailAddress, GroupName, HostName, Label, Login, Networks, PublicKey, RealmName, UserName};
use toml::Spanned;

use crate::{Approves, Fields, Kind, Notes, Pattern, Right};

pub(crate) struct ReadUser {
    pub(crate) name: Spanned<UserName>,
    pub(crate) kind: Kind,
    pub(crate) owner: Option<Spanned<UserName>>,
    pub(crate) keys: Vec<Spanned<PublicKey>>,
    pub(crate) login: Option<Login>,
    pub(crate) email: Option<EmailAddress>,
    pub(crate) source: Option<Networks>,
    pub(crate) disabled: bool,
}

pub(crate) struct ReadGroup {
    pub(crate) name: Spanned<GroupName>,
    pub(crate) members: Vec<Spanned<UserName>>,
    pub(crate) rights: BTreeSet<Right>,
}

pub(crate) struct ReadHost {
    pub(crate) name: Spanned<HostName>,
    pub(crate) aliases: Vec<Spanned<HostName>>,
    pub(crate) address: Address,
    pub(crate) port: NonZeroU16,
    pub(crate) labels: BTreeSet<Label>,
    pub(crate) via: Option<Spanned<HostName>>,
    pub(crate) realm: Option<RealmName>,
    pub(crate) jump_login: Option<Spanned<Login>>,
    pub(crate) egress: Option<Networks>,
}

/// Reads `directory.toml`.
pub(crate) fn users_and_groups(notes: &Notes<'_>) -> (Vec<ReadUser>, Vec<ReadGroup>) {
    notes.read(|top, (users, groups): &mut (Vec<_>, Vec<_>)| {
        users.extend(top.tables("user").into_iter().filter_map(|fields| user(notes, fields)));
        groups.extend(top.tables("group").into_iter().filter_map(group));
        top.finish();
    })
}

fn user(notes: &Notes<'_>, fields: Fields<'_>) -> Option<ReadUser> {
    let name = fields.required("name");
    let kind = kind(notes, &fields);
    let owner = fields.optional("owner");
    let keys = fields.list("keys").unwrap_or_default();
    let login = fields.optional::<Login>("login");
    let email = fields.optional("email").map(Spanned::into_inner);
    let source = fields.networks("source");
    let disabled = fields.flag("disabled");
    fields.finish();
    if let Some(own) = login.as_ref().filter(|login| login.get_ref().as_str() == "self") {
        notes.note(own.span(), "`self` is what the login maps from; give the Unix account it stands for");
    }
    Some(ReadUser { name: name?, kind, owner, keys, login: login.map(Spanned::into_inner), email, source, disabled })
}

fn kind(notes: &Notes<'_>, fields: &Fields<'_>) -> Kind {
    let kind = fields.optional("kind").map_or(Kind::Person, Spanned::into_inner);
    let marked = fields.flag("approves");
    if kind == Kind::Person {
        for (key, help) in [
            ("approves", "leave it out: people approve what groups of theirs are asked for"),
            ("source", "leave it out, or give the rules for this user a `source`"),
        ] {
            if let Some(place) = fields.place_of(key) {
                notes.note_with_help(place, format!("`{key}` is for programs, kind = \"service\""), help);
            }
        }
    }
    match kind {
        Kind::Service(_) if marked => Kind::Service(Approves::ForItsOwner),
        other => other,
    }
}

fn group(fields: Fields<'_>) -> Option<ReadGroup> {
    let name = fields.required("name");
    let members = fields.list("members").unwrap_or_default();
    let rights = fields.list("rights").unwrap_or_default().into_iter().map(Spanned::into_inner).collect();
    fields.finish();
    Some(ReadGroup { name: name?, members, rights })
}

pub(crate) struct ReadPool {
    pub(crate) name: Spanned<Pattern>,
    pub(crate) labels: BTreeSet<Label>,
    pub(crate) via: Option<Spanned<HostName>>,
    pub(crate) realm: Option<RealmName>,
}

/// Reads `hosts.toml`.
pub(crate) fn hosts_and_pools(notes: &Notes<'_>) -> (Vec<ReadHost>, Vec<ReadPool>) {
    notes.read(|top, (hosts, pools): &mut (Vec<_>, Vec<_>)| {
        hosts.extend(top.tables("host").into_iter().filter_map(|fields| host(notes, fields)));
        pools.extend(top.tables("pool").into_iter().filter_map(|fields| pool(notes, fields)));
        top.finish();
    })
}

fn pool(notes: &Notes<'_>, fields: Fields<'_>) -> Option<ReadPool> {
    let name = fields.required("name");
    let labels = fields.table("labels").map(|table| labels(notes, &table)).unwrap_or_default();
    let via = fields.optional("via");
    let realm = fields.optional("realm").map(Spanned::into_inner);
    fields.finish();
    Some(ReadPool { name: name?, labels, via, realm })
}

fn host(notes: &Notes<'_>, fields: Fields<'_>) -> Option<ReadHost> {
    const SSH: NonZeroU16 = NonZeroU16::MIN.saturating_add(21);
    let name: Option<Spanned<HostName>> = fields.required("name");
    let aliases = fields.list("aliases").unwrap_or_default();
    let address = fields.optional("address");
    let port = fields.number("port", "a port from 1 to 65535").unwrap_or(SSH);
    let labels = fields.table("labels").map(|table| labels(notes, &table)).unwrap_or_default();
    let via = fields.optional("via");
    let realm: Option<RealmName> = fields.optional("realm").map(Spanned::into_inner);
    let jump_login = fields.optional("jump_login");
    let egress = egress(notes, &fields);
    fields.finish();
    if let (Some(login), Some(realm)) = (&jump_login, &realm) {
        let message =
            format!("a plain host is no jump host: a certificate for `{}` would open that login", login.get_ref());
        let message = format!("{message} on every host of the realm `{realm}`");
        notes.note_with_help(login.span(), message, "name a scoped host as the jump host, or make this one scoped");
    }
    let name = name?;
    let address = address.map_or_else(|| name.get_ref().into(), Spanned::into_inner);
    Some(ReadHost { name, aliases, address, port, labels, via, realm, jump_login, egress })
}

/// Where connections through a jump host come from; few enough to stand in one line of a ruling.
fn egress(notes: &Notes<'_>, fields: &Fields<'_>) -> Option<Networks> {
    const MOST: usize = 8;
    let egress = fields.networks("egress");
    let place = fields.place_of("egress")?;
    if fields.place_of("jump_login").is_none() {
        let help = "leave it out, or say which login here only forwards: jump_login = \"jump\"";
        notes.note_with_help(place, "`egress` is for jump hosts, which have a `jump_login`", help);
    } else if egress.as_ref().is_some_and(|networks| networks.iter().len() > MOST) {
        notes.note(place, format!("a jump host's connections come from {MOST} networks at most; name larger ones"));
    }
    egress
}

fn labels(notes: &Notes<'_>, table: &Fields<'_>) -> BTreeSet<Label> {
    let pairs = table.pairs().into_iter().filter_map(|(key, value)| {
        let label = Label::new(key.get_ref(), value.get_ref());
        label.map_err(|error| notes.note(key.span().start..value.span().end, error.to_string())).ok()
    });
    pairs.collect()
}

//! A request as Cedar sees it: user and host become entities only when somebody asks.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, ParseErrors, Request, RestrictedExpression,
};
use directory::{Directory, Host, User};
use domain::{GroupName, Label, Login, UnixTime};

use crate::conditions::Conditions;
use crate::{Ask, Refusal};

/// The names of the schema, parsed once.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    user: EntityTypeName,
    group: EntityTypeName,
    host: EntityTypeName,
    label: EntityTypeName,
    action: EntityUid,
    pub(crate) approve: EntityUid,
}

impl Vocabulary {
    pub(crate) fn new() -> Result<Self, Box<ParseErrors>> {
        let kind = |name: &str| name.parse::<EntityTypeName>().map_err(Box::new);
        let [action, approve] = ["login", "approve"].map(EntityId::new);
        let action = EntityUid::from_type_name_and_id(kind("Action")?, action);
        let approve = EntityUid::from_type_name_and_id(kind("Action")?, approve);
        let (user, group, host, label) = (kind("User")?, kind("Group")?, kind("Host")?, kind("Label")?);
        Ok(Self { user, group, host, label, action, approve })
    }

    /// The user and its groups, itself first.
    pub(crate) fn user(&self, directory: &Directory, user: &User) -> Vec<EntityUid> {
        let groups = directory.groups_of(&user.name).map(|group| uid(&self.group, group.as_str()));
        std::iter::once(uid(&self.user, user.name.as_str())).chain(groups).collect()
    }

    /// The group.
    pub(crate) fn group(&self, group: &GroupName) -> EntityUid {
        uid(&self.group, group.as_str())
    }

    /// The host and its labels, itself first.
    pub(crate) fn host(&self, host: &Host) -> Vec<EntityUid> {
        std::iter::once(uid(&self.host, host.name.as_str())).chain(self.labels(&host.labels)).collect()
    }

    /// The labels.
    pub(crate) fn labels(&self, labels: &BTreeSet<Label>) -> Vec<EntityUid> {
        labels.iter().map(|label| uid(&self.label, &label.to_string())).collect()
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

/// One user asking for one login on one host.
pub(crate) struct Facts {
    pub(crate) request: Request,
    pub(crate) entities: Entities,
}

/// Who asks, and what stays the same over all hosts of a request.
pub(crate) struct Asker<'a> {
    pub(crate) user: &'a User,
    context: Context,
}

impl<'a> Asker<'a> {
    /// A user asking for a login. Which of the policy's times of day and patterns hold is worked out here, once.
    pub(crate) fn new(
        conditions: &Conditions,
        user: &'a User,
        login: &Login,
        ask: &Ask,
        now: UnixTime,
    ) -> Result<Self, Refusal> {
        let long = |seconds: u64| i64::try_from(seconds).map(RestrictedExpression::new_long).map_err(failed);
        let mut pairs = vec![
            ("login".to_owned(), text(login.as_str())),
            ("window".to_owned(), long(ask.window.seconds())?),
            ("now".to_owned(), long(now.seconds())?),
            ("when".to_owned(), RestrictedExpression::new_set(conditions.at(now).map(text))),
            ("commands".to_owned(), RestrictedExpression::new_set(conditions.of(ask.command.as_ref()).map(text))),
        ];
        pairs.extend(ask.command.iter().map(|command| ("command".to_owned(), text(command.as_str()))));
        pairs.extend(ask.ticket.iter().map(|ticket| ("ticket".to_owned(), text(ticket.as_str()))));
        Ok(Self { user, context: Context::from_pairs(pairs).map_err(failed)? })
    }
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

/// The facts of a request for one host; `user` and `host` are as [`Vocabulary::user`] and [`Vocabulary::host`] give them.
pub(crate) fn facts(
    vocabulary: &Vocabulary,
    asker: &Asker<'_>,
    user: &[EntityUid],
    host: (&Host, &[EntityUid]),
) -> Result<Facts, Refusal> {
    let own = asker.user.login.iter().map(|login| ("login".to_owned(), text(login.as_str())));
    let of_user = std::iter::once(("kind".to_owned(), text(asker.user.kind.as_str()))).chain(own).collect();
    let (host, host_uids) = host;
    let of_host = host.realm.iter().map(|realm| ("realm".to_owned(), text(realm.as_str()))).collect();
    let (principal, user_entity) = entity(user, of_user)?;
    let (resource, host_entity) = entity(host_uids, of_host)?;
    // Adding to none repairs the hierarchy of these two; `from_entities` looks for cycles in all, and takes twice as long.
    let entities = Entities::empty().add_entities([user_entity, host_entity], None).map_err(failed)?;
    let action = vocabulary.action.clone();
    let request = Request::new(principal, action, resource, asker.context.clone(), None).map_err(failed)?;
    Ok(Facts { request, entities })
}

/// An entity from its own id and those of its parents.
pub(crate) fn entity(
    uids: &[EntityUid],
    attributes: HashMap<String, RestrictedExpression>,
) -> Result<(EntityUid, Entity), Refusal> {
    let (own, parents) = uids.split_first().ok_or_else(|| Refusal::Evaluation("an entity without id".to_owned()))?;
    let parents: HashSet<EntityUid> = parents.iter().cloned().collect();
    Ok((own.clone(), Entity::new(own.clone(), attributes, parents).map_err(failed)?))
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::Evaluation(error.to_string())
}

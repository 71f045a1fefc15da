//! What there is to ask for.

use std::collections::BTreeMap;

use directory::{Directory, Host};
use domain::{HostName, RealmName, UnixTime, UserName};
use policy::{Candidate, Policy};
use tonic::{Request, Response, Status};
use wire::v1::hosts_server::Hosts;
use wire::v1::{ListHostsRequest, ListHostsResponse};
use wire::{ListHosts, v1};

use crate::service::Api;
use crate::service::call::Call;

#[tonic::async_trait]
impl Hosts for Api {
    async fn list_hosts(&self, request: Request<ListHostsRequest>) -> Result<Response<ListHostsResponse>, Status> {
        let call = Call::of("ListHosts", &request);
        let (call, session) = self.session(call, request.metadata())?;
        let asked = ListHosts::try_from(request.into_inner()).map_err(|e| self.misread(&call, &e))?;
        let now = self.0.clock.wall().map_err(|fault| self.refuse(&call, &ca::ClockFault::from(fault).into()))?;
        let (bundle, user) = (self.0.ca.bundle(), session.user().clone());
        // Ten thousand hosts are tens of thousands of evaluations: others are served meanwhile.
        let hosts = self.look(move |_| list(bundle.policy(), bundle.directory(), &user, &asked, now)).await?;
        Ok(Response::new(ListHostsResponse { hosts }))
    }
}

fn list(policy: &Policy, directory: &Directory, user: &UserName, asked: &ListHosts, now: UnixTime) -> Vec<v1::Host> {
    let chosen = directory.hosts().filter(|host| asked.selector.as_ref().is_none_or(|s| s.matches(&host.labels)));
    // A request for one host of a realm is ruled on for all of them, so that every host of it has the same logins.
    let mut of_realms: BTreeMap<&RealmName, Vec<Candidate>> = BTreeMap::new();
    let open = chosen.filter_map(|host| {
        let found = || policy::candidates(policy, directory, user, host, now);
        let logins = match &host.realm {
            Some(realm) => of_realms.entry(realm).or_insert_with(found).clone(),
            None => found(),
        };
        (!logins.is_empty()).then_some((host, logins))
    });
    let mut all: BTreeMap<&HostName, (&Host, Vec<Candidate>)> = open.map(|open| (&open.0.name, open)).collect();
    if asked.selector.is_none() {
        // Who may log in behind them forwards through them, and so has to find them.
        let jumps = all.values().flat_map(|(host, _)| directory.jump_hosts(host).into_iter().flatten());
        for (jump, _) in jumps.collect::<Vec<_>>() {
            all.entry(&jump.name).or_insert((jump, Vec::new()));
        }
    }
    all.into_values().map(|(host, logins)| shown(host, logins)).collect()
}

fn shown(host: &Host, logins: Vec<Candidate>) -> v1::Host {
    let host = wire::Host {
        name: host.name.clone(),
        aliases: host.aliases.clone(),
        address: host.address.to_string(),
        port: host.port.get(),
        labels: host.labels.clone(),
        via: host.via.clone(),
        realm: host.realm.clone(),
        logins: logins.into_iter().map(login).collect(),
        jump_login: host.jump_login.clone(),
    };
    host.into()
}

fn login(candidate: Candidate) -> wire::HostLogin {
    let Candidate { login, rule, quorum, max, break_glass, .. } = candidate;
    wire::HostLogin { login, quorum, rule, max, break_glass }
}

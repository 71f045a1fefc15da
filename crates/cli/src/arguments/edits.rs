//! What administrators do with users and hosts in the files of a directory.

use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use directory::Kind;
use domain::{Address, EmailAddress, GroupName, HostName, Label, Login, Network, RealmName, Selector, UserName};

/// What is done with users and their keys.
#[derive(Debug, Subcommand)]
pub(crate) enum UserEdit {
    /// Add a user to directory.toml, and to groups that are there.
    Add(UserAdd),
    /// List the keys of a user; with --add, bind one more.
    Keys(UserKeys),
}

#[derive(Debug, Args)]
pub(crate) struct UserAdd {
    /// The user's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: UserName,
    /// A public key of the user: its .pub file. May be repeated.
    // The global option of this name says what signs; here it is the user's. Both are one to the parser, so this is a
    // text as well, and `Arguments::sorted` takes it from the other.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) key: Vec<String>,
    /// A group to become a member of. May be repeated.
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Vec<GroupName>,
    /// The Unix account that `self` stands for.
    #[arg(long, value_name = "LOGIN")]
    pub(crate) login: Option<Login>,
    /// Where mail to the user goes, where the server sends some.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<EmailAddress>,
    /// What it is: `person`, or `service` for a program, which needs an owner.
    #[arg(long, value_name = "KIND", default_value = "person")]
    pub(crate) kind: Kind,
    /// The person who answers for a program, or whose second account this is.
    #[arg(long, value_name = "USER")]
    pub(crate) owner: Option<UserName>,
    /// For a program: a network that its certificates may be used from; several with commas, or repeated.
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    pub(crate) source: Vec<Network>,
    /// For a program: it decides on requests of others, in its owner's place.
    #[arg(long)]
    pub(crate) approves: bool,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
pub(crate) struct UserKeys {
    /// The user's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: UserName,
    /// A public key to bind to the user: its .pub file.
    #[arg(long, value_name = "FILE")]
    pub(crate) add: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// What is done with hosts.
#[derive(Debug, Subcommand)]
pub(crate) enum HostEdit {
    /// Add a host to hosts.toml.
    Add(HostAdd),
    /// List the hosts of hosts.toml.
    List(HostList),
}

#[derive(Debug, Args)]
pub(crate) struct HostAdd {
    /// The host's own name: a lowercase DNS name.
    #[arg(value_name = "NAME")]
    pub(crate) name: HostName,
    /// Where to connect; the name if absent.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<Address>,
    /// The port of its sshd; 22 if absent.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<NonZeroU16>,
    /// A label, such as env=prod; several with commas, or repeated.
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) label: Vec<Label>,
    /// Another name that people type. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) alias: Vec<HostName>,
    /// The jump host, itself a host of the file.
    #[arg(long, value_name = "HOST")]
    pub(crate) via: Option<HostName>,
    /// The realm, for a plain host: a certificate for one of its hosts opens them all.
    #[arg(long, value_name = "REALM")]
    pub(crate) realm: Option<RealmName>,
    /// The login there that only forwards to other hosts, for a jump host.
    #[arg(long, value_name = "LOGIN")]
    pub(crate) jump_login: Option<Login>,
    /// Networks that connections through it come from, for a jump host; its address if absent.
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    pub(crate) egress: Vec<Network>,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
pub(crate) struct HostList {
    /// Only hosts with all of these labels, such as env=prod,role=web.
    #[arg(value_name = "LABELS")]
    pub(crate) labels: Option<Selector>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// Whose files.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// The directory with directory.toml, hosts.toml and access.toml.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
}

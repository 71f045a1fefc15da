//! How long it takes to rule on the past again: a server with so many requests, and `hallpass admin policy replay` on it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use dial::{Bearer, Connection};
use domain::{Approval, Digest};
use statement::{Canonical as _, DecisionStatement, RequestStatement, RulingText, ServerId};
use tokio::task::JoinSet;
use wire::v1::{DecideRequest, SubmitRequest};

use crate::Options;
use crate::failure::Failure;
use crate::inventory;
use crate::product::Product;
use crate::side::{Answer, Side};
use crate::taker::{Taker, header, now};

/// How many calls are under way at once.
const AT_ONCE: usize = 64;
/// One request in so many needs an approval, and has one: the others are `auto`.
const APPROVED: usize = 4;
/// Who looks back: a user with the right `audit`.
const AUDITOR: &str = "auditor";

/// Makes the requests, and measures what ruling on them again takes: by the same files, and by changed ones.
pub(crate) async fn run(options: &Options, requests: usize, program: &Path, place: &Path) -> Result<(), Failure> {
    fs::create_dir_all(place).map_err(Failure::file(place))?;
    let takers = inventory::takers()?;
    let product = Product::prepare(program, place, &takers)?;
    let client = Client::prepare(options, program, place, product.root())?;
    let server = product.start()?;
    let side = Side::connect("hallpassd", Answer::Certificate, &product.address, takers).await?;
    println!("{} users, {} hosts; making {requests} requests", inventory::USERS, inventory::HOSTS);
    make(&side, requests).await?;
    client.log_in(&product.address, side.server())?;
    let same = client.replayed(product.root())?;
    println!("by the files that ruled: {same:?}");
    let changed = place.join("changed");
    copy_loosened(product.root(), &changed)?;
    let other = client.replayed(&changed)?;
    println!("by changed files:        {other:?}");
    println!("hallpassd afterwards:    {:.1} MiB", server.resident_mib()?);
    client.run(&["agent", "--stop"])?;
    server.stop()?;
    let differs = requests.div_ceil(APPROVED);
    if (same.requests, same.same) == (requests, requests)
        && (other.requests, other.same) == (requests, requests - differs)
    {
        return Ok(());
    }
    Err(Failure::Verdict(vec![format!(
        "{requests} requests were made, of which {differs} should differ by changed files"
    )]))
}

/// Every taker asks in turn, each time for another host; who comes next approves what needs it.
async fn make(side: &Side, requests: usize) -> Result<(), Failure> {
    for first in (0..requests).step_by(AT_ONCE) {
        let mut waiting = Vec::new();
        let mut under_way = JoinSet::new();
        for number in first..requests.min(first + AT_ONCE) {
            let (by, connection) = (taker(side, number)?, connection(side, number)?);
            let statement = Some(by.user_key.sign(&request(side.server(), by, number)?)?);
            under_way.spawn(async move {
                let answer = connection.requests(&Bearer::none()).submit(SubmitRequest { statement }).await;
                answer.map(|answer| (number, answer.into_inner().request))
            });
        }
        while let Some(done) = under_way.join_next().await {
            let answer = done.map_err(Failure::broken("a call broke off"))?;
            let (number, request) = answer.map_err(Failure::broken("a request was refused"))?;
            let request = wire::Request::try_from(request).map_err(Failure::broken("an answer cannot be read"))?;
            if request.state == wire::State::Pending {
                waiting.push((number, request));
            }
        }
        approve(side, waiting).await?;
    }
    Ok(())
}

async fn approve(side: &Side, waiting: Vec<(usize, wire::Request)>) -> Result<(), Failure> {
    let mut under_way = JoinSet::new();
    for (number, request) in waiting {
        let (by, connection) = (taker(side, number + 1)?, connection(side, number)?);
        let statement = Some(by.user_key.sign(&decision(side.server(), by, &request)?)?);
        under_way.spawn(async move { connection.requests(&Bearer::none()).decide(DecideRequest { statement }).await });
    }
    while let Some(done) = under_way.join_next().await {
        let answer = done.map_err(Failure::broken("a call broke off"))?;
        answer.map_err(Failure::broken("an approval was refused"))?;
    }
    Ok(())
}

fn connection(side: &Side, number: usize) -> Result<Connection, Failure> {
    let found = side.connections().get(number % side.connections().len().max(1)).cloned();
    found.ok_or(Failure::Broken("no connection", "there is none".into()))
}

fn taker(side: &Side, number: usize) -> Result<&Taker, Failure> {
    let found = side.takers.get(number % side.takers.len().max(1));
    found.ok_or(Failure::Broken("nobody asks", "there are no users".into()))
}

fn request(server: &ServerId, by: &Taker, number: usize) -> Result<RequestStatement, Failure> {
    // Of four hosts the first is for the web and in production.
    let host = format!("host-{:05}.example.com", number * 4 % inventory::HOSTS);
    let login = if number.is_multiple_of(APPROVED) { "root" } else { "deploy" };
    Ok(RequestStatement {
        header: header(server, now()?, None),
        requester: by.user.clone(),
        access: format!("{login}@{host}").parse().map_err(Failure::broken("no access"))?,
        start: None,
        window: "30m".parse().map_err(Failure::broken("no window"))?,
        uses: None,
        command: None,
        reason: format!("INC-{number} measuring how fast the past is ruled on")
            .parse()
            .map_err(Failure::broken("no reason"))?,
        ticket: None,
        connecting_key: by.connecting_key.public().clone(),
        rule: None,
        break_glass: None,
        extends: None,
    })
}

fn decision(server: &ServerId, by: &Taker, request: &wire::Request) -> Result<DecisionStatement, Failure> {
    let text = std::str::from_utf8(&request.ruling).map_err(Failure::broken("a ruling is no text"))?;
    let ruling = RulingText::parse(text).map_err(Failure::broken("a ruling cannot be read"))?;
    Ok(DecisionStatement {
        header: header(server, now()?, None),
        approver: by.user.clone(),
        id: request.id,
        request: Digest::of(request.statement.text()),
        ruling: ruling.digest(),
        allows: ruling.in_words().clone(),
        verdict: Approval::Approve,
        comment: None,
    })
}

/// The files of a server, in which root on production takes nobody's approval.
fn copy_loosened(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to).map_err(Failure::file(to))?;
    for file in ["directory.toml", "hosts.toml", "access.toml"] {
        let text = fs::read_to_string(from.join(file)).map_err(Failure::file(from))?;
        let text = if file == "access.toml" { text.replace("\"1 of oncall\"", "\"auto\"") } else { text };
        fs::write(to.join(file), text).map_err(Failure::file(to))?;
    }
    Ok(())
}

/// `hallpass` with a home of its own.
struct Client {
    program: PathBuf,
    home: PathBuf,
}

/// What a replay said, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Replayed {
    requests: usize,
    same: usize,
    seconds: f64,
}

impl Client {
    /// Makes the auditor's key, and makes the auditor one.
    fn prepare(options: &Options, hallpassd: &Path, place: &Path, server: &Path) -> Result<Self, Failure> {
        let program = options.hallpass.clone().unwrap_or_else(|| hallpassd.with_file_name("hallpass"));
        let home = place.join("home");
        if home.exists() {
            fs::remove_dir_all(&home).map_err(Failure::file(&home))?;
        }
        fs::create_dir_all(&home).map_err(Failure::file(&home))?;
        let client = Self { program, home };
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(client.key());
        done("ssh-keygen", &mut keygen, &[0])?;
        let public = fs::read_to_string(client.key().with_extension("pub")).map_err(Failure::file(&client.key()))?;
        let directory = server.join("directory.toml");
        let text = fs::read_to_string(&directory).map_err(Failure::file(&directory))?;
        let auditor = format!(
            "[[user]]\nname = \"{AUDITOR}\"\nkeys = [\"{}\"]\n\n\
             [[group]]\nname = \"auditors\"\nmembers = [\"{AUDITOR}\"]\nrights = [\"audit\"]\n",
            public.trim()
        );
        fs::write(&directory, text + &auditor).map_err(Failure::file(&directory))?;
        Ok(client)
    }

    fn key(&self) -> PathBuf {
        self.home.join("key")
    }

    fn log_in(&self, address: &str, server: &ServerId) -> Result<(), Failure> {
        let place = format!("{address}#{}", server.ledger_key);
        let key = self.key().display().to_string();
        self.run(&["login", &place, "--as", "bench", "--user", AUDITOR, "--key", &key]).map(drop)
    }

    /// Rules on the last hour again by these files.
    fn replayed(&self, with: &Path) -> Result<Replayed, Failure> {
        let began = Instant::now();
        let with = with.display().to_string();
        let output = self.run(&["admin", "policy", "replay", "--since", "1d", "--with", &with, "--json"])?;
        let seconds = began.elapsed().as_secs_f64();
        let told: serde_json::Value =
            serde_json::from_slice(&output.stdout).map_err(Failure::broken("a replay tells no JSON"))?;
        let count =
            |field: &str| told.get(field).and_then(serde_json::Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let counts = count("requests").zip(count("same"));
        let (requests, same) = counts.ok_or(Failure::Broken("a replay tells no counts", told.to_string().into()))?;
        Ok(Replayed { requests, same, seconds })
    }

    /// 1 is the exit code of a replay that found differences, too.
    fn run(&self, arguments: &[&str]) -> Result<Output, Failure> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().env("HOME", &self.home).env("XDG_RUNTIME_DIR", &self.home);
        command.envs(std::env::var_os("PATH").map(|path| (OsStr::new("PATH").to_owned(), path)));
        done("hallpass", &mut command, &[0, 1])
    }
}

fn done(program: &'static str, command: &mut Command, codes: &[i32]) -> Result<Output, Failure> {
    let output = command.output().map_err(|source| Failure::Start { program: program.to_owned(), source })?;
    if output.status.code().is_some_and(|code| codes.contains(&code)) {
        return Ok(output);
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::Broken("a program that is measured, or needed for it, failed", why.into()))
}

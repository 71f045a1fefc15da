//! `hallpass admin policy push|sign|pull|log|rollback`: bundles of a running server.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use domain::Digest;
use ledger::bundle_digest;
use policy::{Files, Read};
use serde::Serialize;
use statement::{Act, ActStatement, BundleChange, read_signed, write_signed};
use wire::{BundleHead, BundleLoad, SignedText, v1};

use crate::app::{App, Joined, Look, Report, text};
use crate::arguments::bundles::{PolicyPull, PolicyPush, PolicyRollback, PolicySign};
use crate::command::policy::{Told, load};
use crate::failure::{Exit, Failure};
use crate::link::{Contents, listed};
use crate::table::{Cell, Table, Tone};
use crate::terminal::Colours;
use crate::when;

/// Why a bundle was left alone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// It is in force.
    #[error("these files are what is in force already; nothing was changed")]
    InForce,
    /// A file cannot be read or written.
    #[error("{} cannot be used", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// A file is there.
    #[error("{} is there already; name another directory: --out DIR", .0.display())]
    There(PathBuf),
    /// A file of signatures/ is none.
    #[error("{} is no signed text; remove it, or have it signed anew", .0.display())]
    NotSigned(PathBuf, #[source] statement::NotSigned),
    /// It is no statement for the server.
    #[error("{} cannot be sent", .0.display())]
    NotSent(PathBuf, #[source] wire::WireError),
}

pub(crate) async fn push(app: &App<'_>, asked: &PolicyPush) -> Result<Exit, Failure> {
    let reason = asked.reason.as_deref().map(|given| text("--message", given)).transpose()?;
    let files = load(&asked.dir)?.files.contents();
    let mut joined = app.joined().await?;
    let (before, was) = joined.link.bundle(None).await?;
    let change = changed(app, &before, &was, &files)?;
    if !asked.yes {
        app.agreed("Put these files in force? [y/N] ").await?;
    }
    let signatures = signatures(&asked.dir)?;
    let signed = signed(app, &joined, Act::LoadBundle(change), reason).await?;
    joined.link.push(signed, signatures, &files).await?;
    app.report(&InForce { server: joined.server.name.to_string(), digest: change.bundle.to_string() })?;
    Ok(Exit::Done)
}

pub(crate) async fn sign(app: &App<'_>, asked: &PolicySign) -> Result<Exit, Failure> {
    let joined = app.joined().await?;
    let (before, was) = joined.link.bundle(None).await?;
    let files = match asked.rollback {
        None => load(&asked.dir)?.files.contents(),
        Some(digest) => joined.link.bundle(Some(digest)).await?.1,
    };
    let change = changed(app, &before, &was, &files)?;
    if !asked.yes {
        app.agreed("Sign that this may be put in force? [y/N] ").await?;
    }
    let signed = signed(app, &joined, Act::SignBundle(change), None).await?;
    let directory = asked.dir.join("signatures");
    let path = directory.join(format!("{}.signed", joined.session.user));
    let file = |error| BundleError::File(path.clone(), error);
    std::fs::create_dir_all(&directory).map_err(file)?;
    std::fs::write(&path, write_signed(&signed.text, signed.signature.as_bytes())).map_err(file)?;
    app.report(&Signed { file: path.display().to_string(), digest: change.bundle.to_string() })?;
    Ok(Exit::Done)
}

pub(crate) async fn pull(app: &App<'_>, asked: &PolicyPull) -> Result<Exit, Failure> {
    let joined = app.joined().await?;
    let (head, files) = joined.link.bundle(asked.digest).await?;
    if let Some(there) = files.keys().map(|name| asked.out.join(name)).find(|path| path.exists()) {
        return Err(BundleError::There(there).into());
    }
    for (name, content) in &files {
        // Names are those of a bundle, and no paths: its digest was compared, and the server takes no others.
        let name = Files::NAMES.into_iter().find(|known| known == name).ok_or(wire::WireError::Missing("file"));
        let path = asked.out.join(name.map_err(crate::link::LinkError::from)?);
        std::fs::create_dir_all(&asked.out)
            .and_then(|()| std::fs::write(&path, content))
            .map_err(|error| BundleError::File(path, error))?;
    }
    let amendments = head.amendments.iter().map(|amended| format!("{} {}", amended.verb(), amended.target()));
    app.report(&Pulled {
        digest: head.digest.to_string(),
        out: asked.out.display().to_string(),
        amendments: amendments.collect(),
    })?;
    Ok(Exit::Done)
}

pub(crate) async fn log(app: &App<'_>) -> Result<Exit, Failure> {
    let joined = app.joined().await?;
    app.report(&Log { loads: joined.link.bundles().await?.into_iter().map(Loaded).collect() })?;
    Ok(Exit::Done)
}

pub(crate) async fn rollback(app: &App<'_>, asked: &PolicyRollback) -> Result<Exit, Failure> {
    let reason = Some(text("--message", &asked.reason)?);
    let mut joined = app.joined().await?;
    let (before, was) = joined.link.bundle(None).await?;
    let files = joined.link.bundle(Some(asked.digest)).await?.1;
    let change = changed(app, &before, &was, &files)?;
    if !asked.yes {
        app.agreed("Go back to this bundle? [y/N] ").await?;
    }
    let signatures = signatures(&asked.dir)?;
    let signed = signed(app, &joined, Act::RollBack(change), reason).await?;
    joined.link.roll_back(signed, signatures).await?;
    app.report(&InForce { server: joined.server.name.to_string(), digest: change.bundle.to_string() })?;
    Ok(Exit::Done)
}

/// Shows what changes, and names the change: the bundle, and what it comes after.
fn changed(app: &App<'_>, before: &BundleHead, was: &Contents, files: &Contents) -> Result<BundleChange, Failure> {
    let bundle = bundle_digest(&listed(files));
    if bundle == before.digest {
        return Err(BundleError::InForce.into());
    }
    let unread =
        || format!("Not compared: this `hallpass` cannot read the bundle {}; is it an old one?\n", before.digest);
    let differs = in_words(app, before, was, files)?.unwrap_or_else(unread) + &in_lines(was, files);
    differs.lines().for_each(|line| app.context.terminal.note(line));
    for amended in &before.amendments {
        let still = format!("still in force beside it: {} {}", amended.verb(), amended.target());
        app.context.terminal.note(&still);
    }
    Ok(BundleChange { bundle, after: before.in_force })
}

/// Who gains, who loses what, with what is in force beside either. None when this program cannot read one of the two.
fn in_words(app: &App<'_>, before: &BundleHead, was: &Contents, files: &Contents) -> Result<Option<String>, Failure> {
    let understood = |contents: &Contents| Files::of(contents.clone()).ok()?.understand().ok();
    let (Some((old, was)), Some((new, is))) = (understood(was), understood(files)) else { return Ok(None) };
    let (old, new) = (old.amended(&before.amendments), new.amended(&before.amendments));
    let (old, new) = (Read { directory: &old, policy: &was }, Read { directory: &new, policy: &is });
    let difference = policy::difference(old, new, app.context.now()?);
    Ok(Some(match difference.is_empty() {
        true => "No difference in what they mean; only how it is written differs.\n".to_owned(),
        false => Told::from(&difference).text(Colours::Off),
    }))
}

fn in_lines(was: &Contents, files: &Contents) -> String {
    let told = Files::NAMES.iter().filter_map(|name| {
        let (old, new) = (lines(was, name), lines(files, name));
        let (gone, come) = (old.difference(&new).count(), new.difference(&old).count());
        (gone + come > 0).then(|| format!("{name}: lines added {come}, removed {gone}\n"))
    });
    told.collect()
}

fn lines<'f>(files: &'f Contents, name: &str) -> HashSet<&'f str> {
    let bytes = files.get(name).map(Vec::as_slice).unwrap_or_default();
    str::from_utf8(bytes).unwrap_or_default().lines().collect()
}

async fn signed(
    app: &App<'_>,
    joined: &Joined,
    act: Act,
    reason: Option<domain::Text>,
) -> Result<statement::Signed, Failure> {
    let signing = app.signing(joined).await?;
    let statement = ActStatement { header: joined.header(app)?, user: joined.session.user.clone(), act, reason };
    app.sign(&signing, &statement).await
}

/// What the signers of a bundle signed: the files of signatures/, where there are any.
fn signatures(dir: &Path) -> Result<Vec<v1::Signed>, Failure> {
    let directory = dir.join("signatures");
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let listed = std::fs::read_dir(&directory).map_err(|error| BundleError::File(directory.clone(), error))?;
    let mut paths: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "signed"));
    paths.sort();
    let each = paths.into_iter().map(|path| {
        let file = std::fs::read_to_string(&path).map_err(|error| BundleError::File(path.clone(), error))?;
        let (text, signature) = read_signed(&file).map_err(|error| BundleError::NotSigned(path.clone(), error))?;
        let signed =
            SignedText::new(text.into_bytes(), signature).map_err(|error| BundleError::NotSent(path, error))?;
        Ok(signed.into())
    });
    each.collect()
}

#[derive(Serialize)]
struct InForce {
    server: String,
    digest: String,
}

impl Report for InForce {
    fn text(&self, _: &Look<'_>) -> String {
        format!("The bundle {} is in force at {}.\n", self.digest, self.server)
    }
}

#[derive(Serialize)]
struct Signed {
    file: String,
    digest: String,
}

impl Report for Signed {
    fn text(&self, _: &Look<'_>) -> String {
        format!(
            "Signed the bundle {}: {}.\nWhen there are enough, put it in force: hallpass admin policy push DIR\n",
            self.digest, self.file
        )
    }
}

#[derive(Serialize)]
struct Pulled {
    digest: String,
    out: String,
    amendments: Vec<String>,
}

impl Report for Pulled {
    fn text(&self, _: &Look<'_>) -> String {
        let mut told = format!("Wrote the bundle {} into {}.\n", self.digest, self.out);
        if !self.amendments.is_empty() {
            told.push_str("Beside it is in force, and belongs into the files:\n");
            self.amendments.iter().for_each(|amended| told.push_str(&format!("  {amended}\n")));
        }
        told
    }
}

#[derive(Serialize)]
struct Log {
    loads: Vec<Loaded>,
}

struct Loaded(BundleLoad);

impl Serialize for Loaded {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let BundleLoad { entry, time, digest, origin, user } = &self.0;
        let fields: BTreeMap<&str, serde_json::Value> = BTreeMap::from([
            ("entry", (*entry).into()),
            ("time", time.to_string().into()),
            ("bundle", digest.to_string().into()),
            ("origin", origin.clone().into()),
            ("user", user.as_ref().map(ToString::to_string).into()),
        ]);
        fields.serialize(serializer)
    }
}

impl Report for Log {
    fn text(&self, look: &Look<'_>) -> String {
        let mut table = Table::new(["ENTRY", "WHEN", "BUNDLE", "FROM", "BY"]);
        for (place, Loaded(load)) in self.loads.iter().enumerate() {
            let tone = if place == 0 { Tone::Good } else { Tone::Plain };
            table.row([
                load.entry.into(),
                when::full(load.time, look.zone).into(),
                Cell::new(short(load.digest), tone),
                load.origin.clone().into(),
                load.user.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string).into(),
            ]);
        }
        table.render(look.colours)
    }
}

fn short(digest: Digest) -> String {
    digest.to_string()
}

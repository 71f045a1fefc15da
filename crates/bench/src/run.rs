//! A whole run, in order.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::failure::Failure;
use crate::figures::{median, micros};
use crate::floor::Work;
use crate::process::Server;
use crate::product::{Product, ask_for_grants, free_address, name};
use crate::readback::Ledger;
use crate::report::{AtRest, Report};
use crate::rounds::{Effort, Sides, level};
use crate::side::{Answer, Side};
use crate::taker::Taker;
use crate::{Options, durability, history, inventory, machine, primitives, rulings, stops};

/// How often the start is measured.
const STARTS: usize = 5;
/// How long a server rests before its memory is read.
const REST: Duration = Duration::from_secs(2);

/// Measures everything, tells it, and fails when the run does not count.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    if options.rulings {
        return rulings::run();
    }
    let (program, place) = places(options)?;
    std::fs::create_dir_all(&place).map_err(Failure::file(&place))?;
    let store_fs = machine::file_system(&place)?;
    if !machine::is_durable(&store_fs) {
        let why =
            format!("{} is on {store_fs}, where nothing is durable; choose another place by --dir", place.display());
        return Err(Failure::Verdict(vec![why]));
    }
    if let Some(requests) = options.history {
        let requests = usize::try_from(requests).map_err(Failure::broken("too many requests"))?;
        return history::run(options, requests, &program, &place).await;
    }
    if options.stops {
        return stops::run(&program, &place).await;
    }
    let sync_us = machine::sync_us(&place)?;

    let takers = inventory::takers()?;
    let product = Product::prepare(&program, &place, &takers)?;
    println!("{} users and {} hosts in {}", inventory::USERS, inventory::HOSTS, place.display());
    let (server, at_rest) = at_rest(&product)?;

    let (_floor, floor) = bare(Work::Floor, &place, &takers).await?;
    let (_echo, echo) = bare(Work::Echo, &place, &takers).await?;
    let primitives = primitives::measure(&floor.takers, floor.server())?;
    let mut product_side = Side::connect("hallpassd", Answer::Certificate, &product.address, takers).await?;
    ask_for_grants(&mut product_side).await?;

    let mut sides = Sides { floor, product: product_side, echo };
    let effort = Effort { pairs: options.pairs.into(), seconds: options.seconds.into() };
    let mut levels = Vec::new();
    for &callers in &options.callers {
        println!("{} rounds of echo, floor and product, {callers} at a time", effort.pairs);
        levels.push(level(&mut sides, callers, effort).await?);
    }
    let rss_after_mib = server.resident_mib()?;
    server.stop()?;
    println!("counting fsyncs under strace");
    let (durability, product_side) = durability::count(&product, sides.product, &place).await?;
    let ledger = Ledger::open(product.root(), name()?)?;
    let differences = ledger.differences(&product_side)?;
    let wrong: Vec<String> = [&product_side, &sides.floor, &sides.echo]
        .iter()
        .flat_map(|s| s.wrong.iter().map(|why| format!("{}: {why}", s.name)))
        .collect();
    let report =
        Report { store_fs, sync_us, at_rest, rss_after_mib, primitives, levels, durability, differences, wrong };
    report.tell(&ledger)
}

/// The server that is measured, and where it works.
fn places(options: &Options) -> Result<(PathBuf, PathBuf), Failure> {
    let ours = std::env::current_exe().map_err(Failure::broken("this program does not know where it is"))?;
    let beside = ours.parent().unwrap_or(Path::new("."));
    let program = options.hallpassd.clone().unwrap_or_else(|| beside.join("hallpassd"));
    let place = options.dir.clone().unwrap_or_else(|| beside.join("bench"));
    Ok((program, place))
}

/// Starts the server several times; the last one rests for a while, and stays.
fn at_rest(product: &Product) -> Result<(Server, AtRest), Failure> {
    // The first start makes the bundle's entry, which others do not.
    product.start()?.stop()?;
    let mut starts = Vec::new();
    for _ in 1..STARTS {
        let server = product.start()?;
        starts.push(micros(server.started_in()) / 1e3);
        server.stop()?;
    }
    let server = product.start()?;
    starts.push(micros(server.started_in()) / 1e3);
    std::thread::sleep(REST);
    let rss_mib = server.resident_mib()?;
    Ok((server, AtRest { start_ms: median(&starts), rss_mib }))
}

/// Starts what the product is compared with: this very program, in another role.
async fn bare(work: Work, place: &Path, takers: &[Taker]) -> Result<(Server, Side), Failure> {
    let (name, answer, role) = match work {
        Work::Floor => ("floor", Answer::Certificate, "floor"),
        Work::Echo => ("echo", Answer::Echo, "echo"),
    };
    let ours = std::env::current_exe().map_err(Failure::broken("this program does not know where it is"))?;
    let address = free_address()?;
    let server = Server::start(
        name,
        Command::new(ours).args(["bare", role, &address]),
        &place.join(name).with_extension("log"),
    )?;
    let takers = takers.iter().map(Taker::at_another_server).collect::<Result<_, _>>()?;
    Ok((server, Side::connect(name, answer, &address, takers).await?))
}

//! Callers: each sends the next statement as soon as its last was answered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dial::{Bearer, Carrier, Connection};
use tokio::task::JoinSet;
use tonic::Status;
use wire::v1::requests_client::RequestsClient;
use wire::v1::{FetchRequest, FetchResponse};

use crate::failure::Failure;
use crate::figures::{micros, number};

/// What came of a number of calls.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) took: Duration,
    /// Of each answered call, in microseconds, ascending.
    pub(crate) latencies: Vec<f64>,
    pub(crate) responses: Vec<FetchResponse>,
    pub(crate) errors: Vec<Status>,
}

impl Answers {
    /// Answered calls a second.
    pub(crate) fn per_second(&self) -> f64 {
        number(self.responses.len()) / self.took.as_secs_f64().max(1e-9)
    }
}

type Stock = Arc<Mutex<std::vec::IntoIter<FetchRequest>>>;
type Client = RequestsClient<Carrier>;

/// Has so many callers, spread over the connections, send all of these statements.
pub(crate) async fn drive(
    connections: &[Connection],
    callers: usize,
    stock: Vec<FetchRequest>,
) -> Result<Answers, Failure> {
    let stock: Stock = Arc::new(Mutex::new(stock.into_iter()));
    let clients: Vec<Client> = connections.iter().map(|connection| connection.requests(&Bearer::none())).collect();
    let mut running = JoinSet::new();
    let start = Instant::now();
    for client in clients.iter().cycle().take(callers) {
        running.spawn(call(client.clone(), Arc::clone(&stock)));
    }
    let mut all = Answers::default();
    while let Some(done) = running.join_next().await {
        let done = done.map_err(Failure::broken("a caller stopped"))?;
        all.took = start.elapsed();
        all.latencies.extend(done.latencies);
        all.responses.extend(done.responses);
        all.errors.extend(done.errors);
    }
    all.latencies.sort_by(f64::total_cmp);
    Ok(all)
}

async fn call(mut client: Client, stock: Stock) -> Answers {
    let mut answers = Answers::default();
    while let Some(fetch) = next(&stock) {
        let start = Instant::now();
        match client.fetch(fetch).await {
            Ok(response) => {
                answers.latencies.push(micros(start.elapsed()));
                answers.responses.push(response.into_inner());
            }
            Err(status) => answers.errors.push(status),
        }
    }
    answers
}

fn next(stock: &Stock) -> Option<FetchRequest> {
    stock.lock().unwrap_or_else(PoisonError::into_inner).next()
}

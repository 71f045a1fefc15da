//! One of the servers as its clients see it, and what they got from it.

use std::collections::BTreeMap;

use dial::{Address, Connection};
use domain::{Digest, PublicKey};
use statement::ServerId;
use wire::v1::{FetchRequest, FetchResponse};

use crate::failure::Failure;
use crate::figures::{number, percentile};
use crate::load::{Answers, drive};
use crate::receipt::{check_all, remember_head};
use crate::taker::{Taker, sign_fetches};

/// How many connections the callers share.
const CONNECTIONS: usize = 8;
/// How many different statements the echo is sent: it does not read them.
const ECHOED: usize = 4_096;

/// Whether answers are certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Each is a new certificate.
    Certificate,
    /// Each is the same again.
    Echo,
}

/// A server and its clients.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) takers: Vec<Taker>,
    answer: Answer,
    server: ServerId,
    ca: PublicKey,
    connections: Vec<Connection>,
    /// Every certificate that was received: by serial, the digest of what the CA signed.
    pub(crate) received: BTreeMap<u64, Digest>,
    /// Calls that failed, and certificates that were not what was asked for.
    pub(crate) wrong: Vec<String>,
}

/// A timed part.
#[derive(Debug, Clone)]
pub(crate) struct Timed {
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Bytes of what a call carries there and back, on average.
    pub(crate) message_bytes: f64,
    /// The smallest and the largest serial.
    pub(crate) serials: Option<(u64, u64)>,
}

impl Side {
    /// Connects; the server is this program's own child, so its pin is what it says.
    pub(crate) async fn connect(
        name: &'static str,
        answer: Answer,
        address: &str,
        takers: Vec<Taker>,
    ) -> Result<Self, Failure> {
        let address: Address = address.parse().map_err(Failure::broken("no address"))?;
        let failed = |why| Failure::Dial(name, why);
        let pin = dial::probe(&address).await.map_err(failed)?;
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            connections.push(dial::connect(&address, &pin).await.map_err(failed)?);
        }
        let first = connections.first().ok_or(Failure::Broken("no connection", name.into()))?;
        let ca = first.server().user_ca.clone();
        let server = ServerId { name: pin.name, ledger_key: pin.ledger_key };
        let (received, wrong) = (BTreeMap::new(), Vec::new());
        Ok(Self { name, takers, answer, server, ca, connections, received, wrong })
    }

    pub(crate) const fn server(&self) -> &ServerId {
        &self.server
    }

    /// The clients' connections.
    pub(crate) fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// Connects the same clients again, after the server was started again.
    pub(crate) async fn reconnect(self, address: &str) -> Result<Self, Failure> {
        let Self { name, takers, answer, received, wrong, .. } = self;
        let side = Self::connect(name, answer, address, takers).await?;
        Ok(Self { received, wrong, ..side })
    }

    /// Signs so many statements, then has so many callers send them all, timed; then checks what came.
    pub(crate) async fn part(&mut self, callers: usize, count: usize) -> Result<Timed, Failure> {
        let stock = match self.answer {
            Answer::Certificate => sign_fetches(&self.takers, &self.server, count)?,
            Answer::Echo => {
                let few = sign_fetches(&self.takers, &self.server, count.min(ECHOED))?;
                few.iter().cycle().take(count).cloned().collect()
            }
        };
        let asked: usize = stock.iter().map(asked_bytes).sum();
        let answers = drive(&self.connections, callers, stock).await?;
        let answered: usize = answers.responses.iter().map(answered_bytes).sum();
        let message_bytes = number(asked) / number(count) + number(answered) / number(answers.responses.len()).max(1.0);
        Ok(self.take(&answers, message_bytes))
    }

    fn take(&mut self, answers: &Answers, message_bytes: f64) -> Timed {
        self.wrong.extend(answers.errors.iter().map(|status| format!("{}: {}", status.code(), status.message())));
        let mut serials = None;
        if self.answer == Answer::Echo {
            remember_head(answers.responses.first(), &mut self.takers);
        } else {
            let (receipts, wrong) = check_all(&answers.responses, &mut self.takers, &self.ca);
            self.wrong.extend(wrong);
            for receipt in receipts {
                let serial = receipt.serial;
                if self.received.insert(serial, receipt.to_be_signed).is_some() {
                    self.wrong.push(format!("serial {serial} came twice"));
                }
                let (low, high) = serials.unwrap_or((serial, serial));
                serials = Some((serial.min(low), serial.max(high)));
            }
        }
        Timed {
            per_second: answers.per_second(),
            p50_us: percentile(&answers.latencies, 50),
            p99_us: percentile(&answers.latencies, 99),
            message_bytes,
            serials,
        }
    }
}

fn asked_bytes(fetch: &FetchRequest) -> usize {
    fetch.statement.as_ref().map_or(0, |signed| signed.text.len() + signed.signature.len())
}

fn answered_bytes(response: &FetchResponse) -> usize {
    let head = response.checkpoint.as_ref().map_or(0, |head| head.root.len() + head.signature.len());
    head + response.certificates.iter().map(|issued| issued.pair.len() + issued.certificate.len()).sum::<usize>()
}

//! The floor and the echo, and what is found out about certificates.

use tokio::net::TcpListener;

use crate::floor::{Work, serve};
use crate::side::{Answer, Side};
use crate::{inventory, product};

async fn side(work: Work, answer: Answer) -> Side {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { serve(work, &product::name().unwrap(), listener).await });
    Side::connect("bare", answer, &address, inventory::takers().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_floor_gives_every_caller_a_certificate_of_their_own() {
    let mut floor = side(Work::Floor, Answer::Certificate).await;
    let timed = floor.part(16, 200).await.unwrap();
    assert_eq!(floor.wrong, Vec::<String>::new());
    assert_eq!(floor.received.len(), 200);
    assert_eq!(timed.serials.map(|(low, high)| high - low), Some(199));
    assert!(timed.per_second > 0.0 && timed.p50_us <= timed.p99_us);
    assert!(floor.takers.iter().all(|taker| taker.seen.is_some()), "clients remember the checkpoint they saw");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_asked_for_is_an_error() {
    let mut floor = side(Work::Floor, Answer::Certificate).await;
    let (first, rest) = floor.takers.split_at_mut(1);
    std::mem::swap(&mut first[0].pair, &mut rest[0].pair);
    floor.part(1, 64).await.unwrap();
    assert_eq!(floor.wrong, Vec::<String>::new(), "whoever signs may take what they name, on the floor");

    // The echo's answers are all the same: as certificates they will not do.
    let mut echo = side(Work::Echo, Answer::Certificate).await;
    echo.part(1, 64).await.unwrap();
    assert_eq!((echo.received.len(), echo.wrong.len()), (1, 63));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_echo_carries_messages_of_the_same_sizes() {
    let mut floor = side(Work::Floor, Answer::Certificate).await;
    let mut echo = side(Work::Echo, Answer::Echo).await;
    // The first statements have no checkpoint to name yet.
    for side in [&mut floor, &mut echo] {
        side.part(1, 64).await.unwrap();
    }
    let (asked, echoed) = (floor.part(2, 64).await.unwrap(), echo.part(2, 64).await.unwrap());
    assert_eq!((echo.received.len(), &echo.wrong), (0, &Vec::new()));
    assert!((asked.message_bytes - echoed.message_bytes).abs() < 1e-9);
    assert!(asked.message_bytes > 1000.0);
}

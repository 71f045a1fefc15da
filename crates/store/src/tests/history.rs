use domain::UnixTime;
use proptest::prelude::*;

use super::*;
use crate::Stretch;

fn later(number: u64, seconds: u64) -> SubmitTx {
    SubmitTx { now: at(seconds), ..submission(number) }
}

/// Everything from there on, page by page: the numbers of the requests.
fn read_on(store: &Store, stretch: Stretch, limit: u32) -> Vec<RequestId> {
    let (mut from, mut found) = (stretch.from, Vec::new());
    loop {
        let page = store.requests_from(from, limit).unwrap();
        assert!(page.len() <= usize::try_from(limit).unwrap());
        let Some(last) = page.last() else { return found };
        from = last.entry + 1;
        found.extend(page.iter().map(|request| request.id));
    }
}

#[tokio::test]
async fn a_page_holds_requests_with_their_decisions_and_ends_before_it_is_too_long() {
    let (_directory, store) = fresh();
    for number in 1..=3 {
        store.submit(later(number, number)).await.unwrap();
    }
    store.decide(approval(2, "bob", 1, RequestState::Approved(window()))).await.unwrap();
    let stretch = store.requests_since(at(2)).unwrap();
    assert_eq!(stretch.requests, 2);
    let page = store.requests_from(stretch.from, 10).unwrap();
    assert_eq!(page.iter().map(|request| request.decisions.len()).collect::<Vec<_>>(), [1, 0]);

    let long = |number| SubmitTx { ruling: "x".repeat(600 * 1024), ..later(number, 9) };
    store.submit(long(4)).await.unwrap();
    store.submit(long(5)).await.unwrap();
    let stretch = store.requests_since(at(9)).unwrap();
    assert_eq!(store.requests_from(stretch.from, 10).unwrap().len(), 1, "two would be over a megabyte");
    assert_eq!(read_on(&store, stretch, 10), [id(4), id(5)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing is left out and nothing comes twice, whatever else is written in between and however large the pages.
    #[test]
    fn every_request_since_a_time_comes_once_and_in_order(
        gaps in prop::collection::vec((0..3u64, any::<bool>()), 0..12), since in 0..40u64, limit in 1..5u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (_directory, store) = fresh();
        let (mut seconds, mut expected) = (0, Vec::new());
        for (number, (gap, and_more)) in (1..).zip(gaps) {
            seconds += gap;
            runtime.block_on(store.submit(later(number, seconds))).unwrap();
            if seconds >= since {
                expected.push(id(number));
            }
            if and_more {
                // An entry that is no request.
                let decision = DecideTx { now: at(seconds), ..approval(number, "bob", 1, RequestState::Pending) };
                runtime.block_on(store.decide(decision)).unwrap();
            }
        }
        let stretch = store.requests_since(at(since)).unwrap();
        prop_assert_eq!(stretch.requests, u64::try_from(expected.len()).unwrap());
        prop_assert_eq!(read_on(&store, stretch, limit), expected);
        let all = store.requests_since(UnixTime::EPOCH).unwrap();
        prop_assert_eq!(all.from, 0);
    }
}

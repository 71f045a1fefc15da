//! Counting, against trying everything.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;

const GROUPS: [&str; 4] = ["a", "b", "c", "d"];

fn voter(owner: &str, groups: &[&str]) -> Voter {
    Voter { owner: owner.parse().unwrap(), groups: groups.iter().map(|g| g.parse().unwrap()).collect() }
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::new(seconds).unwrap()
}

fn vote(owner: &str, groups: &[&str], signed: u64) -> Vote {
    Vote { voter: voter(owner, groups), signed: at(signed) }
}

fn quorum(text: &str) -> Quorum {
    text.parse().unwrap()
}

/// What becomes of each vote for something that was asked for at 1000, and what is missing then.
fn counted(text: &str, votes: &[Vote]) -> (Vec<Fate>, String) {
    let quorum = quorum(text);
    let mut tally = Tally::new(&quorum, at(1000));
    let fates = votes.iter().map(|vote| tally.count(vote)).collect();
    (fates, tally.missing().to_string())
}

fn open(text: &str, votes: &[Vote]) -> String {
    counted(text, votes).1
}

#[test]
fn one_person_fills_one_slot() {
    let both = vote("ann", &["sre", "security"], 1000);
    assert_eq!(open("1 of sre, 1 of security", std::slice::from_ref(&both)), "1 of sre");
    assert_eq!(open("2 of sre", &[both.clone(), both.clone()]), "1 of sre");
    let ann_twice = [both.voter.clone(), both.voter.clone()];
    assert_eq!(missing(&quorum("2 of sre"), &ann_twice, Span::ZERO).len(), 1);
    assert_eq!(open("1 of sre, 1 of security", &[both.clone(), vote("bob", &["security"], 1000)]), "auto");
    assert_eq!(counted("1 of sre then 1 of sre", &[both.clone(), both]).1, "1 of sre");
}

#[test]
fn the_order_of_approvals_of_one_stage_does_not_matter() {
    let (both, one) = (vote("ann", &["a", "b"], 1000), vote("bob", &["a"], 1000));
    assert_eq!(open("1 of a, 1 of b", &[both.clone(), one.clone()]), "auto");
    assert_eq!(open("1 of a, 1 of b", &[one, both]), "auto");
}

#[test]
fn strangers_and_nobody_fill_nothing() {
    assert_eq!(open("auto", &[]), "auto");
    assert_eq!(open("2 of sre", &[vote("eve", &["other"], 1000)]), "2 of sre");
}

#[test]
fn the_next_stage_is_asked_once_the_first_agreed() {
    let (lead, security) = (vote("ann", &["leads"], 1100), vote("bob", &["security"], 1200));
    let text = "1 of leads then 1 of security";
    assert_eq!(counted(text, std::slice::from_ref(&lead)), (vec![Fate::Fills], "1 of security".to_owned()));
    assert_eq!(counted(text, &[lead.clone(), security.clone()]), (vec![Fate::Fills; 2], "auto".to_owned()));
    let early = counted(text, &[security.clone(), lead.clone()]);
    assert_eq!(early, (vec![Fate::Early, Fate::Fills], "1 of security".to_owned()));
    // Whoever comes again counts then.
    let again = vote("bob", &["security"], 1200);
    assert_eq!(open(text, &[security, lead, again]), "auto");
}

#[test]
fn who_is_wanted_later_is_not_used_up_where_nobody_waits_for_them() {
    let text = "1 of a, 1 of c then 1 of b";
    let votes = [vote("ann", &["a"], 1000), vote("bob", &["a", "b"], 1001), vote("eve", &["a"], 1002)];
    assert_eq!(counted(text, &votes).0, [Fate::Fills, Fate::Early, Fate::Idle]);
}

#[test]
fn an_approval_counts_after_those_it_follows_by_what_was_signed() {
    let text = "1 of leads then 1 of security";
    let with = |signed| counted(text, &[vote("ann", &["leads"], 1400), vote("bob", &["security"], signed)]);
    assert_eq!(with(1400).1, "auto", "in the same second");
    assert_eq!(with(1340).1, "auto", "their clocks differ by a minute");
    let before = (vec![Fate::Fills, Fate::Before(at(1400))], "1 of security".to_owned());
    assert_eq!(with(1339), before, "it was signed before, whatever order it is kept in");
    assert_eq!(
        open("1 of leads, 1 of security", &[vote("ann", &["leads"], 1400), vote("bob", &["security"], 1)]),
        "auto"
    );
    // The last stage holds to all before it.
    let three = [vote("ann", &["a"], 1400), vote("bob", &["b"], 1350), vote("cat", &["c"], 1339)];
    assert_eq!(counted("1 of a then 1 of b then 1 of c", &three).0[2], Fate::Before(at(1400)));
}

#[test]
fn others_stand_in_once_the_request_has_waited() {
    let text = "1 of sre or duty after 15m, 1 of security";
    let duty = |signed| open(text, &[vote("dan", &["duty"], signed)]);
    assert_eq!(duty(1000 + 899), "1 of security, 1 of sre or duty after 15m");
    assert_eq!(duty(1000 + 900), "1 of security");
    assert_eq!(duty(900), "1 of security, 1 of sre or duty after 15m", "signed before the request");
    let voters = [voter("dan", &["duty"]), voter("bob", &["security"])];
    assert_eq!(missing(&quorum(text), &voters, "14m59s".parse().unwrap()).len(), 1);
    assert_eq!(missing(&quorum(text), &voters, "15m".parse().unwrap()).len(), 0);
}

#[test]
fn those_are_asked_whose_approval_would_fill_a_slot() {
    let asks = |text: &str, votes: &[Vote]| {
        let quorum = quorum(text);
        Tally::of(&quorum, at(1000), votes).asks().to_string()
    };
    assert_eq!(asks("1 of a, 1 of b then 1 of c", &[]), "1 of a, 1 of b");
    assert_eq!(asks("1 of a, 1 of b", &[vote("ann", &["a"], 1000)]), "1 of b");
    assert_eq!(asks("1 of a, 1 of b", &[vote("ann", &["a", "b"], 1000)]), "1 of a, 1 of b", "ann can make room");
    assert_eq!(asks("1 of a then 1 of b", &[vote("ann", &["a"], 1000)]), "1 of b");
}

/// A quorum of up to three stages, as text: per stage and group how many, and who stands in after how long.
fn quorums() -> impl Strategy<Value = String> {
    let asked = (0..3u32, prop::option::weighted(0.3, (0..4usize, 1..4u64)));
    vec(vec(asked, 3), 0..=3).prop_map(|stages| {
        let stages = stages.iter().map(|asked| {
            let shares =
                asked.iter().enumerate().filter(|(_, (count, _))| *count > 0).map(|(group, (count, other))| {
                    let other = other.filter(|(other, _)| *other != group);
                    let other =
                        other.map_or(String::new(), |(o, wait)| format!(" or {} after {}s", GROUPS[o], wait * 100));
                    format!("{count} of {}{other}", GROUPS[group])
                });
            shares.collect::<Vec<_>>().join(", ")
        });
        let text = stages.filter(|stage| !stage.is_empty()).collect::<Vec<_>>().join(" then ");
        if text.is_empty() { "auto".to_owned() } else { text }
    })
}

/// Who approves, and how many seconds after the request they sign; most of the time in order.
fn votes() -> impl Strategy<Value = Vec<Vote>> {
    let one = (btree_set(0..4usize, 1..4), prop_oneof![8 => 0..90i64, 1 => -80..0i64]);
    vec(one, 0..7).prop_map(|all| {
        let mut now = 1000_i64;
        let each = all.iter().enumerate().map(|(person, (groups, passed))| {
            now += passed;
            let groups: Vec<&str> = groups.iter().map(|group| GROUPS[*group]).collect();
            vote(&format!("p{person}"), &groups, u64::try_from(now).unwrap())
        });
        each.collect()
    })
}

/// Slots, each with its stage.
fn slots(quorum: &Quorum) -> Vec<(usize, Slot<'_>)> {
    let stages = (0..quorum.stages()).flat_map(|stage| quorum.shares_of(stage).map(move |share| (stage, share)));
    stages.flat_map(|(stage, share)| (0..share.count).map(move |_| (stage, Slot::from(share)))).collect()
}

/// By trying every assignment: whether people can be put to all slots so that each approves after all who fill the stages
/// before theirs, by place and by what they signed.
fn fillable(slots: &[(usize, Slot<'_>)], votes: &[Vote], given: &mut Vec<(usize, usize)>) -> bool {
    let Some(((stage, slot), rest)) = slots.split_first() else { return true };
    votes.iter().enumerate().any(|(place, vote)| {
        let person = Person { groups: vote.voter.groups.clone(), waited: vote.signed.since(at(1000)) };
        let free = given.iter().all(|(_, other)| *other != place);
        let after = given
            .iter()
            .filter(|(before, _)| before < stage)
            .all(|(_, other)| *other < place && votes[*other].signed <= vote.signed.after(CLOCKS).unwrap());
        if !(free && after && slot.takes(&person)) {
            return false;
        }
        given.push((*stage, place));
        let fits = fillable(rest, votes, given);
        given.pop();
        fits
    })
}

fn in_order(votes: &[Vote]) -> bool {
    votes.is_sorted_by_key(|vote| vote.signed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_complete_when_people_can_be_put_to_all_slots(text in quorums(), votes in votes()) {
        let quorum = quorum(&text);
        let complete = Tally::of(&quorum, at(1000), &votes).is_complete();
        let reference = fillable(&slots(&quorum), &votes, &mut Vec::new());
        prop_assert!(reference || !complete, "{text}: {votes:?}");
        if in_order(&votes) {
            prop_assert_eq!(complete, reference, "{}: {:?}", text, votes);
        }
    }

    #[test]
    fn whoever_is_asked_fills_a_slot_and_nobody_else_does(text in quorums(), votes in votes()) {
        let quorum = quorum(&text);
        let Some((last, before)) = votes.split_last() else { return Ok(()) };
        let mut tally = Tally::of(&quorum, at(1000), before);
        let asked = tally.asks();
        let waited = last.signed.since(at(1000));
        let asked = asked.groups_after(waited).iter().any(|group| last.voter.groups.contains(group));
        let fate = tally.count(last);
        if !matches!(fate, Fate::Before(_)) {
            prop_assert_eq!(asked, fate == Fate::Fills, "{}: {:?} {:?}", text, fate, votes);
        }
        prop_assert_eq!(tally.counts(&last.voter.owner), fate == Fate::Fills);
        prop_assert_eq!(tally.is_complete(), tally.missing().is_auto() && tally.asks().is_auto());
    }

    #[test]
    fn what_completes_both_completes_each(one in quorums(), other in quorums(), votes in votes()) {
        let (one, other) = (quorum(&one), quorum(&other));
        let both = one.and(&other);
        prop_assert_eq!(&both, &other.and(&one));
        prop_assert_eq!(&both.and(&one), &both);
        prop_assert!(one.asks_no_more_than(&both) && other.asks_no_more_than(&both), "{} {}", one, other);
        let complete = |quorum: &Quorum| Tally::of(quorum, at(1000), &votes).is_complete();
        if in_order(&votes) && complete(&both) {
            prop_assert!(complete(&one) && complete(&other), "{} {} {:?}", one, other, votes);
        }
    }

    #[test]
    fn what_asks_no_more_is_complete_with_the_other(one in quorums(), other in quorums(), votes in votes()) {
        let (one, other) = (quorum(&one), quorum(&other));
        prop_assert!(one.asks_no_more_than(&one));
        let complete = |quorum: &Quorum| Tally::of(quorum, at(1000), &votes).is_complete();
        if one.asks_no_more_than(&other) && in_order(&votes) && complete(&other) {
            prop_assert!(complete(&one), "{} {} {:?}", one, other, votes);
        }
    }

    #[test]
    fn a_quorum_reads_back(text in quorums()) {
        let quorum = quorum(&text);
        prop_assert_eq!(quorum.to_string().parse::<Quorum>(), Ok(quorum));
    }

    /// The matching agrees with trying every assignment.
    #[test]
    fn people_in_whatever_order_leave_as_few_slots_open_as_can_be(text in quorums(), votes in votes(), waited in 0..400u64) {
        let (quorum, waited) = (quorum(&text), Span::from_seconds(waited).unwrap());
        let voters: Vec<Voter> = votes.into_iter().map(|vote| vote.voter).collect();
        let slots: Vec<Slot<'_>> = slots(&quorum).into_iter().map(|(_, slot)| slot).collect();
        let most = best(&slots, &voters, waited, &mut vec![false; voters.len()]);
        prop_assert_eq!(missing(&quorum, &voters, waited).len(), slots.len() - most);
    }
}

fn best(slots: &[Slot<'_>], voters: &[Voter], waited: Span, used: &mut Vec<bool>) -> usize {
    let Some((slot, rest)) = slots.split_first() else { return 0 };
    let mut most = best(rest, voters, waited, used);
    for place in 0..voters.len() {
        if !used[place] && slot.takes(&Person { groups: voters[place].groups.clone(), waited }) {
            used[place] = true;
            most = most.max(1 + best(rest, voters, waited, used));
            used[place] = false;
        }
    }
    most
}

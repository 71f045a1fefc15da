//! What is told of a stop.

use ca::{AboutStop, Stands};
use domain::Event;
use serde_json::{Value, json};

/// One line of names and times alone.
pub(super) fn headline(event: Event, about: &AboutStop) -> String {
    let AboutStop { target, user, stop, stands, .. } = about;
    match (event, stands) {
        (Event::Lift, Stands::Over) => format!("{user} lifted the stop of {target}"),
        (Event::Lift, _) => format!("{user} would lift the stop of {target} (entry {stop}); others must say so too"),
        (_, Stands::Over) => format!("{user} stopped {target}, and that is over"),
        _ => format!("{user} stopped {target}"),
    }
}

/// Everything else, a line each.
pub(super) fn details(about: &AboutStop) -> Vec<(&'static str, String)> {
    let AboutStop { target, stop, user, reason, stands } = about;
    let mut lines = vec![("Stop", format!("{target} (entry {stop})")), ("By", user.to_string())];
    lines.extend(reason.as_ref().map(|reason| ("Reason", reason.to_string())));
    lines.push(("Stands", in_words(*stands)));
    lines
}

fn in_words(stands: Stands) -> String {
    match stands {
        Stands::ForGood => "for good".to_owned(),
        Stands::UntilLifted => "until it is lifted".to_owned(),
        Stands::Until(until) => format!("until {until}, unless somebody else seconds it"),
        Stands::Over => "no longer".to_owned(),
    }
}

/// `stop` of the JSON.
pub(super) fn json(about: &AboutStop) -> Value {
    let AboutStop { target, stop, user, reason, stands } = about;
    let until = if let Stands::Until(until) = stands { Some(until.to_string()) } else { None };
    json!({
        "entry": stop,
        "target": target.to_string(),
        "user": user.as_str(),
        "reason": reason.as_ref().map(domain::Text::as_str),
        "in_force": *stands != Stands::Over,
        "until": until,
    })
}

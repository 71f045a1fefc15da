//! Whatever is accepted re-encodes to the same bytes.

use proptest::prelude::*;

use super::strategies;
use crate::{
    ActStatement, Canonical, DecisionStatement, FetchStatement, LoginStatement, RequestStatement, RulingText,
    Statement, StatementError,
};

/// One change to a text, as an attacker or a careless client would make it.
#[derive(Debug, Clone)]
enum Mutation {
    Insert(usize, char),
    Remove(usize),
    Replace(usize, char),
    SwapLines(usize, usize),
    RepeatLine(usize),
    DropLine(usize),
    Cut(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = || any::<usize>();
    let letter = || {
        prop_oneof![
            prop::char::range(' ', '~'),
            prop::sample::select(vec!['\n', '\r', '\t', '\0', '\u{301}', '\u{202e}', '\u{a0}', 'é', '-', ':', '0']),
            any::<char>(),
        ]
    };
    prop_oneof![
        (place(), letter()).prop_map(|(place, letter)| Mutation::Insert(place, letter)),
        place().prop_map(Mutation::Remove),
        (place(), letter()).prop_map(|(place, letter)| Mutation::Replace(place, letter)),
        (place(), place()).prop_map(|(one, other)| Mutation::SwapLines(one, other)),
        place().prop_map(Mutation::RepeatLine),
        place().prop_map(Mutation::DropLine),
        place().prop_map(Mutation::Cut),
    ]
}

fn mutate(text: &str, mutation: &Mutation) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (letter_count, line_count) = (letters.len(), lines.len());
    match *mutation {
        Mutation::Insert(place, letter) => letters.insert(place % (letter_count + 1), letter),
        Mutation::Remove(place) => drop(letters.remove(place % letter_count)),
        Mutation::Replace(place, letter) => letters[place % letter_count] = letter,
        Mutation::Cut(place) => letters.truncate(place % letter_count),
        Mutation::SwapLines(one, other) => {
            lines.swap(one % line_count, other % line_count);
            return lines.concat();
        }
        Mutation::RepeatLine(place) => {
            lines.insert(place % line_count, lines[place % line_count]);
            return lines.concat();
        }
        Mutation::DropLine(place) => {
            lines.remove(place % line_count);
            return lines.concat();
        }
    }
    letters.into_iter().collect()
}

/// Reads back what it writes, and of changed texts accepts only those that it would write itself.
fn holds<T: Canonical + PartialEq + std::fmt::Debug>(value: &T, mutations: &[Mutation]) -> Result<(), TestCaseError> {
    let text = value.encode();
    prop_assert_eq!(&T::parse(&text).unwrap(), value);
    prop_assert_eq!(value.digest(), domain::Digest::of(text.as_bytes()));
    let changed = mutations.iter().fold(
        text.clone(),
        |text, mutation| {
            if text.is_empty() { text } else { mutate(&text, mutation) }
        },
    );
    if let Ok(accepted) = T::parse(&changed) {
        prop_assert_eq!(accepted.encode(), &*changed);
        prop_assert_eq!(accepted == *value, changed == text);
    }
    Ok(())
}

/// Is read as its own kind only.
fn is_only<S: Statement>(text: &str) -> Result<(), TestCaseError> {
    let kinds = [
        LoginStatement::parse(text).map(|_| LoginStatement::KIND),
        RequestStatement::parse(text).map(|_| RequestStatement::KIND),
        DecisionStatement::parse(text).map(|_| DecisionStatement::KIND),
        FetchStatement::parse(text).map(|_| FetchStatement::KIND),
        ActStatement::parse(text).map(|_| ActStatement::KIND),
    ];
    for kind in kinds {
        match kind {
            Ok(kind) => prop_assert_eq!(kind, S::KIND),
            Err(why) => prop_assert!(matches!(why, StatementError::FirstLine { .. }), "{:?}", why),
        }
    }
    prop_assert!(RulingText::parse(text).is_err());
    Ok(())
}

fn changes() -> impl Strategy<Value = Vec<Mutation>> {
    prop::collection::vec(mutation(), 1..4)
}

proptest! {
    #[test]
    fn a_login_has_one_spelling(statement in strategies::login(), changes in changes()) {
        holds(&statement, &changes)?;
        is_only::<LoginStatement>(&statement.encode())?;
    }

    #[test]
    fn a_request_has_one_spelling(statement in strategies::request(), changes in changes()) {
        holds(&statement, &changes)?;
        is_only::<RequestStatement>(&statement.encode())?;
    }

    #[test]
    fn a_decision_has_one_spelling(statement in strategies::decision(), changes in changes()) {
        holds(&statement, &changes)?;
        is_only::<DecisionStatement>(&statement.encode())?;
    }

    #[test]
    fn a_fetch_has_one_spelling(statement in strategies::fetch(), changes in changes()) {
        holds(&statement, &changes)?;
        is_only::<FetchStatement>(&statement.encode())?;
    }

    #[test]
    fn an_act_has_one_spelling(statement in strategies::act(), changes in changes()) {
        holds(&statement, &changes)?;
        is_only::<ActStatement>(&statement.encode())?;
    }

    #[test]
    fn a_ruling_has_one_spelling(ruling in strategies::ruling(), changes in changes()) {
        holds(&ruling, &changes)?;
    }

    #[test]
    fn arbitrary_lines_are_refused_or_canonical(lines in "(hallpass-(act|fetch) v1\n)?([a-z]{0,8}: ?[ -~]{0,20}\n){0,12}") {
        if let Ok(accepted) = ActStatement::parse(&lines) {
            prop_assert_eq!(accepted.encode(), &*lines);
        }
        if let Ok(accepted) = FetchStatement::parse(&lines) {
            prop_assert_eq!(accepted.encode(), &*lines);
        }
    }
}

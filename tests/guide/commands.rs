//! Command lines, understood by the very definitions of the programs.

use clap::error::ErrorKind;

use crate::place::root;

/// What stands for what a reader puts in.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("ADDR", "[::]:4722"),
    ("ADDRESS", "192.0.2.17"),
    ("COMMAND", "uptime"),
    ("DIGEST", "0000000000000000000000000000000000000000000000000000000000000000"),
    ("ENTRY", "4812"),
    ("FINGERPRINT", "SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE"),
    ("ID", "7K3F9-QXMWT"),
    ("LABELS", "env=prod"),
    ("LOGIN", "root"),
    ("NAME", "name-1"),
    ("TIME", "2026-03-01T14:00:00Z"),
    ("USER", "alice"),
    ("[LOGIN@]HOST", "root@web-1"),
];

/// Understands a whole command line, and each with what it may have besides, in brackets.
pub(crate) fn parsed(line: &str) -> Result<(), String> {
    let (without, options) = optional(line);
    let each = std::iter::once(String::new()).chain(options);
    for option in each {
        understood(&format!("{without} {option}"), |_| false)?;
    }
    Ok(())
}

/// Understands as much as running text says of a command: nothing in it may be unknown, and more may be needed.
pub(crate) fn mentioned(line: &str) -> Result<(), String> {
    let incomplete = |kind| {
        use ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingRequiredArgument, MissingSubcommand};
        matches!(kind, MissingRequiredArgument | MissingSubcommand | DisplayHelpOnMissingArgumentOrSubcommand)
    };
    understood(&optional(line).0.replace("...", " "), incomplete)
}

/// The command lines of a block: whatever starts with a program of ours, behind a prompt or not. Others are not looked at.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let whole = text.replace("\\\n", " ");
    let ours = whole.lines().filter_map(|line| {
        let typed = line.split_once("$ ").filter(|(user, _)| !user.contains(' ')).map_or(line, |(_, typed)| typed);
        let typed = typed.split(" # ").next().unwrap_or(typed).trim();
        ["hallpass ", "hallpassd ", "hallpass-host "].iter().any(|program| typed.starts_with(program)).then_some(typed)
    });
    ours.map(str::to_owned).collect()
}

/// The words of a line, as a shell would take them apart.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn understood(line: &str, incomplete: impl Fn(ErrorKind) -> bool) -> Result<(), String> {
    let filled = |word: String| {
        // `hallpassd init` reads the keys of administrators as it parses.
        if let Some(user) = word.strip_suffix(".pub").and_then(|word| Some(word.split_once('=')?.0)) {
            return format!("{user}={}", root().join("tests/guide/given/alice.pub").display());
        }
        let known = PLACEHOLDERS.iter().find(|(name, _)| *name == word);
        known.map_or(word, |(_, stands)| (*stands).to_owned())
    };
    let words: Vec<String> = words(line).into_iter().map(filled).collect();
    let definition = match words.first().map(String::as_str) {
        Some("hallpass") => cli::command(),
        Some("hallpassd") => server::command().subcommand(demo::command()),
        Some("hallpass-host") => {
            return host::run(words, &mut Vec::new()).map_err(|failure| format!("`{}`: {failure}", line.trim()));
        }
        _ => return Err(format!("`{}` is no program of ours", line.trim())),
    };
    match definition.try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) if incomplete(error.kind()) => Ok(()),
        Err(error) => Err(format!("`{}`: {error}", line.trim())),
    }
}

/// The line without what is in brackets, and each alternative of that.
fn optional(line: &str) -> (String, Vec<String>) {
    let (mut without, mut options, mut rest) = (String::new(), Vec::new(), line);
    while let Some((before, inside, after)) = rest
        .split_once(" [")
        .and_then(|(before, rest)| rest.split_once(']').map(|(inside, after)| (before, inside, after)))
    {
        // `[LOGIN@]HOST` is one word, and not left out.
        if after.starts_with(|c: char| !c.is_whitespace()) {
            without += &format!("{before} [{inside}]");
        } else {
            without += before;
            options.extend(inside.split('|').map(|one| one.trim().to_owned()));
        }
        rest = after;
    }
    (without + rest, options)
}

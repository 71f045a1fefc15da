//! A page told from top to bottom: each piece is proven on what the pieces before it made.

use crate::page::{Page, What};
use crate::place::Place;
use crate::{commands, fill, tables, transcript};

/// What a page may leave unproven.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Nothing: each block and each row is run, or understood at least.
    Guide,
    /// Tables, and blocks that say `shown`: what other programs read, or print.
    Others,
}

/// How much of a page was proven, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Blocks and rows that were compiled, run and compared.
    pub(crate) run: usize,
    /// Blocks and rows of commands that the programs' definitions understood.
    pub(crate) parsed: usize,
    /// Blocks that are only shown.
    pub(crate) shown: usize,
    pub(crate) findings: Vec<String>,
}

/// How a piece was proven.
pub(crate) enum Proof {
    Run,
    Parsed,
    Shown,
}

/// The files as the page has them so far, in the directory `guide`.
pub(crate) struct Story {
    pub(crate) place: Place,
    /// What the last block of `access.toml` became.
    became: String,
}

pub(crate) fn tell(page: &Page, manner: Manner) -> Outcome {
    let mut story = Story::new();
    let mut outcome = Outcome::default();
    for piece in &page.pieces {
        let mut note = |line, proof: Result<Proof, String>| match proof {
            Ok(Proof::Run) => outcome.run += 1,
            Ok(Proof::Parsed) => outcome.parsed += 1,
            Ok(Proof::Shown) => outcome.shown += 1,
            Err(wrong) => outcome.findings.push(format!("{}:{line}: {wrong}", page.name)),
        };
        match &piece.what {
            What::Block { info, text } => note(piece.line, story.block(info, text, manner)),
            What::Table { mark: Some(mark), rows } => {
                tables::prove(&story, mark, rows).into_iter().for_each(|(line, proof)| note(line, proof));
            }
            What::Table { mark: None, .. } if manner == Manner::Guide => {
                note(piece.line, Err("a table without a mark; say before it <!-- table: ... -->".into()));
            }
            What::Table { mark: None, .. } => {}
            What::Mention(command) => {
                if let Err(wrong) = commands::mentioned(command) {
                    note(piece.line, Err(wrong));
                }
            }
            What::Edit(edit) => {
                if let Err(wrong) = story.place.edit(edit) {
                    note(piece.line, Err(wrong));
                }
            }
        }
    }
    outcome
}

impl Story {
    /// Nothing told yet: no people, no hosts, no rules.
    pub(crate) fn new() -> Self {
        let place = Place::new();
        ["directory.toml", "hosts.toml", "access.toml"]
            .iter()
            .for_each(|file| place.write(&format!("guide/{file}"), ""));
        Self { place, became: String::new() }
    }

    fn block(&mut self, info: &str, text: &str, manner: Manner) -> Result<Proof, String> {
        match info.split(' ').collect::<Vec<_>>()[..] {
            ["toml", "part", "of", file] => self.part(file, text)?,
            ["toml", "policy-tests"] => self.cases(text)?,
            ["toml", "hallpassd.toml"] => self.settings(text, "")?,
            ["toml", "hallpassd.toml", "more"] => self.settings(text, &self.place.text("guide/hallpassd.toml")?)?,
            ["toml", "access.toml"] => self.rules(text, "")?,
            ["toml", "access.toml", "more"] => self.rules(text, &self.place.text("guide/access.toml")?)?,
            ["toml", file @ ("directory.toml" | "hosts.toml")] => self.people_or_hosts(file, text, "")?,
            ["toml", file @ ("directory.toml" | "hosts.toml"), "more"] => {
                self.people_or_hosts(file, text, &self.place.text(&format!("guide/{file}"))?)?;
            }
            ["cedar"] => self.same_cedar(text)?,
            ["cedar", "access.cedar"] => self.hand_written(text)?,
            ["console"] => transcript::run(&self.place, text, 0)?,
            ["console", "fails"] => transcript::run(&self.place, text, 1)?,
            ["console" | "sh", "parsed"] => {
                let lines = commands::lines(text);
                if lines.is_empty() {
                    return Err("no command of ours is in this block".into());
                }
                lines.iter().try_for_each(|line| commands::parsed(line))?;
                return Ok(Proof::Parsed);
            }
            [_, "shown"] if manner == Manner::Others => return Ok(Proof::Shown),
            _ => return Err(format!("nothing says how to prove a block of `{info}`")),
        }
        Ok(Proof::Run)
    }

    /// Rules compile beside the people and hosts of the page, and become what is remembered for the block of Cedar after.
    fn rules(&mut self, text: &str, before: &str) -> Result<(), String> {
        let became_before = if before.is_empty() { String::new() } else { self.cedar()? };
        self.place.write("guide/access.toml", &following(before, text));
        let became = self.cedar()?;
        let new = became.strip_prefix(&became_before).ok_or("it changed what stands before it")?;
        self.became = new.trim().to_owned();
        Ok(())
    }

    fn cedar(&self) -> Result<String, String> {
        let said = self.place.cedar("guide");
        if said.code == Some(0) { Ok(said.text) } else { Err(said.text) }
    }

    fn same_cedar(&self, text: &str) -> Result<(), String> {
        if text.trim() == self.became {
            Ok(())
        } else {
            Err(format!("the block before it becomes something else:\n{}", self.became))
        }
    }

    /// Rules that were told on other people and hosts are left behind.
    fn people_or_hosts(&self, file: &str, text: &str, before: &str) -> Result<(), String> {
        self.place.write(&format!("guide/{file}"), &following(before, &fill(text)));
        self.place.write("guide/access.toml", "");
        self.cedar().map(drop)
    }

    fn hand_written(&self, text: &str) -> Result<(), String> {
        self.place.write("guide/access.toml", "");
        self.place.write("guide/access.cedar", text);
        let compiled = self.cedar();
        std::fs::remove_file(self.place.path("guide/access.cedar")).unwrap();
        compiled.map(drop)
    }

    /// Cases of a file of their own hold on the example.
    fn cases(&self, text: &str) -> Result<(), String> {
        self.place.copy("policy-example", "cases");
        std::fs::remove_dir_all(self.place.path("cases/policy-tests")).unwrap();
        self.place.write("cases/policy-tests/guide.toml", text);
        let said = self.place.hallpass(&["admin", "policy", "test", "cases"].map(str::to_owned));
        if said.code == Some(0) { Ok(()) } else { Err(said.text) }
    }

    /// The settings of a server that is made for them.
    fn settings(&self, text: &str, before: &str) -> Result<(), String> {
        self.place.write("guide/hallpassd.toml", &following(before, text));
        if !self.place.path("server").exists() {
            let init = "init --dir server --name ca.example.com --admin alice=alice.pub --no-passphrase";
            let made = self.place.hallpassd(&commands::words(init));
            if made.code != Some(0) {
                return Err(made.text);
            }
        }
        // What settings name is there.
        let programs = ["/usr/bin/msmtp", "/usr/local/bin/page"];
        let settings = self.place.text("guide/hallpassd.toml")?;
        let settings = programs.iter().fold(settings, |text, program| text.replace(program, "/bin/true"));
        self.place.write("server/hallpassd.toml", &settings);
        self.place.write_secret("server/webhook.secret", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
        let said = self.place.hallpassd(&commands::words("check --config server/hallpassd.toml"));
        if said.code == Some(0) { Ok(()) } else { Err(said.text) }
    }

    fn part(&self, file: &str, text: &str) -> Result<(), String> {
        let whole = self.place.text(file)?;
        if whole.contains(text.trim()) { Ok(()) } else { Err(format!("this is no part of {file}:\n{whole}")) }
    }
}

fn following(before: &str, text: &str) -> String {
    if before.is_empty() { text.to_owned() } else { format!("{before}\n{text}") }
}

//! Random bundles, random pasts: by the bundle that ruled, nothing of the past differs; by another, what differs is counted.

use testkit::Result;

use crate::world::{Entry, World, find_id};

/// How many bundles, and how many requests under each.
const BUNDLES: u64 = 6;
const REQUESTS: usize = 12;

/// Numbers that are the same in every run (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn one_of<'a>(&mut self, these: &[&'a str]) -> &'a str {
        let place = usize::try_from(self.next() % 1024).unwrap_or(0) % these.len().max(1);
        these.get(place).copied().unwrap_or_default()
    }
}

/// Up to three rules, with requirements, conditions and prohibitions as they come.
fn rules(numbers: &mut Numbers) -> String {
    let mut text = String::new();
    for name in ["one", "two", "three"] {
        let mut field = |these: &[&'static str]| numbers.one_of(these);
        text += &format!(
            "[[rule]]\nname = \"{name}\"\nwho = {}\nhosts = {}\nlogins = {}\napprove = {}\nmax = {}\nttl = \"1m\"\n{}{}{}{}\n",
            field(&["\"dev\"", "[\"dev\", \"sre\"]"]),
            field(&["\"*\"", "\"env=prod\"", "[\"web-1\", \"db-1\"]"]),
            field(&["[\"daemon\"]", "[\"daemon\", \"self\"]"]),
            field(&["\"auto\"", "\"1 of sre\"", "\"1 of dev\""]),
            field(&["\"10m\"", "\"1h\""]),
            field(&["", "allow = [\"pty\"]\n", "allow = [\"pty\", \"port-forwarding\"]\n"]),
            field(&["", "", "ticket = \"INC-[0-9]+\"\n"]),
            field(&["", "", "commands = [\"uptime\", \"journalctl ...\"]\n", "source = \"127.0.0.0/8\"\n"]),
            field(&["", "", "when = \"00:00-24:00 UTC\"\n", "when = [\"00:00-12:00 UTC\", \"12:00-24:00 UTC\"]\n"]),
        );
    }
    text += numbers.one_of(&["", "[[require]]\nhosts = \"env=prod\"\nmax = \"5m\"\nallow = [\"pty\"]\n"]);
    text += numbers.one_of(&["", "[[require]]\nhosts = \"db-1\"\napprove = \"1 of sre\"\nsource = \"127.0.0.0/16\"\n"]);
    text + numbers.one_of(&["", "[[forbid]]\nhosts = \"db-1\"\nlogins = [\"daemon\"]\n"])
}

/// What somebody asks; much of it is refused.
fn asked(numbers: &mut Numbers) -> Vec<&'static str> {
    let access = numbers.one_of(&["daemon@web-1", "daemon@db-1", "self@web-1", "daemon@env=prod", "daemon@test-1"]);
    let mut words =
        vec!["request", "--no-wait", access, "--for", numbers.one_of(&["1m", "5m", "30m"]), "-m", "INC-1 x"];
    words.extend(numbers.one_of(&["", "", "--ticket INC-1"]).split_whitespace());
    words.extend(numbers.one_of(&["", "", "--rule two"]).split_whitespace());
    words.extend(numbers.one_of(&["", "", "-- uptime", "-- journalctl -u app"]).split_whitespace());
    words
}

#[tokio::test]
async fn the_past_of_random_bundles_differs_nowhere_by_the_bundle_that_ruled() -> Result<()> {
    let (mut taken, mut refused, mut decided) = (0, 0, 0);
    for seed in 1..=BUNDLES {
        let mut numbers = Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut world = World::make().await?;
        world.directory("")?;
        let host = |name, env| Entry { name, port: 22, env, more: "" };
        world.hosts(&[host("web-1", "prod"), host("db-1", "prod"), host("test-1", "test")])?;
        let text = rules(&mut numbers);
        world.file("access.toml", &text)?;
        world.serve().await?;
        world.login(&world.alice, "alice").await?;
        world.login(&world.bob, "bob").await?;
        let mut mine = 0;
        for _ in 0..REQUESTS {
            let words = asked(&mut numbers);
            let (asks, decides) =
                if numbers.next().is_multiple_of(4) { (&world.bob, &world.alice) } else { (&world.alice, &world.bob) };
            let answer = world.types(asks, &words).await?;
            assert!(matches!(answer.code, Some(0 | 3)), "{words:?}: {answer:?}\n{text}");
            if !answer.succeeded() {
                refused += 1;
                continue;
            }
            mine += 1;
            if answer.out.contains("pending") && numbers.next().is_multiple_of(2) {
                let id = find_id(&answer.out).ok_or("no id")?;
                decided += u32::from(world.types(decides, &["approve", "--yes", &id]).await?.succeeded());
            }
        }
        let replay = ["admin", "policy", "replay", "--since", "1d", "--with"];
        let files = world.server_dir().to_string_lossy().into_owned();
        let same = world.types(&world.bob, &[&replay[..], &[&files]].concat()).await?;
        assert!(same.out.ends_with(&format!(": {mine}. Nothing differs.\n")), "{same:?}\n{text}");
        // By rules of another name each of them differs, and none of them is lost.
        let others = world.dir.path().join("others");
        std::fs::create_dir(&others)?;
        for file in ["directory.toml", "hosts.toml", "access.toml"] {
            let text = std::fs::read_to_string(world.server_dir().join(file))?;
            std::fs::write(
                others.join(file),
                text.replace("name = \"t", "name = \"other-t").replace("\"one\"", "\"other\""),
            )?;
        }
        let others = others.to_string_lossy();
        let other = world.types(&world.bob, &[&replay[..], &[&others, "--json"]].concat()).await?;
        let all = format!("\"requests\":{mine},\"same\":0,");
        assert!(mine == 0 || other.out.contains(&all), "{other:?}\n{text}");
        taken += mine;
    }
    println!("taken {taken}, refused {refused}, approved {decided}");
    assert!(taken >= 20 && refused >= 5 && decided >= 2, "taken {taken}, refused {refused}, approved {decided}");
    Ok(())
}

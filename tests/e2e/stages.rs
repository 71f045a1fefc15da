//! Approvals one stage after the other: a team lead agrees, then somebody of security does.

use testkit::{Machine, Result, Sshd};

use crate::world::{World, entry, find_id, login, scoped, stop_helper};

const RULES: &str = r#"
[[rule]]
name = "change"
who = "dev"
hosts = "env=prod"
logins = "self"
approve = "1 of team-leads then 1 of security"
escalate = "15m to sre"
max = "1h"
ttl = "5m"
allow = ["pty"]
"#;

#[tokio::test]
async fn the_team_lead_agrees_and_then_security_is_asked() -> Result<()> {
    let mut carol = Machine::with_agent().await?;
    carol.keygen("ed25519", "carol").await?;
    let run = carol.path("run");
    carol.set("XDG_RUNTIME_DIR", run.to_string_lossy());
    let mut world = World::make().await?;
    let sshd = scoped("web-1", &world.ca()?).await?;
    world.directory(&format!(
        "[[user]]\nname = \"carol\"\nkeys = [\"{}\"]\n[[group]]\nname = \"team-leads\"\nmembers = [\"bob\"]\n\
         [[group]]\nname = \"security\"\nmembers = [\"bob\", \"carol\"]\n",
        carol.read("carol.pub")?.trim()
    ))?;
    world.hosts(&[entry("web-1", &sshd, "prod")])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    for (person, name) in [(&world.alice, "alice"), (&world.bob, "bob"), (&carol, "carol")] {
        world.login(person, name).await?;
    }
    let told = one_after_the_other(&world, &carol, &sshd).await;
    stop_helper(&carol);
    told
}

async fn one_after_the_other(world: &World, carol: &Machine, sshd: &Sshd) -> Result<()> {
    let asked = ["request", "--no-wait", "web-1", "--for", "30m", "-m", "INC-42 disk full"];
    let id = find_id(&world.types(&world.alice, &asked).await?.ok()?).ok_or("no request id")?;
    let early = world.types(carol, &["approve", "--yes", &id]).await?;
    let first = "carol is asked once 1 of team-leads or sre after 15m has approved";
    assert!(early.code != Some(0) && early.err.contains(first), "{early:?}");
    assert!(!world.types(carol, &["inbox"]).await?.ok()?.contains(&id), "it is not hers yet");
    assert!(world.types(&world.bob, &["inbox"]).await?.ok()?.contains(&id));

    let agreed = world.types(&world.bob, &["approve", "--yes", &id]).await?.ok()?;
    assert!(agreed.contains(&id), "{agreed}");
    // Whole again where a line was too long for the terminal.
    let shown = world.types(carol, &["show", &id]).await?.ok()?.replace("\n            | ", "");
    for line in [
        "missing     1 of security or sre after 15m",
        "may decide  bob, carol",
        "approved by 1 of team-leads or sre after 15m then 1 of security or sre after 15m",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(world.types(carol, &["inbox"]).await?.ok()?.contains(&id));
    assert_ne!(world.types(&world.alice, &["cert", "web-1"]).await?.code, Some(0), "half of it opens nothing");

    world.types(carol, &["approve", "--yes", &id]).await?.ok()?;
    let certificate = world.certificate("web-1").await?;
    let here = world.ssh_with(&certificate, sshd, &["target", "id -un"]).await?;
    assert_eq!(here.clone().ok()?.trim(), login()?, "{here:?}");
    Ok(())
}

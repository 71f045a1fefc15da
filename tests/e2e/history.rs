//! Looking back: the past ruled on again, explained, and reported, by the programs as people run them.

use testkit::Result;

use crate::world::{Entry, World};

#[tokio::test]
async fn the_past_is_ruled_on_again_explained_and_reported() -> Result<()> {
    let world = World::start(&[Entry { name: "web-1", port: 22, env: "prod", more: "" }]).await?;
    let id = world.granted("daemon@web-1").await?;
    world.granted("daemon@web-1").await?;
    let (files, changed) = (world.server_dir(), world.dir.path().join("changed"));
    let (files, changed) = (files.to_string_lossy(), changed.to_string_lossy());
    let replay = ["admin", "policy", "replay", "--since", "1d", "--with"];

    let same = world.types(&world.bob, &[&replay[..], &[&files]].concat()).await?;
    assert_eq!(same.code, Some(0), "{same:?}");
    assert!(same.out.ends_with(": 2. Nothing differs.\n"), "{same:?}");

    std::fs::create_dir(&*changed)?;
    for file in ["directory.toml", "hosts.toml", "access.toml"] {
        let text = std::fs::read_to_string(world.server_dir().join(file))?;
        std::fs::write(format!("{changed}/{file}"), text.replace("approve = \"1 of sre\"", "approve = \"auto\""))?;
    }
    let other = world.types(&world.bob, &[&replay[..], &[&changed]].concat()).await?;
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.out.contains("auto, not 1 of sre") && other.out.contains("looser: 2"), "{other:?}");

    let explained = world.types(&world.alice, &["explain", &id]).await?.ok()?;
    assert!(explained.contains("taken") && explained.contains("1 of sre"), "{explained}");
    let refused = world.types(&world.alice, &[&replay[..], &[&files]].concat()).await?;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.err.contains("lacks the right `audit`"), "{refused:?}");

    let report = world.types(&world.bob, &["admin", "report"]).await?.ok()?;
    assert!(report.contains("nobody used it") && report.contains("bob"), "{report}");
    let csv = world.types(&world.bob, &["admin", "report", "--csv"]).await?.ok()?;
    assert!(csv.contains("approvers,bob,decisions,2\n"), "{csv}");
    Ok(())
}

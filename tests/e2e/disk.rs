//! A store on a disk that is full, or cannot be written: nothing is issued, nothing is half done, everybody is told why.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use testkit::{Output, Result, eventually};
use tokio::process::{Child, Command};

use crate::world::{Entry, HALLPASSD, World, is_root};

/// A world with a grant that needs no approval, whose store is on a disk of its own.
struct OnItsOwnDisk {
    world: World,
    disk: Disk,
    id: String,
}

/// A mount namespace that lasts as long as the shell in it: there, and nowhere else, the store is on a small tmpfs.
struct Disk {
    shell: Child,
    store: PathBuf,
}

impl Disk {
    async fn under(store: &Path) -> Result<Self> {
        let script = "mkdir \"$1.below\" && cp -a \"$1/.\" \"$1.below\" &&
            mount -t tmpfs -o size=2m,mode=0700 tmpfs \"$1\" && cp -a \"$1.below/.\" \"$1\" && rm -r \"$1.below\" &&
            echo > \"$1.mounted\" && exec cat";
        let mut shell = Command::new("unshare");
        shell.arg("--mount").args(if is_root() { &[][..] } else { &["--user", "--map-root-user"] });
        shell.args(["sh", "-c", script, "sh"]).arg(store);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        eventually("the disk is mounted", async || store.with_extension("mounted").exists()).await?;
        Ok(Self { shell, store: store.to_owned() })
    }

    /// A program that sees this disk.
    fn command(&self, program: &str) -> Result<Command> {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid()?, "--mount"]);
        command.args(if is_root() { &[][..] } else { &["--user", "--preserve-credentials"] });
        command.arg(program);
        Ok(command)
    }

    /// A file on it, as it is seen from outside.
    fn file(&self, name: &str) -> Result<PathBuf> {
        let outside = format!("/proc/{}/root{}", self.pid()?, self.store.display());
        Ok(Path::new(&outside).join(name))
    }

    fn pid(&self) -> Result<String> {
        Ok(self.shell.id().ok_or("the disk's shell has ended")?.to_string())
    }

    /// Fills it to the last byte.
    fn fill(&self) -> Result<()> {
        let mut file = std::fs::File::create(self.file("ballast")?)?;
        for size in [4096, 1] {
            let full = loop {
                if let Err(error) = file.write_all(&vec![0; size]) {
                    break error;
                }
            };
            assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
        }
        Ok(())
    }

    fn make_room(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.file("ballast")?)?)
    }

    /// Mounts it anew with this option: `ro`, `rw`.
    async fn remount(&self, option: &str) -> Result<()> {
        let options = format!("remount,bind,{option}");
        let remounted = self.command("mount")?.args(["-o", &options]).arg(&self.store).output().await?;
        let said = String::from_utf8_lossy(&remounted.stderr);
        if remounted.status.success() { Ok(()) } else { Err(said.into()) }
    }
}

impl OnItsOwnDisk {
    async fn start() -> Result<Self> {
        let mut world = World::start(&[Entry { name: "web-1", port: 22, env: "bare", more: "" }]).await?;
        let id = world.granted("web-1").await?;
        world.signal("TERM")?;
        world.ended().await?;
        let disk = Disk::under(&world.server_dir().join("store")).await?;
        let mut own = Self { world, disk, id };
        own.world.serve_by(own.serve()?).await?;
        Ok(own)
    }

    fn serve(&self) -> Result<Command> {
        let mut command = self.disk.command(HALLPASSD)?;
        command.arg("serve").arg("--config").arg(self.world.config());
        Ok(command)
    }

    /// Alice takes a certificate; it, and nothing else, would be in her directory `out` afterwards.
    async fn fetches(&self) -> Result<Output> {
        let out = self.world.alice.path("out");
        if out.exists() {
            std::fs::remove_dir_all(&out)?;
        }
        self.world.types(&self.world.alice, &["cert", "web-1", "--out", &out.to_string_lossy()]).await
    }

    /// The serial of the certificate that she took last; it is its entry in the ledger.
    fn serial(&self) -> Result<u64> {
        for file in std::fs::read_dir(self.world.alice.path("out"))? {
            let path = file?.path();
            if path.to_string_lossy().ends_with("-cert.pub") {
                return Ok(ssh_key::Certificate::from_openssh(std::fs::read_to_string(path)?.trim())?.serial());
            }
        }
        Err("no certificate".into())
    }

    /// Starts the server by its normal path, which a disk hinders, and expects its exit code and these words.
    async fn does_not_start(&mut self, words: &[&str]) -> Result<()> {
        let serve = self.serve()?;
        self.world.spawn(serve)?;
        assert_eq!(self.world.ended().await?, Some(1), "{}", self.world.log());
        for words in words {
            assert!(self.world.log().contains(words), "`{words}` is not said: {}", self.world.log());
        }
        Ok(())
    }

    /// What was refused changed nothing: alice fetches, her entry is the next after that one, and `reason` was never asked.
    async fn goes_on_after(&self, last: u64, reason: &str) -> Result<()> {
        self.fetches().await?.ok()?;
        assert_eq!(self.serial()?, last + 1, "an entry that nobody was told of");
        let status = self.status().await?;
        assert!(status.contains(&self.id) && !status.contains(reason), "{status}");
        self.asks(reason).await?.ok()?;
        assert!(self.status().await?.contains(reason), "it is asked now");
        Ok(())
    }

    async fn asks(&self, reason: &str) -> Result<Output> {
        let words = ["request", "--no-wait", "web-1", "--for", "10m", "-m", reason];
        self.world.types(&self.world.alice, &words).await
    }

    /// Alice's requests, as the server knows them.
    async fn status(&self) -> Result<String> {
        self.world.types(&self.world.alice, &["status", "--json"]).await?.ok()
    }
}

fn refused_with(refused: &Output, words: &[&str]) {
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for words in words {
        assert!(refused.err.contains(words), "`{words}` is not said: {refused:?}");
    }
}

const IN_VAIN: &str = "asked in vain";

#[tokio::test]
async fn a_full_disk_issues_nothing_says_what_to_do_and_is_over_when_there_is_room() -> Result<()> {
    let own = OnItsOwnDisk::start().await?;
    own.fetches().await?.ok()?;
    let mut last = own.serial()?;
    own.disk.fill()?;
    // The store may have some room left in a page of its own.
    let refused = loop {
        let fetched = own.fetches().await?;
        if !fetched.succeeded() {
            break fetched;
        }
        last = own.serial()?;
    };
    refused_with(&refused, &["disk", "full", "nothing was written", "Make room, then try again"]);
    assert!(!own.world.alice.path("out").exists(), "a certificate was written");
    refused_with(&own.asks(IN_VAIN).await?, &["disk", "full", "Make room, then try again"]);
    let status = own.status().await?;
    assert!(status.contains(&own.id) && !status.contains(IN_VAIN), "what is there can be read: {status}");
    assert!(!own.world.log().contains("panic"), "{}", own.world.log());
    own.disk.make_room()?;
    own.goes_on_after(last, IN_VAIN).await
}

#[tokio::test]
async fn a_server_whose_disk_is_full_does_not_start_says_so_and_starts_when_there_is_room() -> Result<()> {
    let mut own = OnItsOwnDisk::start().await?;
    for ended_by in ["TERM", "KILL"] {
        own.fetches().await?.ok()?;
        let last = own.serial()?;
        own.world.signal(ended_by)?;
        own.world.ended().await?;
        // The index of the log is as after a crash of the machine: gone.
        drop(std::fs::remove_file(own.disk.file("hallpass.db-shm")?));
        own.disk.fill()?;
        own.does_not_start(&["the disk that holds the store is full", "Make room, then try again"]).await?;
        own.disk.make_room()?;
        let serve = own.serve()?;
        own.world.serve_by(serve).await?;
        own.goes_on_after(last, ended_by).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_store_on_a_read_only_file_system_keeps_the_server_from_starting_and_stays_as_it_is() -> Result<()> {
    let mut own = OnItsOwnDisk::start().await?;
    own.fetches().await?.ok()?;
    let last = own.serial()?;
    own.world.signal("TERM")?;
    own.world.ended().await?;
    let content = |own: &OnItsOwnDisk| -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let files = std::fs::read_dir(own.disk.file("")?)?;
        let read = |path: PathBuf| std::fs::read(&path).map(|bytes| (path, bytes));
        Ok(files.map(|file| file.and_then(|file| read(file.path()))).collect::<std::io::Result<_>>()?)
    };
    let before = content(&own)?;
    own.disk.remount("ro").await?;
    own.does_not_start(&["store/hallpass.db could not be used", "Read-only file system"]).await?;
    own.disk.remount("rw").await?;
    assert!(content(&own)? == before, "something was changed");
    let serve = own.serve()?;
    own.world.serve_by(serve).await?;
    own.goes_on_after(last, IN_VAIN).await
}

impl OnItsOwnDisk {
    /// The server, to which the kernel answers thus about the store's log, and what was issued last before.
    async fn start_broken(inject: &str) -> Result<(Self, u64)> {
        let mut own = Self::start().await?;
        own.fetches().await?.ok()?;
        let last = own.serial()?;
        own.world.signal("TERM")?;
        own.world.ended().await?;
        let mut broken = own.disk.command("strace")?;
        broken.args(["-D", "-f", "-o", "/dev/null", "-P"]).arg(own.world.server_dir().join("store/hallpass.db-wal"));
        broken.args(["-e", &format!("inject={inject}"), HALLPASSD, "serve", "--config"]).arg(own.world.config());
        own.world.serve_by(broken).await?;
        Ok((own, last))
    }

    /// Nothing is issued, and everybody is told why.
    async fn refuses(&self) -> Result<()> {
        let words =
            ["the disk that holds the store fails, or was made read-only", "no certificate was made", "mend that"];
        refused_with(&self.fetches().await?, &words);
        assert!(!self.world.alice.path("out").exists(), "a certificate was written");
        refused_with(&self.asks(IN_VAIN).await?, &words);
        let status = self.status().await?;
        assert!(status.contains(&self.id) && !status.contains(IN_VAIN), "what is there can be read: {status}");
        Ok(())
    }
}

#[tokio::test]
async fn a_disk_that_turns_read_only_under_the_server_issues_nothing_and_says_so() -> Result<()> {
    // No file system turns read-only while a file on it is open for writing, unless it is broken.
    let (mut own, last) = OnItsOwnDisk::start_broken("write,pwrite64:error=EROFS").await?;
    own.refuses().await?;
    own.world.signal("TERM")?;
    assert_eq!(own.world.ended().await?, Some(0), "{}", own.world.log());
    let serve = own.serve()?;
    own.world.serve_by(serve).await?;
    own.goes_on_after(last, IN_VAIN).await
}

#[tokio::test]
async fn a_disk_that_takes_bytes_and_never_has_them_issues_nothing_and_says_so() -> Result<()> {
    let (mut own, last) = OnItsOwnDisk::start_broken("fsync,fdatasync:error=EIO").await?;
    own.refuses().await?;
    own.world.kill().await?;
    let serve = own.serve()?;
    own.world.serve_by(serve).await?;
    own.goes_on_after(last, IN_VAIN).await
}

//! Telling receivers: what happens is delivered, whatever happens to receiver and server in between.

use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use domain::Approval;
use serde_json::json;
use statement::Act;
use wire::v1;
use wire::v1::requests_client::RequestsClient;
use wire::v1::stops_client::StopsClient;

use super::harness::{World, append, serve, signed};
use super::receiver::{HttpReceiver, Reply};

const KEY: &[u8; 32] = b"what both sides know, 32 bytes!!";

/// A `[[notify]]` for JSON, with its secret.
fn json_to(root: &Path, name: &str, address: SocketAddr, more: &str) {
    let secret = format!("whsec_{}\n", <base64ct::Base64 as base64ct::Encoding>::encode_string(KEY));
    write_secret(&root.join("webhook.secret"), &secret, 0o600);
    let entry = format!(
        "\n[[notify]]\nname = \"{name}\"\nurl = \"http://{address}/in?token=x\"\nsecret-file = \"webhook.secret\"\n{more}\n"
    );
    append(&root.join("hallpassd.toml"), &entry);
}

fn write_secret(path: &Path, text: &str, mode: u32) {
    use std::io::Write as _;
    let open = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path);
    open.unwrap().write_all(text.as_bytes()).unwrap();
}

impl World {
    /// The server stops and starts again; the time between is a minute.
    async fn restarted(self) -> Self {
        let Self { directory, clock, alice, bob, dave, running } = self;
        running.stop().await;
        clock.pass(60);
        let running = serve(&directory.path().join("server/hallpassd.toml"), clock.clone()).await.unwrap();
        Self { directory, clock, alice, bob, dave, running }
    }

    fn metric(&self, line: &str) -> bool {
        let text = self.running.metrics_text();
        text.lines().any(|found| found == line)
    }

    /// Waits until a receiver has been told of everything, and that was noted.
    async fn settled(&self, receiver: &str) {
        let all = async {
            while self.waits_for(receiver) > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), all).await.unwrap();
    }

    /// What still waits for a receiver, due or not.
    fn waits_for(&self, receiver: &str) -> usize {
        let ever = domain::UnixTime::new(200_000_000_000).unwrap();
        self.running.ca().notices(&receiver.parse().unwrap(), ever, 1000).unwrap().len()
    }
}

#[tokio::test]
async fn what_happens_to_a_request_is_told_in_signed_json() {
    let mut receiver = HttpReceiver::start().await;
    let world = World::with(|root| json_to(root, "siem", receiver.address, "")).await;
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    let submitted = receiver.next().await;
    assert!(submitted.is_signed_with(KEY) && !submitted.is_signed_with(b"another"));
    assert_eq!((submitted.target.as_str(), submitted.header("content-type")), ("/in?token=x", "application/json"));
    assert_eq!(submitted.id(), format!("{}-1-submit", asked.id));
    let told = submitted.json();
    assert_eq!(
        (&told["schema"], &told["type"], &told["id"]),
        (&json!(1), &json!("request.submitted"), &json!(submitted.id()))
    );
    assert_eq!((&told["to"], &told["decision"]), (&json!(["alice"]), &json!(null)));
    assert_eq!(told["next"], json!(format!("hallpass show {}", asked.id)));
    let request = &told["request"];
    assert_eq!((&request["state"], &request["missing"]), (&json!("pending"), &json!("1 of admins")));
    assert_eq!((&request["access"], &request["reason"]), (&json!("root@web-1"), &json!("INC-42 disk full")));

    let mut decision = world.approves(&world.alice, &asked);
    decision.comment = Some("go on".parse().unwrap());
    let statement = Some(signed(&decision, &world.alice.key));
    RequestsClient::new(world.channel().await).decide(v1::DecideRequest { statement }).await.unwrap();
    let decided = receiver.next().await;
    assert_eq!(
        (decided.id(), decided.json()["to"].clone()),
        (format!("{}-2-decision", asked.id).as_str(), json!(["bob"]))
    );
    let told = decided.json();
    assert_eq!((&told["decision"]["approver"], &told["decision"]["comment"]), (&json!("alice"), &json!("go on")));
    assert_eq!(told["decision"]["verdict"], json!(Approval::Approve.to_string()));

    world.fetch(world.fetches(&world.bob, &asked.id, "root@web-1")).await.unwrap();
    world.clock.pass(1800 - 300);
    assert_eq!(world.running.ca().remind().await.unwrap(), 1);
    let ending = receiver.next().await;
    assert_eq!(
        (ending.id(), ending.json()["type"].clone()),
        (format!("{}-2-expiry", asked.id).as_str(), json!("request.expiring"))
    );
    for told in [&submitted, &decided, &ending] {
        for secret in ["SSH SIGNATURE", "ssh-ed25519", "hallpass-request v1", &world.root().display().to_string()] {
            assert!(!told.body.contains(secret), "{}", told.body);
        }
    }
}

#[tokio::test]
async fn a_notice_outlives_the_server_and_arrives_when_the_receiver_is_back() {
    let address = HttpReceiver::nowhere().await;
    let world = World::with(|root| json_to(root, "siem", address, "")).await;
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    let world = world.restarted().await;
    assert_eq!(world.waits_for("siem"), 1);
    let world = world.restarted().await;
    let mut receiver = HttpReceiver::at(address).await;
    world.clock.pass(60);
    let told = receiver.next().await;
    assert!(told.is_signed_with(KEY));
    assert_eq!(told.id(), format!("{}-1-submit", asked.id));
    assert_eq!(told.time(), domain::Clock::wall(&*world.clock).unwrap().seconds(), "signed for this attempt");
    world.settled("siem").await;
    let world = world.restarted().await;
    assert_eq!(world.waits_for("siem"), 0, "it is over, also for the next server");
}

#[tokio::test]
async fn a_flapping_receiver_gets_it_by_the_same_id_ever_later() {
    let mut receiver = HttpReceiver::start().await;
    receiver.replies(&[Reply::Status(500), Reply::Status(302), Reply::RetryAfter(503, "600"), Reply::Hang]);
    let world = World::with(|root| json_to(root, "siem", receiver.address, "timeout = \"1s\"")).await;
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    let (mut ids, mut times) = (Vec::new(), Vec::new());
    for longest in [5, 10, 600, 40, 0] {
        let told = receiver.next().await;
        ids.push(told.id().to_owned());
        times.push(told.time());
        world.clock.pass(longest);
    }
    assert_eq!(ids, vec![format!("{}-1-submit", asked.id); 5]);
    // Half of each pause is by chance; the third was asked for.
    let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [5, 10, 600, 40]);
    world.settled("siem").await;
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_neither_another_nor_a_request() {
    let (mut dead, mut siem) = (HttpReceiver::start().await, HttpReceiver::start().await);
    dead.replies(&[Reply::Hang]);
    let world = World::with(|root| {
        json_to(root, "dead", dead.address, "timeout = \"2m\"");
        json_to(root, "siem", siem.address, "on = [\"submit\"]");
    })
    .await;
    let first = world.submit(&world.bob, "root@web-1").await.unwrap();
    assert_eq!(dead.next().await.id(), siem.next().await.id());
    world.approve(&world.alice, &first).await.unwrap();
    let second = world.submit(&world.bob, "root@web-1").await.unwrap();
    assert_eq!(siem.next().await.id(), format!("{}-1-submit", second.id), "a decision is not what it wants");
    assert_eq!(world.waits_for("dead"), 3);
    // A receiver that hangs does not hold up the end, either.
    tokio::time::timeout(std::time::Duration::from_secs(10), world.running.stop()).await.unwrap();
}

#[tokio::test]
async fn what_is_gone_is_told_nothing_more_and_what_is_old_is_dropped() {
    let mut receiver = HttpReceiver::start().await;
    receiver.replies(&[Reply::Status(410)]);
    let address = HttpReceiver::nowhere().await;
    let world = World::with(|root| {
        json_to(root, "gone", receiver.address, "");
        json_to(root, "dead", address, "");
    })
    .await;
    world.submit(&world.bob, "root@web-1").await.unwrap();
    receiver.next().await;
    world.settled("gone").await;
    world.clock.pass(3 * 86_400 + 1);
    let world = world.restarted().await;
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    assert_eq!(receiver.next().await.id(), format!("{}-1-submit", asked.id), "the one before is not tried again");
    // Its courier has looked, or will.
    let one_left = async {
        while world.waits_for("dead") > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), one_left).await.expect("the old one was not dropped");
    // A receiver that is configured no more leaves nothing behind.
    let config = world.root().join("hallpassd.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.split("\n[[notify]]").next().unwrap()).unwrap();
    let world = world.restarted().await;
    assert_eq!((world.waits_for("dead"), world.waits_for("gone")), (0, 0));
}

#[tokio::test]
async fn deliveries_are_counted_by_receiver() {
    let mut receiver = HttpReceiver::start().await;
    receiver.replies(&[Reply::Status(500)]);
    let world = World::with(|root| json_to(root, "siem", receiver.address, "")).await;
    world.submit(&world.bob, "root@web-1").await.unwrap();
    receiver.next().await;
    world.clock.pass(5);
    receiver.next().await;
    world.settled("siem").await;
    assert!(world.metric("hallpass_notices_failed_total{receiver=\"siem\"} 1"));
    assert!(world.metric("hallpass_notices_delivered_total{receiver=\"siem\"} 1"));
}

#[tokio::test]
async fn a_receiver_that_cannot_be_used_is_told_before_the_server_starts() {
    let world = World::start().await;
    let config = world.root().join("hallpassd.toml");
    write_secret(&world.root().join("exposed.secret"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 0o644);
    write_secret(&world.root().join("no.secret"), "hunter2\n", 0o600);
    append(
        &config,
        "\n[[notify]]\nname = \"a\"\nurl = \"https://x.example/\"\nsecret-file = \"exposed.secret\"\n\
         [[notify]]\nname = \"b\"\nurl = \"https://x.example/\"\nsecret-file = \"no.secret\"\n\
         [[notify]]\nname = \"c\"\nurl = \"https://x.example/\"\nformat = \"teams\"\nca-file = \"access.toml\"\n\
         [[notify]]\nname = \"d\"\nexec = [\"/nowhere/page\"]\n\
         [[notify]]\nname = \"e\"\nemail = \"concerned\"\nfrom = \"a@example.com\"\nsendmail = [\"/nowhere/sendmail\"]\n",
    );
    let told = serve(&config, world.clock.clone()).await.err().unwrap().to_string();
    for says in ["chmod 600", "no.secret does not hold", "`c`: ", "/nowhere/page", "/nowhere/sendmail", "5 mistakes"] {
        assert!(told.contains(says), "{says} is not in\n{told}");
    }
    assert!(!told.contains("hunter2"));
}

#[tokio::test]
async fn break_glass_its_review_and_stops_are_told_by_their_own_names() {
    let mut receiver = HttpReceiver::start().await;
    let on = "on = [\"break-glass\", \"review\", \"stop\", \"lift\"]";
    let world = World::with(|root| json_to(root, "siem", receiver.address, on)).await;
    let asked = world.break_glass(&world.bob, "root@web-1").await.unwrap();
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["to"]), (&json!("request.break-glass"), &json!(["alice", "bob"])));
    assert_eq!(told["next"], json!(format!("hallpass review {}", asked.id)));
    assert_eq!(told["request"]["break_glass"], json!({ "reviewed_by": "admins" }));
    assert_eq!((&told["request"]["state"], &told["stop"]), (&json!("approved"), &json!(null)));
    assert!(world.metric("hallpass_break_glass_total 1"));

    let statement = world.act(&world.alice, Act::Review(asked.id.parse().unwrap()));
    RequestsClient::new(world.channel().await).review(v1::ReviewRequest { statement }).await.unwrap();
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["to"]), (&json!("request.reviewed"), &json!(["alice", "bob"])));
    let review = &told["request"]["review"];
    assert_eq!((&review["reviewer"], &review["found"]), (&json!("alice"), &json!("because")));

    let mut stops = StopsClient::new(world.channel().await);
    let statement = world.act(&world.alice, Act::Stop("user bob".parse().unwrap()));
    let entry = stops.stop(v1::StopRequest { statement }).await.unwrap().into_inner().entry;
    let stopped = receiver.next().await;
    assert_eq!(stopped.id(), format!("{entry}-stop"));
    let told = stopped.json();
    assert_eq!((&told["type"], &told["to"]), (&json!("stop.made"), &json!(["alice", "bob"])));
    let stop = json!({
        "entry": entry, "target": "user bob", "user": "alice", "reason": "because", "in_force": true, "until": null,
    });
    assert_eq!((&told["stop"], &told["request"], &told["next"]), (&stop, &json!(null), &json!("hallpass stop list")));
    let statement = world.act(&world.alice, Act::Lift(entry));
    stops.lift(v1::LiftRequest { statement }).await.unwrap();
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["stop"]["in_force"]), (&json!("stop.lift"), &json!(false)));
}

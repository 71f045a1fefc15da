//! Each way to a receiver, and what it is told there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use ca::{Notice, Subject, Told};
use directory::{Fields, Notes, Source};
use domain::{Clock as _, Event, StopTarget};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};
use serde_json::Value;
use statement::{Act, ActStatement};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::harness::{World, append};
use super::receiver::{HttpReceiver, Reply};
use crate::error::chain;
use crate::notify::{Delivered, Failure, Message, Output, Receiver, entries};

/// What people write who want to be more than they are.
const HOSTILE: &str =
    "<!channel> <@U012> <https://evil.example|approve> &lt; *bold* @channel [x](https://evil.example) <at>all</at>";

/// A receiver as these lines describe it.
fn receiver(lines: &str, beside: &Path) -> Receiver {
    let source = Source::new("hallpassd.toml", format!("[[notify]]\nname = \"test\"\n{lines}\n"));
    let notes = Notes::new(&source);
    let table = notes.toml();
    let read = entries(&notes, &Fields::top(&notes, table.get_ref())).pop();
    assert!(!notes.any(), "{:?}", notes.into_mistakes());
    Receiver::prepare(read.unwrap(), beside).unwrap()
}

impl World {
    /// Bob asks, with these words.
    async fn told(&self, reason: &str) -> Told {
        let mut asks = self.asks(&self.bob, "root@web-1");
        asks.reason = reason.parse().unwrap();
        let signed = super::harness::signed(&asks, &self.bob.key);
        let view = self.running.ca().submit(&signed.text, &signed.signature).await.unwrap();
        let (subject, happened) = (Subject::Request(view.stored.id), self.clock.wall().unwrap());
        let (receiver, event) = ("test".parse().unwrap(), Event::Submit);
        let notice = Notice { receiver, subject, version: 1, event, happened, attempts: 0 };
        self.running.ca().tell(notice).unwrap()
    }

    async fn tells(&self, receiver: &Receiver, told: Told) -> Result<Delivered, Failure> {
        let (bundle, now) = (self.running.ca().bundle(), self.clock.wall().unwrap());
        receiver.tell(&Message::of(told), bundle.directory(), now, Output::Nowhere).await
    }
}

/// Every text in a JSON value with the place where it stands.
fn texts(value: &Value, place: &str) -> Vec<(String, String)> {
    match value {
        Value::String(text) => vec![(place.to_owned(), text.clone())],
        Value::Array(items) => items.iter().flat_map(|item| texts(item, place)).collect(),
        Value::Object(fields) => {
            // What a text object is counts for the text in it.
            let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
            fields.iter().flat_map(|(key, value)| texts(value, &format!("{place}/{kind}.{key}"))).collect()
        }
        _ => Vec::new(),
    }
}

async fn posted(world: &World, format: &str, reason: &str) -> Value {
    let mut http = HttpReceiver::start().await;
    let lines = format!("url = \"http://{}/\"\nformat = \"{format}\"", http.address);
    let told = world.told(reason).await;
    world.tells(&receiver(&lines, &world.root()), told).await.unwrap();
    http.next().await.json()
}

#[tokio::test]
async fn a_reason_calls_nobody_and_forges_no_link_in_slack() {
    let world = World::start().await;
    let body = posted(&world, "slack", HOSTILE).await;
    let all = texts(&body, "");
    for (place, text) in &all {
        assert!(!text.contains(['<', '>']), "{place}: {text}");
        if text.contains("channel") || text.contains("evil") {
            assert!(
                place.ends_with("/plain_text.text"),
                "free words stand in plain text alone, not in {place}: {text}"
            );
        }
    }
    let escaped = HOSTILE.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    assert!(all.iter().any(|(_, text)| text.contains(&escaped)), "{all:?}");
    assert!(body["text"].as_str().unwrap().starts_with("bob asks for root@web-1 for 30m - hallpass show "));
    // What Slack allows at most, even when all is escaped.
    let body = posted(&world, "slack", &"&".repeat(1024)).await;
    assert!(texts(&body, "").iter().all(|(_, text)| text.chars().count() <= 3000));
}

#[tokio::test]
async fn a_reason_calls_nobody_and_forges_no_link_in_teams() {
    let world = World::start().await;
    let body = posted(&world, "teams", HOSTILE).await;
    let holding: Vec<_> = texts(&body, "").into_iter().filter(|(_, text)| text.contains("evil")).collect();
    assert_eq!(holding.len(), 1);
    assert!(holding[0].0.ends_with("/TextRun.text") && holding[0].1 == HOSTILE, "{holding:?}");
    let card = &body["attachments"][0]["content"];
    assert_eq!((card["type"].as_str(), card["version"].as_str()), (Some("AdaptiveCard"), Some("1.4")));
    assert!(
        !body.to_string().contains("TextBlock\"") || !body.to_string().contains("\"TextBlock\""),
        "no Markdown anywhere"
    );
    assert!(card.get("msteams").is_none(), "no entities: nobody is mentioned");
}

#[tokio::test]
async fn a_program_is_given_the_json_and_its_exit_is_the_answer() {
    let world = World::start().await;
    let (out, script) = (world.directory.path().join("out"), world.directory.path().join("page"));
    std::fs::write(&script, "#!/bin/sh\ncat > \"$1\"\nenv | sort > \"$1.env\"\nexit \"$2\"\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let exec = |status: u8| {
        let lines = format!("exec = [\"{}\", \"{}; id\", \"{status}\"]", script.display(), out.display());
        receiver(&lines, &world.root())
    };
    let told = world.told(HOSTILE).await;
    assert_eq!(world.tells(&exec(0), told.clone()).await.unwrap(), Delivered::Taken);
    let written = std::fs::read_to_string(format!("{}; id", out.display())).unwrap();
    let json: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(json["request"]["reason"].as_str(), Some(HOSTILE));
    let environment = std::fs::read_to_string(format!("{}; id.env", out.display())).unwrap();
    let names: Vec<&str> = environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert!(names.iter().all(|name| ["PATH", "PWD", "SHLVL", "_", "OLDPWD"].contains(name)), "{environment}");
    let failed = world.tells(&exec(75), told.clone()).await.unwrap_err();
    assert!(chain(&failed).contains("75") && !chain(&failed).contains("id"), "{failed}");
    let slow = receiver("exec = [\"/bin/sleep\", \"600\"]\ntimeout = \"1s\"", &world.root());
    assert!(matches!(world.tells(&slow, told).await, Err(Failure::Timeout(_))));
}

#[tokio::test]
async fn mail_goes_to_those_whom_it_concerns_and_words_are_no_headers() {
    let world = World::with(|root| {
        let path = root.join("directory.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        // At the start of a line alone: the samples in comments stay as they are.
        let with = |text: String, name: &str| {
            let line = format!("\nname = \"{name}\"\n");
            text.replacen(&line, &format!("{line}email = \"{name}@example.com\"\n"), 1)
        };
        std::fs::write(path, with(with(text, "alice"), "bob")).unwrap();
    })
    .await;
    let (out, script) = (world.directory.path().join("mail"), world.directory.path().join("sendmail"));
    std::fs::write(&script, format!("#!/bin/sh\necho \"$@\" > {0}.args\ncat > {0}\n", out.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let lines = format!(
        "email = [\"concerned\", \"security@example.com\"]\nfrom = \"hallpass@example.com\"\nsendmail = [\"{}\", \"-x\"]",
        script.display()
    );
    let told = world.told("INC-42: Bcc: eve@example.com ümläut").await;
    assert_eq!(world.tells(&receiver(&lines, &world.root()), told.clone()).await.unwrap(), Delivered::Mailed(2));
    let arguments = std::fs::read_to_string(format!("{}.args", out.display())).unwrap();
    assert_eq!(arguments.trim(), "-x -i -f hallpass@example.com alice@example.com security@example.com");
    let mail = std::fs::read_to_string(&out).unwrap();
    let (head, body) = mail.split_once("\n\n").unwrap();
    let subject = format!("Subject: [hallpass] bob asks for root@web-1 for 30m ({})", told.notice.subject);
    for line in ["From: Hallpass <hallpass@example.com>", "To: alice@example.com,", " security@example.com", &subject] {
        assert!(head.lines().any(|found| found == line), "{line} is not in\n{head}");
    }
    assert!(!head.contains("eve@") && mail.is_ascii() && mail.lines().all(|line| line.len() < 200));
    let words = String::from_utf8(Base64::decode_vec(&body.replace('\n', "")).unwrap()).unwrap();
    assert!(
        words.contains("Reason:     INC-42: Bcc: eve@example.com ümläut\n") && words.contains("hallpass show "),
        "{words}"
    );

    // Nobody whom this concerns has an address: nothing is sent, and nothing failed.
    let only = lines.replace(", \"security@example.com\"", "");
    let nobody = Told { to: ["dave".parse().unwrap()].into(), ..told };
    assert_eq!(world.tells(&receiver(&only, &world.root()), nobody).await.unwrap(), Delivered::NobodyHasAnAddress);
}

#[tokio::test]
async fn answers_are_taken_by_their_status_and_read_in_part() {
    let world = World::start().await;
    let mut http = HttpReceiver::start().await;
    let hook = receiver(&format!("url = \"http://{}/\"\nformat = \"slack\"", http.address), &world.root());
    let told = world.told("x").await;
    for (reply, last) in [(301, false), (404, false), (410, true), (500, false)] {
        http.replies(&[Reply::Status(reply)]);
        let failure = world.tells(&hook, told.clone()).await.unwrap_err();
        assert_eq!(failure.is_final(), last, "{failure}");
        assert_eq!(http.next().await.target, "/", "a redirect is not followed");
        assert!(failure.to_string().contains("the <answer>") && !failure.for_log().contains("answer>"), "{failure}");
    }
    http.replies(&[Reply::RetryAfter(429, "17")]);
    assert_eq!(world.tells(&hook, told.clone()).await.unwrap_err().retry_after(), Some(17));

    let endless = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = endless.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = endless.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    let hook = receiver(&format!("url = \"http://{address}/\"\nformat = \"slack\""), &world.root());
    let Delivered::Answered(_, body) = world.tells(&hook, told).await.unwrap() else { panic!("no answer") };
    assert_eq!(body.len(), 1024);
    serving.await.unwrap();
}

/// A receiver that speaks one version of TLS, with a certificate of its own making; the certificate in PEM.
async fn tls_receiver(version: &'static SupportedProtocolVersion) -> (std::net::SocketAddr, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let (listener, acceptor) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TlsAcceptor::from(Arc::new(config)));
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            // Until the client leaves, so that nothing is reset under it.
            stream.read_to_end(&mut Vec::new()).await.ok();
        }
    });
    (address, cert.pem())
}

#[tokio::test]
async fn a_receiver_must_show_a_certificate_that_is_trusted() {
    let world = World::start().await;
    let told = world.told("x").await;
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let (address, pem) = tls_receiver(version).await;
        let (_, other) = tls_receiver(version).await;
        for (name, pem) in [("right.pem", pem), ("wrong.pem", other)] {
            std::fs::write(world.root().join(name), "").unwrap();
            append(&world.root().join(name), &pem);
        }
        let hook = |host: &str, ca: &str| {
            let lines = format!("url = \"https://{host}:{}/\"\nformat = \"teams\"\nca-file = \"{ca}\"", address.port());
            receiver(&lines, &world.root())
        };
        let accepted = world.tells(&hook("localhost", "right.pem"), told.clone()).await.unwrap();
        assert!(matches!(accepted, Delivered::Answered(status, _) if status == 202));
        for (host, ca) in [("localhost", "wrong.pem"), ("127.0.0.1", "right.pem")] {
            let refused = world.tells(&hook(host, ca), told.clone()).await.unwrap_err();
            assert!(refused.to_string().contains("no TLS"), "{host} {ca}: {refused}");
        }
    }
}

#[tokio::test]
async fn chat_rooms_show_stops_and_break_glass_with_words_that_call_nobody() {
    let world = World::start().await;
    let mut http = HttpReceiver::start().await;
    let stop = StopTarget::Host("web-1".parse().unwrap());
    let reason = Some(HOSTILE.parse().unwrap());
    let (header, user) = (world.header(), world.alice.name.parse().unwrap());
    let act = super::harness::signed(&ActStatement { header, user, act: Act::Stop(stop), reason }, &world.alice.key);
    let entry = world.running.ca().stop(&act.text, &act.signature).await.unwrap().done.entry;
    let (receiver_name, happened) = ("test".parse().unwrap(), world.clock.wall().unwrap());
    let (subject, event) = (Subject::Act(entry), Event::Stop);
    let notice = Notice { receiver: receiver_name, subject, version: 0, event, happened, attempts: 0 };
    for format in ["slack", "teams"] {
        let lines = format!("url = \"http://{}/\"\nformat = \"{format}\"", http.address);
        let told = world.running.ca().tell(notice.clone()).unwrap();
        world.tells(&receiver(&lines, &world.root()), told).await.unwrap();
        let body = http.next().await.json();
        let all = texts(&body, "");
        assert!(all.iter().any(|(_, text)| text.contains("alice stopped host web-1")), "{all:?}");
        let holding: Vec<_> = all.iter().filter(|(_, text)| text.contains("evil")).collect();
        let plain = |place: &str| place.ends_with("/plain_text.text") || place.ends_with("/TextRun.text");
        assert!(holding.len() == 1 && holding.iter().all(|(place, _)| plain(place)), "{holding:?}");
    }
}

//! What log lines say, and what they never say.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use domain::Approval;
use serde_json::Value;
use signer::PassphraseSource;
use statement::{Act, armored};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;
use wire::v1;
use wire::v1::admin_client::AdminClient;
use wire::v1::requests_client::RequestsClient;
use wire::v1::sessions_client::SessionsClient;

use super::harness::{Hands, Person, World, append, made_with, serve, signed, with_token};
use super::receiver::{HttpReceiver, Reply};
use crate::KeysAre;

/// What is logged on this thread, which a test shares with its server.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Logs as the program does, from now until the guard is dropped.
    fn begin(&self, filter: &str) -> DefaultGuard {
        let log = self.clone();
        tracing::subscriber::set_default(crate::logging::json(EnvFilter::new(filter), move || log.clone()))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Each line of the product's own: its message, user and request.
    fn lines(&self) -> Vec<(String, Option<String>, Option<String>)> {
        let field = |line: &Value, name: &str| line.get(name).map(|value| value.as_str().unwrap().to_owned());
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let said = |line: Value| {
            let method = field(&line, "method").map(|method| format!("{method}: ")).unwrap_or_default();
            let message = field(&line, "message").unwrap();
            // Why a call was refused is told by the reason.
            let message = field(&line, "reason").filter(|_| line.get("method").is_some()).unwrap_or(message);
            (format!("{method}{message}"), field(&line, "user"), field(&line, "request"))
        };
        lines.map(said).collect()
    }
}

/// What a story left behind: ids for the lines, and secrets that are in none.
struct Told {
    requests: [String; 3],
    secrets: Vec<String>,
}

/// Bob asks, alice decides, bob takes a certificate and gives back; another request is cancelled, a third one expires;
/// and whatever can be refused on the way is.
async fn story(world: &World) -> Told {
    let tokens = [world.log_in(&world.bob).await.unwrap(), world.log_in(&world.alice).await.unwrap()];
    let (mut requests, mut sessions) =
        (RequestsClient::new(world.channel().await), SessionsClient::new(world.channel().await));
    world.submit(&world.dave, "root@web-1").await.unwrap_err();
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    let early = world.fetches(&world.bob, &asked.id, "root@web-1");
    world.fetch(early.clone()).await.unwrap_err();
    world.approve(&world.dave, &asked).await.unwrap_err();
    let approved = world.approve(&world.alice, &asked).await.unwrap();
    world.fetch(world.fetches(&world.dave, &asked.id, "root@web-1")).await.unwrap_err();
    let fetch = world.fetches(&world.bob, &asked.id, "root@web-1");
    world.fetch(fetch.clone()).await.unwrap();
    let mut end = async |person: &Person, act| requests.end(v1::EndRequest { statement: world.act(person, act) }).await;
    let give_back = Act::GiveBack(asked.id.parse().unwrap());
    end(&world.alice, give_back.clone()).await.unwrap_err();
    end(&world.bob, give_back).await.unwrap();

    let second = world.submit(&world.bob, "root@web-1").await.unwrap();
    end(&world.bob, Act::Cancel(second.id.parse().unwrap())).await.unwrap();
    let get = |id: &str| with_token(&tokens[0], v1::GetRequestRequest { id: id.to_owned() });
    requests.get_request(get("7K3F9-QXMWT")).await.unwrap_err();
    requests.get_request(get("no id")).await.unwrap_err();
    requests.submit(v1::SubmitRequest { statement: None }).await.unwrap_err();
    let third = world.submit(&world.bob, "root@web-1").await.unwrap();
    let mut denies = world.approves(&world.alice, &third);
    (denies.verdict, denies.allows) = (Approval::Deny, "everything".parse().unwrap());
    let denies = signed(&denies, &world.alice.key);
    requests.decide(v1::DecideRequest { statement: Some(denies.clone()) }).await.unwrap_err();
    world.clock.pass(3600);
    assert_eq!(world.running.ca().expire().await.unwrap(), 1);

    world.running.reload().await.unwrap();
    append(&world.root().join("hosts.toml"), "[[host]]\n");
    world.running.reload().await.unwrap_err();
    world.clock.jump(10);
    world.running.ca().watch_clock().await;
    let resume = v1::ResumeRequest { statement: world.act(&world.alice, Act::Resume) };
    AdminClient::new(world.channel().await).resume(resume.clone()).await.unwrap();
    for token in &tokens {
        sessions.logout(with_token(token, v1::LogoutRequest {})).await.unwrap();
        sessions.who_am_i(with_token(token, v1::WhoAmIRequest {})).await.unwrap_err();
    }

    let statements = [early.statement, fetch.statement, resume.statement, approved.statement, Some(denies)];
    let decisions = approved.decisions.into_iter().map(|decision| decision.statement);
    let signatures = statements.into_iter().chain(decisions).flatten().map(|statement| statement.signature);
    let keys = [&world.alice, &world.bob, &world.dave].map(|person| person.key.to_openssh(Default::default()).unwrap());
    let mut secrets: Vec<String> = tokens.into();
    secrets.extend(signatures.flat_map(|signature| [armored(&signature), listed(&signature)]));
    secrets.extend(keys.map(|key| key.to_string()));
    secrets.extend(files(&world.root().join("keys")));
    Told { requests: [asked.id, second.id, third.id], secrets }
}

/// The end of some bytes, as `Debug` shows it.
fn listed(bytes: &[u8]) -> String {
    format!("{:?}", &bytes[bytes.len() - 16..]).trim_matches(['[', ']']).to_owned()
}

fn files(directory: &Path) -> impl Iterator<Item = String> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files.filter_map(|path| std::fs::read_to_string(path).ok())
}

#[tokio::test]
async fn each_line_names_user_and_request_where_there_are_such() {
    let log = Log::default();
    let _guard = log.begin("info");
    let world = World::start().await;
    let [first, second, third] = story(&world).await.requests;
    let (first, second, third) = (first.as_str(), second.as_str(), third.as_str());
    let expected = [
        ("Login: logged in", "bob", ""),
        ("Login: logged in", "alice", ""),
        ("Submit: POLICY_REFUSED", "dave", ""),
        ("Submit: asked", "bob", first),
        ("Fetch: NOT_GRANTED", "bob", first),
        ("Decide: DECISION_REFUSED", "dave", first),
        ("Decide: decided", "alice", first),
        ("Fetch: NOT_GRANTED", "bob", first),
        ("Fetch: issued a certificate", "bob", first),
        ("End: NOT_YOURS", "alice", first),
        ("End: ended", "bob", first),
        ("Submit: asked", "bob", second),
        ("End: ended", "bob", second),
        ("GetRequest: NO_SUCH_REQUEST", "bob", "7K3F9-QXMWT"),
        ("GetRequest: MESSAGE_INVALID", "bob", ""),
        ("Submit: MESSAGE_INVALID", "", ""),
        ("Submit: asked", "bob", third),
        ("Decide: DECISION_REFUSED", "alice", third),
        ("ended unanswered", "bob", third),
        ("policy, directory and hosts were loaded", "", ""),
        ("the files in force stay in force", "", ""),
        ("issuing is stopped until an administrator resumes it", "", ""),
        ("issuing was resumed", "alice", ""),
        ("Resume: resumed issuing", "alice", ""),
        ("Logout: logged out", "bob", ""),
        ("WhoAmI: NO_SESSION", "", ""),
        ("Logout: logged out", "alice", ""),
        ("WhoAmI: NO_SESSION", "", ""),
    ];
    let named = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
    let lines = log.lines();
    for (line, (message, user, request)) in lines.iter().zip(expected) {
        assert!(line.0.starts_with(message), "{message}: {lines:#?}");
        assert_eq!((&line.1, &line.2), (&named(user), &named(request)), "{message}: {lines:#?}");
    }
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    let bundle = format!("\"bundle\":\"{}\"", world.running.ca().bundle().digest());
    assert_eq!(log.text().matches(&bundle).count(), 2, "both reloads say what is in force");
}

#[tokio::test]
async fn no_line_holds_a_receivers_secret_or_more_of_its_url_than_the_host() {
    let log = Log::default();
    let _guard = log.begin("trace");
    let mut receiver = HttpReceiver::start().await;
    receiver.replies(&[Reply::Status(500)]);
    let world = World::with(|root| {
        let mut file = std::fs::OpenOptions::new();
        let file = file.write(true).create(true).mode(0o600).open(root.join("webhook.secret"));
        file.unwrap().write_all(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let url = format!("http://{}/services/T0/in-the-path?token=in-the-query", receiver.address);
        let entry = format!("\n[[notify]]\nname = \"siem\"\nurl = \"{url}\"\nsecret-file = \"webhook.secret\"\n");
        append(&root.join("hallpassd.toml"), &entry);
    })
    .await;
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    let signature = receiver.next().await.header("webhook-signature").to_owned();
    world.clock.pass(5);
    receiver.next().await;
    world.running.stop().await;
    let text = log.text();
    let failed = text.lines().find(|line| line.contains("a notice was not delivered")).unwrap();
    let line: Value = serde_json::from_str(failed).unwrap();
    assert_eq!((line["receiver"].as_str(), line["about"].as_str()), (Some("siem"), Some(asked.id.as_str())));
    assert_eq!(line["error"].as_str(), Some("it answered 500 Internal Server Error"));
    for secret in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "in-the-path", "in-the-query", &signature, "the <answer>"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

/// Whatever is logged of the product and of what it is made of.
#[tokio::test]
async fn no_line_holds_a_secret_at_any_level() {
    let log = Log::default();
    let _guard = log.begin("trace");
    let world = World::start().await;
    let secrets = story(&world).await.secrets;
    let text = log.text();
    assert!(text.contains("issued a certificate") && text.contains("\"level\":\"TRACE\""), "{text}");
    let parts: Vec<&str> = secrets.iter().flat_map(|secret| secret.lines()).filter(|line| line.len() > 20).collect();
    assert!(parts.len() > 50, "tokens, signatures and keys: {parts:?}");
    for part in parts {
        assert!(!text.contains(part), "{part} is in the log");
    }
    assert!(!text.to_lowercase().contains("bearer"));
}

#[tokio::test]
async fn a_passphrase_is_in_no_line_and_no_refusal() {
    let log = Log::default();
    let _guard = log.begin("trace");
    let directory = tempfile::tempdir().unwrap();
    let (root, file) = (directory.path().join("server"), directory.path().join("passphrase"));
    let write = |passphrase: &str| {
        let options = std::fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&file);
        options.unwrap().write_all(passphrase.as_bytes()).unwrap();
    };
    write("correct horse battery staple\n");
    made_with(&root, &Person::new("alice"), KeysAre::Encrypted(PassphraseSource::File(file.clone())));
    let config = root.join("hallpassd.toml");
    serve(&config, Hands::now()).await.unwrap().stop().await;
    write("incorrect horse\n");
    let refused = serve(&config, Hands::now()).await.err().unwrap();
    for text in [log.text(), crate::error::chain(&refused), format!("{refused:?}")] {
        assert!(!text.is_empty() && !text.contains("horse"), "{text}");
    }
}

//! What a statement says, in words for the one who is about to sign it.

use domain::{Amendment, Command, RuleName, StopTarget, Text, UnixTime};
use statement::{
    Act, ActStatement, BundleChange, DecisionStatement, FetchStatement, LoginStatement, Rebind, RequestStatement,
    Statement,
};

/// A statement that can be told before it is signed.
pub(crate) trait InWords: Statement {
    /// All that it says but for who it is for, its nonce, its time and its checkpoint; one thing to a line.
    fn in_words(&self) -> Vec<String>;
}

impl InWords for LoginStatement {
    fn in_words(&self) -> Vec<String> {
        let Self { header: _, user, tls_key } = self;
        vec![format!("log in as {user}"), format!("over the connection with the TLS key {tls_key}")]
    }
}

impl InWords for RequestStatement {
    fn in_words(&self) -> Vec<String> {
        let Self { header: _, requester, access, start, window, uses, command, reason, ticket, connecting_key, .. } =
            self;
        let Self { rule, break_glass, extends, .. } = self;
        let mut words = vec![format!("ask as {requester} for {access}, for {window}: {reason}")];
        words.extend(start.map(|start: UnixTime| format!("from {start}")));
        words.extend(uses.map(|uses| format!("for {uses} certificates at most")));
        words.extend(command.as_ref().map(|command: &Command| format!("only to run: {command}")));
        words.extend(ticket.as_ref().map(|ticket: &Text| format!("ticket {ticket}")));
        words.extend(rule.as_ref().map(|rule: &RuleName| format!("by the rule {rule}")));
        words.extend(
            break_glass
                .map(|_| "as BREAK-GLASS: at once, without approval, to be reviewed by somebody else".to_owned()),
        );
        words.extend(extends.map(|extends| format!("to extend {}, counted from {}", extends.id, extends.since)));
        words.push(format!("for the connecting key {} {}", connecting_key.kind(), connecting_key.fingerprint()));
        words
    }
}

impl InWords for DecisionStatement {
    fn in_words(&self) -> Vec<String> {
        let Self { header: _, approver, id, request, ruling, allows, verdict, comment } = self;
        let mut words = vec![format!("{verdict} request {id} as {approver}: {allows}")];
        words.extend(comment.as_ref().map(|comment| format!("comment: {comment}")));
        words.push(format!("the request's text {request}"));
        words.push(format!("the ruling's text {ruling}"));
        words
    }
}

impl InWords for FetchStatement {
    fn in_words(&self) -> Vec<String> {
        let Self { header: _, id, pairs } = self;
        let mut words = vec![format!("fetch certificates under request {id}")];
        words.extend(pairs.iter().map(|pair| format!("for {pair}")));
        words
    }
}

impl InWords for ActStatement {
    fn in_words(&self) -> Vec<String> {
        let Self { header: _, user, act, reason } = self;
        let told = match act {
            Act::Cancel(id) => format!("cancel request {id}"),
            Act::GiveBack(id) => format!("give back the grant of request {id}"),
            Act::Withdraw(id) => format!("take back the approval of request {id}"),
            Act::Rebind(Rebind { id, key }) => {
                format!("put the connecting key {} {} in place of that of request {id}", key.kind(), key.fingerprint())
            }
            Act::Review(id) => format!("review the break-glass of request {id}"),
            Act::Resume => "let the server issue certificates again".to_owned(),
            Act::SignBundle(change) => format!("say that the bundle {} may be put in force", replacing(change)),
            Act::LoadBundle(change) => format!("put the bundle {} in force", replacing(change)),
            Act::RollBack(change) => format!("put the earlier bundle {} back in force", replacing(change)),
            Act::Stop(target) => format!("stop {} at once", stopped(target)),
            Act::Lift(entry) => format!("say that the stop of entry {entry} may end"),
            Act::Amend(amendment) => amended(amendment),
        };
        let mut words = vec![format!("{told}, as {user}")];
        words.extend(reason.as_ref().map(|reason| format!("reason: {reason}")));
        words
    }
}

fn replacing(change: &BundleChange) -> String {
    format!("{}, in place of that of entry {},", change.bundle, change.after)
}

fn stopped(target: &StopTarget) -> String {
    match target {
        StopTarget::Request(id) => format!("request {id}"),
        StopTarget::Serial(serial) => format!("the certificate with serial {serial}"),
        StopTarget::User(user) => format!("the user {user}, with every account that they own,"),
        StopTarget::Host(host) => format!("the host {host}"),
        StopTarget::All => "everything, for everybody,".to_owned(),
    }
}

fn amended(amendment: &Amendment) -> String {
    match amendment {
        Amendment::DisableUser(user) => format!("disable the user {user} at once"),
        Amendment::RemoveKey { user, key } => format!("remove {user}'s key {key} at once"),
        Amendment::RemoveHost(host) => format!("remove the host {host} at once"),
        Amendment::AddHost { name, address, port } => format!("add the host {name}, at {address} port {port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const HEADER: &str = "server: ca.example.com/test 0000000000000000000000000000000000000000000000000000000000000000\n\
                          nonce: 00112233445566778899aabbccddeeff\ntime: 2026-01-02T03:04:05Z\nseen: -\n";

    fn words<S: InWords>(kind: &str, lines: &str) -> String {
        S::parse(&format!("hallpass-{kind} v1\n{HEADER}{lines}")).unwrap().in_words().join("\n")
    }

    #[test]
    fn all_of_a_request_is_told_with_its_connecting_key() {
        let lines = format!(
            "requester: alice\naccess: root@web-1\nstart: 2026-01-02T04:00:00Z\nwindow: 30m\nuses: 3\n\
             command: systemctl restart nginx\nreason: INC-42 disk full\nticket: INC-42\nconnecting-key: {KEY}\n\
             rule: prod\nbreak-glass: yes\nextends: 7K3F9-QXMWT since 2026-01-02T03:30:00Z\n"
        );
        let fingerprint = KEY.parse::<domain::PublicKey>().unwrap().fingerprint();
        assert_eq!(
            words::<RequestStatement>("request", &lines),
            format!(
                "ask as alice for root@web-1, for 30m: INC-42 disk full\nfrom 2026-01-02T04:00:00Z\n\
                 for 3 certificates at most\nonly to run: systemctl restart nginx\nticket INC-42\nby the rule prod\n\
                 as BREAK-GLASS: at once, without approval, to be reviewed by somebody else\n\
                 to extend 7K3F9-QXMWT, counted from 2026-01-02T03:30:00Z\nfor the connecting key ed25519 {fingerprint}"
            )
        );
    }

    #[test]
    fn a_decision_is_told_with_the_texts_that_it_binds_to() {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let lines = format!(
            "approver: bob\nid: 7K3F9-QXMWT\nrequest: {one}\nruling: {two}\nallows: root@web-1 for 30m\n\
             verdict: deny\ncomment: not on a Friday\n"
        );
        assert_eq!(
            words::<DecisionStatement>("decision", &lines),
            format!(
                "deny request 7K3F9-QXMWT as bob: root@web-1 for 30m\ncomment: not on a Friday\n\
                 the request's text {one}\nthe ruling's text {two}"
            )
        );
    }

    #[test]
    fn logins_fetches_and_acts_are_told_whole() {
        let key = "3".repeat(64);
        assert_eq!(
            words::<LoginStatement>("login", &format!("user: alice\ntls-key: {key}\n")),
            format!("log in as alice\nover the connection with the TLS key {key}")
        );
        assert_eq!(
            words::<FetchStatement>("fetch", "id: 7K3F9-QXMWT\npair: deploy@web-1\npair: root@web-2\n"),
            "fetch certificates under request 7K3F9-QXMWT\nfor deploy@web-1\nfor root@web-2"
        );
        assert_eq!(
            words::<ActStatement>("act", "user: alice\nverb: give-back\ntarget: 7K3F9-QXMWT\nreason: done early\n"),
            "give back the grant of request 7K3F9-QXMWT, as alice\nreason: done early"
        );
        let fingerprint = KEY.parse::<domain::PublicKey>().unwrap().fingerprint();
        assert_eq!(
            words::<ActStatement>("act", &format!("user: alice\nverb: rebind\ntarget: 7K3F9-QXMWT {KEY}\nreason: -\n")),
            format!("put the connecting key ed25519 {fingerprint} in place of that of request 7K3F9-QXMWT, as alice")
        );
        let bundle = "4".repeat(64);
        assert_eq!(
            words::<ActStatement>(
                "act",
                &format!("user: alice\nverb: load-bundle\ntarget: {bundle} after 17\nreason: -\n")
            ),
            format!("put the bundle {bundle}, in place of that of entry 17, in force, as alice")
        );
        assert_eq!(
            words::<ActStatement>("act", "user: alice\nverb: disable-user\ntarget: bob\nreason: he left\n"),
            "disable the user bob at once, as alice\nreason: he left"
        );
    }
}

//! What chat rooms show. Words that people wrote are shown as they are: they call nobody and are no link.

use serde_json::{Value, json};

use super::message::Message;

/// For Slack's incoming webhooks, and what takes the same.
///
/// Free words stand in `plain_text` only, where Slack knows neither mentions nor formatting, and with `&`, `<` and `>`
/// escaped as Slack wants it anywhere: <https://docs.slack.dev/messaging/formatting-message-text>. The `text` of a
/// notification, which programs that imitate Slack show alone, has none of them.
pub(crate) fn slack(message: &Message) -> Value {
    let lines: Vec<String> =
        message.details().into_iter().map(|(name, value)| escaped(&format!("{name}: {value}"))).collect();
    let headline = escaped(&message.headline());
    let next = escaped(&message.next());
    json!({
        "text": format!("{headline} - {next}"),
        "mrkdwn": false,
        "link_names": false,
        "parse": "none",
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": [
            { "type": "section", "text": plain(headline) },
            { "type": "section", "text": plain(shortened(&lines.join("\n"))) },
            { "type": "context", "elements": [plain(next)] },
        ],
    })
}

fn plain(text: String) -> Value {
    json!({ "type": "plain_text", "emoji": false, "text": text })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Slack refuses a section of over 3,000 characters. Cut, never inside of what was escaped.
fn shortened(text: &str) -> String {
    const MOST: usize = 2900;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(MOST).collect();
    let whole = match cut.rfind('&') {
        Some(at) if cut.get(at..).is_some_and(|rest| !rest.contains(';')) => cut.get(..at).unwrap_or_default(),
        _ => &cut,
    };
    format!("{whole} ...")
}

/// For a Teams workflow that starts "when a Teams webhook request is received": a message with an Adaptive Card.
///
/// Free words stand in text runs, which unlike text blocks know no Markdown, so that nothing can be dressed as a link;
/// and nobody is mentioned without an `entities` list: <https://adaptivecards.io/explorer/TextRun.html>. They are not
/// HTML either: `<` is shown as it is.
pub(crate) fn teams(message: &Message) -> Value {
    let run = |text: String, weight: &str| json!({ "type": "TextRun", "text": text, "weight": weight });
    let line = |runs: Vec<Value>| json!({ "type": "RichTextBlock", "inlines": runs });
    let mut body = vec![line(vec![run(message.headline(), "bolder")])];
    let details = message.details().into_iter();
    body.extend(details.map(|(name, value)| line(vec![run(format!("{name}: "), "bolder"), run(value, "default")])));
    body.push(line(vec![json!({ "type": "TextRun", "text": message.next(), "fontType": "monospace" })]));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_never_inside_of_what_was_escaped() {
        assert_eq!(shortened("short"), "short");
        for before in 2890..2901 {
            let text = escaped(&format!("{}<!channel>{}", "x".repeat(before), "y".repeat(99)));
            let cut = shortened(&text);
            assert!(cut.ends_with(" ...") && cut.chars().count() < 3000);
            let broken = cut.split('&').skip(1).find(|rest| !rest.starts_with("lt;") && !rest.starts_with("gt;"));
            assert_eq!(broken, None, "{cut}");
        }
    }
}

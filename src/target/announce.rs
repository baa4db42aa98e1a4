//! Messages to people: to a webhook the team configured, or to the clipboard. A webhook gets `POST {"text": …}`, which Slack, Mattermost
//! and Rocket.Chat all take. The clipboard belongs to the terminal (OSC 52), and so to the front end: here the message is only handed
//! back, whole, as `out`.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::http::exchange::{Purpose, Request};
use super::http::{self, Client};
use super::stream::{Collector, Conduct, OUT_BYTES, Origin};
use crate::action::announce::{self, Announce};
use crate::action::{Ending, Report};
use crate::guard::ingest;

/// To a webhook: `exit` is the HTTP status and `out` what it answered. The address stays out of every message: whoever has it can post.
pub async fn send(client: &Client, announce: &Announce, conduct: &Conduct) -> Report {
    let Some(webhook) = &announce.webhook else { return to_clipboard(&announce.message, conduct).await };
    let shown = announce::address(webhook);
    let Ok(url) = http::address(webhook) else {
        return Report::ended(Ending::Failed("the webhook is not an address: write it as https://host/path in the settings".to_owned()));
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let body = serde_json::json!({ "text": announce.message }).to_string().into_bytes();
    let request =
        Request { method: Method::POST, url, shown: shown.clone(), headers, body: Some(body), purpose: Purpose::Change, keep: OUT_BYTES };
    match client.exchange(request, conduct).await {
        Err(ending) => Report::ended(ending),
        Ok(answer) => {
            let ending = http::verdict(&answer, &shown, Purpose::Change);
            let mut collector = Collector::new(conduct);
            collector.push(Origin::Stdout, &answer.body).await;
            collector.show(Origin::Stderr, &answer.summary()).await;
            collector.report(ending, Some(i32::from(answer.status.as_u16()))).await
        }
    }
}

async fn to_clipboard(message: &str, conduct: &Conduct) -> Report {
    let mut collector = Collector::new(conduct);
    collector.show(Origin::Stdout, message).await;
    collector.report_with(Ending::Succeeded, None, ingest::text(message).into()).await
}

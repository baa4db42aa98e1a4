//! `announce`: a message to a webhook the team configured, or to the clipboard.

use serde::{Deserialize, Serialize};

use super::quote::{self, HIDDEN};
use super::{Description, Hold, Verdict};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announce {
    pub message: String,
    /// Absent: the clipboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

impl Announce {
    pub fn classify(&self) -> Verdict {
        match self.webhook {
            None => Verdict::Reads(Hold::NoEffect),
            Some(_) => Verdict::Changes("a message sent can't be taken back".to_owned()),
        }
    }

    /// Where it goes, then the message word for word. A webhook's address is itself the permission to post, so only its host is shown.
    pub fn describe(&self) -> Description {
        let place = match &self.webhook {
            None => "copy to the clipboard:".to_owned(),
            Some(webhook) => format!("POST {} as {{\"text\": …}}:", address(webhook)),
        };
        Description { runs: std::iter::once(place).chain(self.message.lines().map(quote::visible)).collect(), by_hand: None }
    }
}

/// A webhook's address as far as it may be shown.
pub fn address(webhook: &str) -> String {
    let Some((scheme, rest)) = webhook.split_once("://") else { return HIDDEN.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    quote::visible(&format!("{scheme}://{host}/{HIDDEN}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_webhooks_path_is_a_secret() {
        let announce =
            Announce { message: "api is down\nsince 10:02".into(), webhook: Some("https://u:p@hooks.example.com/T0/B0/XyZ?k=v".into()) };
        assert_eq!(announce.describe().runs, ["POST https://hooks.example.com/‹hidden› as {\"text\": …}:", "api is down", "since 10:02"]);
        assert_eq!(address("not a url"), "‹hidden›");
    }
}

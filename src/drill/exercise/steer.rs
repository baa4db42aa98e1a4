//! What a facilitator does to a drill while it is played: messages before their time or not yet, words of their own, ratings by hand.

use super::{Delivery, Exercise};
use crate::timeline::drill::{Injected, Rated, Rating, Sender};
use crate::timeline::record::Happening;

impl Exercise {
    /// A facilitator sends a message before its time, or again.
    pub fn fire(&mut self, id: &str) -> Result<Happening, String> {
        self.open()?;
        self.send(id).ok_or_else(|| self.unknown_message(id))
    }

    /// A facilitator keeps a message back, or lets it come when it is due.
    pub fn hold(&mut self, id: &str, held: bool) -> Result<(), String> {
        self.open()?;
        match self.messages.get(id).copied() {
            None => Err(self.unknown_message(id)),
            Some(Delivery::Sent) => Err(format!("{id} was sent already")),
            Some(Delivery::Waiting | Delivery::Held) => {
                self.messages.insert(id.to_owned(), if held { Delivery::Held } else { Delivery::Waiting });
                Ok(())
            }
        }
    }

    fn unknown_message(&self, id: &str) -> String {
        let known: Vec<&str> = self.messages.keys().map(String::as_str).collect();
        format!("there is no message `{id}`; there are: {}", known.join(", "))
    }

    /// A facilitator's own words.
    pub fn say(&self, text: &str) -> Happening {
        Happening::DrillInjected(Injected { inject: None, from: Sender::Facilitator, text: text.to_owned() })
    }

    /// A facilitator's rating; it may also come after the end.
    pub fn rate(&self, objective: &str, rating: Rating, (by, why): (&str, &str)) -> Result<Happening, String> {
        if !self.drill.objectives.iter().any(|known| known.id == objective) {
            let known: Vec<&str> = self.drill.objectives.iter().map(|known| known.id.as_str()).collect();
            return Err(format!("there is no objective `{objective}`; there are: {}", known.join(", ")));
        }
        let rated = Rated { objective: objective.to_owned(), rating, by: by.to_owned(), why: why.to_owned() };
        Ok(Happening::DrillRated(rated))
    }
}

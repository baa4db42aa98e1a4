//! Themes: a style for each role a piece of text can have, from a small YAML file. Text enters, styles leave; an unknown role or
//! colour is an error that names it, so a typo can't hide a danger.

use std::collections::BTreeMap;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal,)*) => {
        /// What a piece of text is. A theme gives each role a style; meaning never hangs on the style alone.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Role {
            $($(#[$doc])* $role,)*
        }

        impl Role {
            pub const ALL: &'static [Self] = &[$(Self::$role,)*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$role => $name,)*
                }
            }
        }
    };
}

roles! {
    Text = "text",
    Faint = "faint",
    Strong = "strong",
    Border = "border",
    /// The border of the pane that takes the keys.
    Focus = "focus",
    Selected = "selected",
    Live = "live",
    Drill = "drill",
    ReadOnly = "read_only",
    Mutating = "mutating",
    Good = "good",
    Bad = "bad",
    Stale = "stale",
    Finding = "finding",
    Hazard = "hazard",
    TierOne = "tier_one",
    TierTwo = "tier_two",
    TierThree = "tier_three",
    Notice = "notice",
    Problem = "problem",
    Key = "key",
    /// Lines from standard error.
    Stderr = "stderr",
    /// Where the search hit.
    Match = "match",
    Added = "added",
    Removed = "removed",
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    /// In the order of [`Role::ALL`]: it is looked up for every cell.
    styles: Vec<Style>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: Schema,
    name: String,
    styles: BTreeMap<String, String>,
}

#[derive(Deserialize)]
enum Schema {
    #[serde(rename = "qrh.theme/v1")]
    V1,
}

/// The themes in the binary, by name; the first is the default.
pub const SHIPPED: [(&str, &str); 3] = [
    ("dark", include_str!("../../themes/dark.yaml")),
    ("light", include_str!("../../themes/light.yaml")),
    ("mono", include_str!("../../themes/mono.yaml")),
];

impl Theme {
    /// A theme file. The error says which role or word is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_yaml::from_str(text).map_err(|error| format!("not a theme file: {error}"))?;
        let Schema::V1 = file.schema;
        let mut styles = BTreeMap::new();
        for (name, words) in &file.styles {
            let known = || Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
            let role = Role::ALL.iter().find(|role| role.as_str() == name);
            let role = role.ok_or_else(|| format!("there is no role `{name}` to style; the roles are {}", known()))?;
            styles.insert(*role, style(words).map_err(|why| format!("style of `{name}`: {why}"))?);
        }
        match Role::ALL.iter().find(|role| !styles.contains_key(role)) {
            Some(missing) => Err(format!("the theme `{}` has no style for `{}`: add one, `none` is enough", file.name, missing.as_str())),
            None => Ok(Self { name: file.name, styles: styles.into_values().collect() }),
        }
    }

    /// A theme that comes with qrh: `dark`, `light` or `mono`.
    pub fn shipped(name: &str) -> Result<Self, String> {
        let found = SHIPPED.iter().find(|(shipped, _)| *shipped == name);
        let (_, text) = found.ok_or_else(|| format!("there is no theme `{name}`; shipped are dark, light and mono"))?;
        Self::parse(text)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }
}

/// `bold red on black`, `reverse`, `#ff8800`, `none`.
fn style(words: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut background = false;
    for word in words.split_whitespace() {
        match word {
            "none" => {}
            "bold" => style = style.add_modifier(Modifier::BOLD),
            "dim" => style = style.add_modifier(Modifier::DIM),
            "reverse" => style = style.add_modifier(Modifier::REVERSED),
            "underline" => style = style.add_modifier(Modifier::UNDERLINED),
            "italic" => style = style.add_modifier(Modifier::ITALIC),
            "on" => background = true,
            colour => {
                let hint = "a colour (red, light-blue, 208, #ff8800), `on`, bold, dim, reverse, underline, italic or none";
                let colour = Color::from_str(colour).map_err(|_| format!("`{colour}` is not understood; it takes {hint}"))?;
                style = if std::mem::take(&mut background) { style.bg(colour) } else { style.fg(colour) };
            }
        }
    }
    if background { Err("`on` is followed by a colour".to_owned()) } else { Ok(style) }
}

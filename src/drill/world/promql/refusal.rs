//! Why a request is not answered, in the words and classes of Prometheus' HTTP API.

/// The message says what was wrong; what this world does not simulate is named and ends in "is not simulated".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A parameter or the query can't be read.
    #[error("{0}")]
    BadData(String),
    /// The query was read, and its evaluation failed.
    #[error("{0}")]
    Execution(String),
    /// No such endpoint here.
    #[error("{0}")]
    NotFound(String),
}

impl Refusal {
    pub(super) fn not_simulated(what: &str) -> Self {
        Self::BadData(format!("{what} is not simulated"))
    }

    /// As Prometheus names the parameter that was wrong. Only `BadData` is about a parameter.
    pub(super) fn of_parameter(self, name: &str) -> Self {
        match self {
            Self::BadData(why) => Self::BadData(format!("invalid parameter \"{name}\": {why}")),
            Self::Execution(_) | Self::NotFound(_) => self,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadData(_) => 400,
            Self::Execution(_) => 422,
            Self::NotFound(_) => 404,
        }
    }

    /// The value of `errorType`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BadData(_) => "bad_data",
            Self::Execution(_) => "execution",
            Self::NotFound(_) => "not_found",
        }
    }
}

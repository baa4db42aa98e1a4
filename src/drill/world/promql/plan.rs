//! A query as it is evaluated: only what is simulated can be written down here.

use promql_parser::label::Matcher;

#[derive(Debug, Clone)]
pub enum Expr {
    Number(f64),
    Text(String),
    /// `time()`
    Time,
    Instant(Selector),
    /// A range vector: an instant query may end in one, nothing else may hold it.
    Range(Selector, Range),
    /// A function over a range vector, and its scalar parameter.
    Over(Over, Selector, Range, Option<Box<Expr>>),
    Negated(Box<Expr>),
    Aggregate(Aggregate),
    Binary(Box<Binary>),
    Call(Call),
}

#[derive(Debug, Clone)]
pub struct Selector {
    pub matchers: Vec<Matcher>,
    /// Milliseconds back; negative looks ahead.
    pub offset: i64,
}

/// Milliseconds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range(pub i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Rate,
    Increase,
    InstantRate,
    Delta,
    Deriv,
    Min,
    Max,
    Average,
    Sum,
    Count,
    Last,
    /// With the quantile as its parameter.
    Quantile,
}

#[derive(Debug, Clone)]
pub struct Aggregate {
    pub function: Fold,
    pub grouping: Grouping,
    pub of: Box<Expr>,
    /// k, or the quantile.
    pub parameter: Option<Box<Expr>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    Sum,
    Average,
    Min,
    Max,
    Count,
    Quantile,
    Top,
    Bottom,
}

/// Which labels make a group, or a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// `by`, `on`
    Only(Vec<String>),
    /// `without`, `ignoring`: and the metric's name is never among them.
    AllBut(Vec<String>),
}

#[derive(Debug, Clone)]
pub struct Binary {
    pub operator: Operator,
    pub left: Expr,
    pub right: Expr,
    pub matching: Grouping,
    pub many: Many,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Arithmetic(Arithmetic),
    /// Keeps what compares, with its value.
    Filter(Comparison),
    /// `bool`: 1 or 0.
    Compare(Comparison),
    Set(Set),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Greater,
    Less,
    AtLeast,
    AtMost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    And,
    Or,
    Unless,
}

/// Which side may have several series for one match, and the labels it takes from the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Many {
    Neither,
    Left(Vec<String>),
    Right(Vec<String>),
}

#[derive(Debug, Clone)]
pub enum Call {
    Each(Each, Box<Expr>),
    /// `clamp`, `clamp_min`, `clamp_max`
    Clamp {
        of: Box<Expr>,
        least: Option<Box<Expr>>,
        most: Option<Box<Expr>>,
    },
    Round {
        of: Box<Expr>,
        nearest: Option<Box<Expr>>,
    },
    HistogramQuantile {
        quantile: Box<Expr>,
        buckets: Box<Expr>,
    },
    /// With the labels that the answer can name.
    Absent(Box<Expr>, Vec<(String, String)>),
    Scalar(Box<Expr>),
    Vector(Box<Expr>),
}

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    Abs,
    Ceil,
    Floor,
}

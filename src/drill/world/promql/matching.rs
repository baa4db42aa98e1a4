//! Operators with two operands: scalars, a vector and a scalar, or vectors whose series are matched by their labels.

use std::collections::HashMap;

use super::aggregate::groups;
use super::eval::{Column, Evaluation, SAME_LABELS, Value, map, merged};
use super::labels::Labels;
use super::plan::{Arithmetic, Binary, Comparison, Grouping, Many, Operator, Set};
use super::refusal::Refusal;

impl Arithmetic {
    fn of(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Modulo => left % right,
            Self::Power => left.powf(right),
        }
    }
}

impl Comparison {
    #[allow(clippy::float_cmp, reason = "PromQL's == compares floating point numbers")]
    fn of(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => left > right,
            Self::Less => left < right,
            Self::AtLeast => left >= right,
            Self::AtMost => left <= right,
        }
    }
}

/// What an operator makes of two values; `kept` is the one that a filter keeps.
fn cell(operator: Operator, left: f64, right: f64, kept: f64) -> Option<f64> {
    match operator {
        Operator::Arithmetic(arithmetic) => Some(arithmetic.of(left, right)),
        Operator::Compare(comparison) => Some(if comparison.of(left, right) { 1.0 } else { 0.0 }),
        Operator::Filter(comparison) => comparison.of(left, right).then_some(kept),
        Operator::Set(_) => None,
    }
}

pub(super) fn evaluate(evaluation: &Evaluation<'_>, plan: &Binary) -> Result<Value, Refusal> {
    let (left, right) = (evaluation.value(&plan.left)?, evaluation.value(&plan.right)?);
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let pairs = left.into_iter().zip(right);
            Ok(Value::Scalar(pairs.map(|(left, right)| cell(plan.operator, left, right, left).unwrap_or(f64::NAN)).collect()))
        }
        (Value::Vector(columns), Value::Scalar(right)) => {
            let at = |step: usize| right.get(step).copied().unwrap_or(f64::NAN);
            each(columns, plan.operator, |step, value| cell(plan.operator, value, at(step), value)).map(Value::Vector)
        }
        (Value::Scalar(left), Value::Vector(columns)) => {
            let at = |step: usize| left.get(step).copied().unwrap_or(f64::NAN);
            each(columns, plan.operator, |step, value| cell(plan.operator, at(step), value, value)).map(Value::Vector)
        }
        (Value::Vector(left), Value::Vector(right)) => vectors(evaluation, plan, left, right).map(Value::Vector),
    }
}

/// A filter leaves what a series is; the result of anything else is something new.
fn each(columns: Vec<Column>, operator: Operator, change: impl Fn(usize, f64) -> Option<f64>) -> Result<Vec<Column>, Refusal> {
    match operator {
        Operator::Arithmetic(_) | Operator::Compare(_) | Operator::Set(_) => map(columns, change),
        Operator::Filter(_) => Ok(columns
            .into_iter()
            .map(|column| {
                let cells = column.cells.into_iter().enumerate().map(|(step, cell)| cell.and_then(|value| change(step, value)));
                Column { labels: column.labels, cells: cells.collect() }
            })
            .collect()),
    }
}

fn vectors(evaluation: &Evaluation<'_>, plan: &Binary, left: Vec<Column>, right: Vec<Column>) -> Result<Vec<Column>, Refusal> {
    evaluation.touch((left.len() + right.len()).saturating_mul(evaluation.steps.count))?;
    match plan.operator {
        Operator::Set(set) => combined(set, &plan.matching, left, right),
        Operator::Arithmetic(_) | Operator::Filter(_) | Operator::Compare(_) => Match::new(evaluation, plan).columns(left, right),
    }
}

/// For each key, the steps at which a series with it has a value.
fn presence(matching: &Grouping, columns: &[Column]) -> HashMap<Labels, Vec<bool>> {
    let mut presence: HashMap<Labels, Vec<bool>> = HashMap::new();
    for column in columns {
        let known = presence.entry(matching.key(&column.labels)).or_insert_with(|| vec![false; column.cells.len()]);
        for (known, cell) in known.iter_mut().zip(&column.cells) {
            *known |= cell.is_some();
        }
    }
    presence
}

fn combined(set: Set, matching: &Grouping, left: Vec<Column>, right: Vec<Column>) -> Result<Vec<Column>, Refusal> {
    let keep = |columns: Vec<Column>, other: HashMap<Labels, Vec<bool>>, wanted: bool| -> Vec<Column> {
        let kept = columns.into_iter().map(|mut column| {
            let found = other.get(&matching.key(&column.labels));
            for (step, cell) in column.cells.iter_mut().enumerate() {
                let there = found.and_then(|found| found.get(step)).copied().unwrap_or(false);
                *cell = cell.filter(|_| there == wanted);
            }
            column
        });
        kept.collect()
    };
    match set {
        Set::And => {
            let other = presence(matching, &right);
            Ok(keep(left, other, true))
        }
        Set::Unless => {
            let other = presence(matching, &right);
            Ok(keep(left, other, false))
        }
        Set::Or => {
            let other = presence(matching, &left);
            merged(left.into_iter().chain(keep(right, other, false)).collect(), SAME_LABELS)
        }
    }
}

/// Arithmetic or a comparison between vectors: the side `one` has at most one series for each key.
struct Match<'e, 's> {
    evaluation: &'e Evaluation<'s>,
    plan: &'e Binary,
    /// Labels taken from the side `one`.
    taken: &'e [String],
}

impl<'e, 's> Match<'e, 's> {
    fn new(evaluation: &'e Evaluation<'s>, plan: &'e Binary) -> Self {
        let taken = match &plan.many {
            Many::Neither => &[][..],
            Many::Left(taken) | Many::Right(taken) => taken,
        };
        Self { evaluation, plan, taken }
    }

    fn columns(&self, left: Vec<Column>, right: Vec<Column>) -> Result<Vec<Column>, Refusal> {
        let (many, one) = match self.plan.many {
            Many::Neither | Many::Left(_) => (left, right),
            Many::Right(_) => (right, left),
        };
        let busy = self.any(&many);
        let one = groups(one, |labels| self.plan.matching.key(labels));
        for (key, columns) in &one {
            self.no_duplicate(key, columns, &busy)?;
        }
        let one: HashMap<Labels, Vec<Column>> = one.into_iter().collect();
        let mut made = Vec::new();
        for (key, members) in groups(many, |labels| self.plan.matching.key(labels)) {
            let Some(matches) = one.get(&key) else { continue };
            self.evaluation.fill(members.len().saturating_mul(matches.len()))?;
            let pairs = members.iter().flat_map(|member| matches.iter().map(move |other| (member, other)));
            let columns: Vec<Column> = pairs.map(|(member, other)| self.pair(member, other)).collect();
            if self.plan.many == Many::Neither {
                self.one_to_one(&columns)?;
            }
            made.extend(columns);
        }
        let clash = match self.plan.many {
            Many::Neither => SAME_LABELS,
            Many::Left(_) | Many::Right(_) => "multiple matches for labels: grouping labels must ensure unique matches",
        };
        merged(made, clash)
    }

    /// The steps at which any of these has a value.
    fn any(&self, columns: &[Column]) -> Vec<bool> {
        (0..self.evaluation.steps.count)
            .map(|step| columns.iter().any(|column| column.cells.get(step).is_some_and(Option::is_some)))
            .collect()
    }

    fn no_duplicate(&self, key: &Labels, columns: &[Column], busy: &[bool]) -> Result<(), Refusal> {
        for (step, _) in busy.iter().enumerate().filter(|(_, busy)| **busy) {
            let mut found = columns.iter().filter(|column| column.cells.get(step).is_some_and(Option::is_some));
            if let (Some(first), Some(second)) = (found.next(), found.next()) {
                let side = if matches!(self.plan.many, Many::Right(_)) { "left" } else { "right" };
                return Err(Refusal::Execution(format!(
                    "found duplicate series for the match group {key} on the {side} hand-side of the operation: [{}, {}];many-to-many \
                     matching not allowed: matching labels must be unique on one side",
                    second.labels, first.labels
                )));
            }
        }
        Ok(())
    }

    fn one_to_one(&self, columns: &[Column]) -> Result<(), Refusal> {
        let twice = |step: usize| columns.iter().filter(|column| column.cells.get(step).is_some_and(Option::is_some)).count() > 1;
        if columns.len() > 1 && (0..self.evaluation.steps.count).any(twice) {
            let why = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
            return Err(Refusal::Execution(why.to_owned()));
        }
        Ok(())
    }

    fn pair(&self, member: &Column, other: &Column) -> Column {
        let cells = member.cells.iter().zip(&other.cells).map(|(many, one)| {
            let (left, right) = match self.plan.many {
                Many::Neither | Many::Left(_) => ((*many)?, (*one)?),
                Many::Right(_) => ((*one)?, (*many)?),
            };
            cell(self.plan.operator, left, right, left)
        });
        Column { cells: cells.collect(), labels: self.labels(&member.labels, &other.labels) }
    }

    fn labels(&self, many: &Labels, one: &Labels) -> Labels {
        let named = match self.plan.operator {
            Operator::Filter(_) => many.clone(),
            Operator::Arithmetic(_) | Operator::Compare(_) | Operator::Set(_) => many.unnamed(),
        };
        let kept = match (&self.plan.many, &self.plan.matching) {
            (Many::Neither, Grouping::Only(names)) => named.only(names),
            (Many::Neither, Grouping::AllBut(names)) => named.without(names),
            (Many::Left(_) | Many::Right(_), _) => named,
        };
        kept.with_those_of(one, self.taken)
    }
}

//! Evaluates a plan at every step. A vector is a list of columns: one series each, a cell for each step.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use super::labels::Labels;
use super::plan::{Expr, Over, Range, Selector};
use super::refusal::Refusal;
use super::source::{Sample, Source, Span, is_stale, seconds};
use super::window::{self, Window};
use super::{LOOKBACK, MAX_CELLS, MAX_TOUCHES, Release, aggregate, call, matching};

/// The instants of a query, in milliseconds. One instant is a step of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    pub from: i64,
    /// More than 0 where there is more than one.
    pub every: i64,
    pub count: usize,
}

impl Steps {
    pub fn once(at: i64) -> Self {
        Self { from: at, every: 1, count: 1 }
    }

    pub fn iter(self) -> impl Iterator<Item = i64> {
        std::iter::successors(Some(self.from), move |at| Some(at.saturating_add(self.every))).take(self.count)
    }

    fn last(self) -> i64 {
        let after = i64::try_from(self.count.saturating_sub(1)).unwrap_or(i64::MAX);
        self.from.saturating_add(self.every.saturating_mul(after))
    }
}

/// The value of a series at each step, where it has one.
pub(super) type Cells = Vec<Option<f64>>;

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub labels: Labels,
    pub cells: Cells,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// One for each step.
    Scalar(Vec<f64>),
    /// No labels twice; columns without any value may be among them.
    Vector(Vec<Column>),
}

/// What one query may still use.
struct Budget {
    cells: Cell<u64>,
    touches: Cell<u64>,
}

pub(super) struct Evaluation<'s> {
    source: &'s dyn Source,
    pub steps: Steps,
    release: Release,
    budget: Budget,
}

type Evaluated<T> = Result<T, Refusal>;

impl<'s> Evaluation<'s> {
    pub fn new(source: &'s dyn Source, steps: Steps, release: Release) -> Self {
        Self { source, steps, release, budget: Budget { cells: Cell::new(MAX_CELLS), touches: Cell::new(MAX_TOUCHES) } }
    }

    fn spend(of: &Cell<u64>, amount: usize) -> Evaluated<()> {
        let left = of.get().checked_sub(u64::try_from(amount).unwrap_or(u64::MAX));
        let too_many = || Refusal::Execution("query processing would load too many samples into memory in query execution".to_owned());
        left.map(|left| of.set(left)).ok_or_else(too_many)
    }

    /// Before `columns` new columns are filled.
    pub fn fill(&self, columns: usize) -> Evaluated<()> {
        Self::spend(&self.budget.cells, columns.saturating_mul(self.steps.count))
    }

    /// Before work that is not a new cell: samples looked at, cells compared.
    pub fn touch(&self, amount: usize) -> Evaluated<()> {
        Self::spend(&self.budget.touches, amount)
    }

    pub fn value(&self, plan: &Expr) -> Evaluated<Value> {
        match plan {
            Expr::Number(value) => Ok(Value::Scalar(vec![*value; self.steps.count])),
            Expr::Time => Ok(Value::Scalar(self.steps.iter().map(seconds).collect())),
            Expr::Instant(selector) => self.instant(selector).map(Value::Vector),
            Expr::Over(function, selector, range, parameter) => {
                let parameter = parameter.as_deref().map(|parameter| self.scalar(parameter)).transpose()?;
                self.over(*function, selector, *range, parameter.as_deref()).map(Value::Vector)
            }
            Expr::Negated(inner) => self.negated(inner),
            Expr::Aggregate(inner) => aggregate::evaluate(self, inner).map(Value::Vector),
            Expr::Binary(inner) => matching::evaluate(self, inner),
            Expr::Call(inner) => call::evaluate(self, inner),
            Expr::Text(_) | Expr::Range(..) => Err(unexpected("a string or a range vector")),
        }
    }

    pub fn scalar(&self, plan: &Expr) -> Evaluated<Vec<f64>> {
        match self.value(plan)? {
            Value::Scalar(values) => Ok(values),
            Value::Vector(_) => Err(unexpected("an instant vector")),
        }
    }

    pub fn vector(&self, plan: &Expr) -> Evaluated<Vec<Column>> {
        match self.value(plan)? {
            Value::Vector(columns) => Ok(columns),
            Value::Scalar(_) => Err(unexpected("a scalar")),
        }
    }

    fn negated(&self, inner: &Expr) -> Evaluated<Value> {
        Ok(match self.value(inner)? {
            Value::Scalar(values) => Value::Scalar(values.into_iter().map(|value| -value).collect()),
            Value::Vector(columns) => Value::Vector(map(columns, |_, value| Some(-value))?),
        })
    }

    /// The samples of a selector from `before` its first instant to its last.
    fn select(&self, selector: &Selector, before: i64) -> Evaluated<Vec<(Labels, Cow<'s, [Sample]>)>> {
        let from = self.steps.from.saturating_sub(selector.offset).saturating_sub(before);
        let found = self.source.select(&selector.matchers, Span { from, to: self.steps.last().saturating_sub(selector.offset) });
        self.touch(found.iter().map(|found| found.samples.len()).sum())?;
        Ok(found.into_iter().map(|found| (found.labels, found.samples)).collect())
    }

    fn edge(&self, at: i64) -> i64 {
        at.saturating_add(i64::from(self.release.left_open()))
    }

    fn instant(&self, selector: &Selector) -> Evaluated<Vec<Column>> {
        let found = self.select(selector, LOOKBACK)?;
        self.fill(found.len())?;
        let columns = found.into_iter().map(|(labels, samples)| {
            let mut seen = 0;
            let cells = self.steps.iter().map(|at| {
                let at = at.saturating_sub(selector.offset);
                seen += samples.get(seen..).unwrap_or_default().iter().take_while(|sample| sample.at <= at).count();
                let newest = seen.checked_sub(1).and_then(|newest| samples.get(newest))?;
                let fresh = newest.at >= self.edge(at.saturating_sub(LOOKBACK)) && !is_stale(newest.value);
                fresh.then_some(newest.value)
            });
            Column { cells: cells.collect(), labels }
        });
        Ok(columns.collect())
    }

    /// The samples of one window for each series: what an instant query of a range vector shows.
    pub fn range(&self, selector: &Selector, range: Range) -> Evaluated<Vec<(Labels, Vec<Sample>)>> {
        let found = self.select(selector, range.0)?;
        let from = self.edge(self.steps.from.saturating_sub(selector.offset).saturating_sub(range.0));
        let kept = found.into_iter().map(|(labels, samples)| {
            let kept = samples.iter().filter(|sample| sample.at >= from && !is_stale(sample.value)).copied();
            (labels, kept.collect::<Vec<_>>())
        });
        Ok(kept.filter(|(_, samples)| !samples.is_empty()).collect())
    }

    fn over(&self, function: Over, selector: &Selector, range: Range, parameter: Option<&[f64]>) -> Evaluated<Vec<Column>> {
        let found = self.select(selector, range.0)?;
        self.fill(found.len())?;
        // Sorting a window costs more than reading it.
        let cost = if function == Over::Quantile { 4 } else { 1 };
        let mut columns = Vec::with_capacity(found.len());
        for (labels, samples) in found {
            let samples: Cow<'_, [Sample]> = if samples.iter().any(|sample| is_stale(sample.value)) {
                samples.iter().filter(|sample| !is_stale(sample.value)).copied().collect()
            } else {
                samples
            };
            let (mut start, mut end) = (0, 0);
            let mut cells = Vec::with_capacity(self.steps.count);
            for (step, at) in self.steps.iter().enumerate() {
                let to = at.saturating_sub(selector.offset);
                let from = to.saturating_sub(range.0);
                let edge = self.edge(from);
                start += samples.get(start..).unwrap_or_default().iter().take_while(|sample| sample.at < edge).count();
                end = end.max(start);
                end += samples.get(end..).unwrap_or_default().iter().take_while(|sample| sample.at <= to).count();
                let window = Window { samples: samples.get(start..end).unwrap_or_default(), from, to };
                self.touch(window.samples.len().saturating_mul(cost))?;
                let parameter = parameter.and_then(|values| values.get(step)).copied().unwrap_or(f64::NAN);
                cells.push(window::over(function, window, parameter, self.release));
            }
            // Only the last sample of a window is still what the metric's name says.
            let labels = if function == Over::Last { labels } else { labels.unnamed() };
            columns.push(Column { labels, cells });
        }
        merged(columns, SAME_LABELS)
    }

    /// A column with a cell for each step, as an aggregation or an operator makes it.
    pub fn column(&self, labels: Labels, cell: impl FnMut(usize) -> Option<f64>) -> Evaluated<Column> {
        self.fill(1)?;
        Ok(Column { labels, cells: (0..self.steps.count).map(cell).collect() })
    }
}

pub(super) const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

fn unexpected(what: &str) -> Refusal {
    Refusal::BadData(format!("{what} is not expected in this place of the query"))
}

/// Applies `change` (step, value) to every cell. The result is no longer what the metric's name says.
pub(super) fn map(columns: Vec<Column>, change: impl Fn(usize, f64) -> Option<f64>) -> Result<Vec<Column>, Refusal> {
    let changed = columns.into_iter().map(|column| {
        let cells = column.cells.into_iter().enumerate().map(|(step, cell)| cell.and_then(|value| change(step, value)));
        Column { labels: column.labels.unnamed(), cells: cells.collect() }
    });
    merged(changed.collect(), SAME_LABELS)
}

/// Columns with the same labels become one. Refuses with `clash` where both have a value at one step.
pub(super) fn merged(columns: Vec<Column>, clash: &str) -> Result<Vec<Column>, Refusal> {
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(columns.len());
    let mut kept: Vec<Column> = Vec::with_capacity(columns.len());
    for column in columns {
        let place = *places.entry(column.labels.clone()).or_insert(kept.len());
        let Some(known) = kept.get_mut(place) else {
            kept.push(column);
            continue;
        };
        for (cell, more) in known.cells.iter_mut().zip(column.cells) {
            match (&cell, more) {
                (Some(_), Some(_)) => return Err(Refusal::Execution(clash.to_owned())),
                (None, Some(_)) => *cell = more,
                (_, None) => {}
            }
        }
    }
    Ok(kept)
}

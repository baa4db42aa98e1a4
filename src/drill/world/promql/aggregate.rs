//! Aggregations: columns fall into groups by their labels, and each group gives a column; `topk` and `bottomk` keep columns as they are.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::eval::{Cells, Column, Evaluation};
use super::labels::Labels;
use super::plan::{Aggregate, Fold, Grouping};
use super::refusal::Refusal;
use super::source::number;
use super::window;

impl Grouping {
    /// The labels by which a series falls into a group, or finds its match.
    pub(super) fn key(&self, labels: &Labels) -> Labels {
        match self {
            Self::Only(names) => labels.only(names),
            Self::AllBut(names) => labels.without(names).unnamed(),
        }
    }
}

/// The columns of each group, in the order in which groups first appear.
pub(super) fn groups(columns: Vec<Column>, key: impl Fn(&Labels) -> Labels) -> Vec<(Labels, Vec<Column>)> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<(Labels, Vec<Column>)> = Vec::new();
    for column in columns {
        let key = key(&column.labels);
        let place = *places.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, members)) => members.push(column),
            None => groups.push((key, vec![column])),
        }
    }
    groups
}

pub(super) fn evaluate(evaluation: &Evaluation<'_>, plan: &Aggregate) -> Result<Vec<Column>, Refusal> {
    let parameter = plan.parameter.as_deref().map(|parameter| evaluation.scalar(parameter)).transpose()?;
    let columns = evaluation.vector(&plan.of)?;
    evaluation.touch(columns.len().saturating_mul(evaluation.steps.count))?;
    let at = |step: usize| parameter.as_ref().and_then(|values| values.get(step)).copied().unwrap_or(f64::NAN);
    let groups = groups(columns, |labels| plan.grouping.key(labels));
    match plan.function {
        Fold::Top | Fold::Bottom => {
            let kept: Result<Vec<Vec<Column>>, Refusal> =
                groups.into_iter().map(|(_, members)| ranked(evaluation, plan.function, members, at)).collect();
            Ok(kept?.into_iter().flatten().collect())
        }
        Fold::Sum | Fold::Average | Fold::Min | Fold::Max | Fold::Count | Fold::Quantile => groups
            .into_iter()
            .map(|(labels, members)| {
                let mut values = Vec::with_capacity(members.len());
                evaluation.column(labels, |step| {
                    values.clear();
                    values.extend(members.iter().filter_map(|member| member.cells.get(step).copied().flatten()));
                    fold(plan.function, &mut values, at(step))
                })
            })
            .collect(),
    }
}

fn fold(function: Fold, values: &mut [f64], parameter: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let all = values.iter().copied();
    match function {
        Fold::Sum => Some(all.sum()),
        Fold::Average => Some(window::average(all)),
        Fold::Min => all.reduce(|least, value| if value < least || least.is_nan() { value } else { least }),
        Fold::Max => all.reduce(|most, value| if value > most || most.is_nan() { value } else { most }),
        Fold::Count => Some(number(values.len())),
        Fold::Quantile => Some(quantile(parameter, values)),
        // These keep columns: see `ranked`.
        Fold::Top | Fold::Bottom => None,
    }
}

/// Of unsorted values, with what lies between two interpolated. NaN sorts first.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank lies between 0 and the number of values")]
pub(super) fn quantile(quantile: f64, values: &mut [f64]) -> f64 {
    let Some(highest) = values.len().checked_sub(1) else { return f64::NAN };
    if quantile.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&quantile) {
        return if quantile < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    values.sort_unstable_by(|a, b| nan_first(*a, *b));
    let rank = quantile * number(highest);
    let lower = (rank.floor() as usize).min(highest);
    let upper = (lower + 1).min(highest);
    let weight = rank - rank.floor();
    match (values.get(lower), values.get(upper)) {
        (Some(lower), Some(upper)) => lower * (1.0 - weight) + upper * weight,
        (None | Some(_), _) => f64::NAN,
    }
}

fn nan_first(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// The k largest (or smallest) of a group at each step, largest first. NaN counts as the least wanted.
fn ranked(evaluation: &Evaluation<'_>, function: Fold, members: Vec<Column>, k: impl Fn(usize) -> f64) -> Result<Vec<Column>, Refusal> {
    evaluation.fill(members.len())?;
    let mut kept: Vec<Cells> = vec![vec![None; evaluation.steps.count]; members.len()];
    let mut order: Vec<usize> = Vec::new();
    for step in 0..evaluation.steps.count {
        let mut ranks: Vec<(usize, f64)> =
            members.iter().enumerate().filter_map(|(index, member)| Some((index, member.cells.get(step).copied().flatten()?))).collect();
        ranks.sort_by(|(_, a), (_, b)| {
            let by_value = if function == Fold::Top { b.partial_cmp(a) } else { a.partial_cmp(b) };
            by_value.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        });
        ranks.truncate(limit(k(step))?);
        order.clear();
        for (index, value) in ranks {
            order.push(index);
            if let Some(cell) = kept.get_mut(index).and_then(|cells| cells.get_mut(step)) {
                *cell = Some(value);
            }
        }
    }
    let mut columns: Vec<Option<Column>> =
        members.into_iter().zip(kept).map(|(member, cells)| Some(Column { labels: member.labels, cells })).collect();
    // The order of the last step is the order of an instant query; a range query is sorted by labels anyway.
    let mut ranked: Vec<Column> = order.iter().filter_map(|index| columns.get_mut(*index).and_then(Option::take)).collect();
    ranked.extend(columns.into_iter().flatten());
    Ok(ranked)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be an integer's range before")]
fn limit(k: f64) -> Result<usize, Refusal> {
    if k.is_nan() || k.abs() >= 9_223_372_036_854_774_784.0 {
        return Err(Refusal::Execution(format!("Scalar value {k} overflows int64")));
    }
    Ok(if k < 1.0 { 0 } else { k as usize })
}

//! Functions of instant vectors and scalars.

use super::eval::{Column, Evaluation, Value, map};
use super::histogram;
use super::labels::Labels;
use super::plan::{Call, Each, Expr};
use super::refusal::Refusal;

pub(super) fn evaluate(evaluation: &Evaluation<'_>, plan: &Call) -> Result<Value, Refusal> {
    match plan {
        Call::Each(function, of) => map(evaluation.vector(of)?, |_, value| Some(each(*function, value))).map(Value::Vector),
        Call::Clamp { of, least, most } => clamp(evaluation, of, least.as_deref(), most.as_deref()).map(Value::Vector),
        Call::Round { of, nearest } => {
            let nearest = nearest.as_deref().map(|nearest| evaluation.scalar(nearest)).transpose()?;
            let to = |step: usize| nearest.as_ref().and_then(|values| values.get(step)).copied().unwrap_or(1.0);
            map(evaluation.vector(of)?, |step, value| {
                // By the inverse, so that 0.1 rounds as people expect.
                let inverse = 1.0 / to(step);
                Some((value * inverse + 0.5).floor() / inverse)
            })
            .map(Value::Vector)
        }
        Call::HistogramQuantile { quantile, buckets } => {
            let quantile = evaluation.scalar(quantile)?;
            histogram::quantiles(evaluation, &quantile, evaluation.vector(buckets)?).map(Value::Vector)
        }
        Call::Absent(of, labels) => {
            let columns = evaluation.vector(of)?;
            let labels = Labels::new(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let column = evaluation.column(labels, |step| values(&columns, step).next().is_none().then_some(1.0))?;
            Ok(Value::Vector(vec![column]))
        }
        Call::Scalar(of) => {
            let columns = evaluation.vector(of)?;
            let only = |step| {
                let mut values = values(&columns, step);
                values.next().filter(|_| values.next().is_none()).unwrap_or(f64::NAN)
            };
            Ok(Value::Scalar((0..evaluation.steps.count).map(only).collect()))
        }
        Call::Vector(of) => {
            let cells = evaluation.scalar(of)?.into_iter().map(Some).collect();
            Ok(Value::Vector(vec![Column { labels: Labels::none(), cells }]))
        }
    }
}

fn values(columns: &[Column], step: usize) -> impl Iterator<Item = f64> {
    columns.iter().filter_map(move |column| column.cells.get(step).copied().flatten())
}

fn each(function: Each, value: f64) -> f64 {
    match function {
        Each::Abs => value.abs(),
        Each::Ceil => value.ceil(),
        Each::Floor => value.floor(),
    }
}

/// Nothing where the bounds are the wrong way round.
fn clamp(evaluation: &Evaluation<'_>, of: &Expr, least: Option<&Expr>, most: Option<&Expr>) -> Result<Vec<Column>, Refusal> {
    let bound = |plan: Option<&Expr>| plan.map(|plan| evaluation.scalar(plan)).transpose();
    let (least, most) = (bound(least)?, bound(most)?);
    let at = |values: &Option<Vec<f64>>, step: usize| values.as_ref().and_then(|values| values.get(step)).copied();
    map(evaluation.vector(of)?, |step, value| {
        let (least, most) = (at(&least, step), at(&most, step));
        if let (Some(least), Some(most)) = (least, most)
            && most < least
        {
            return None;
        }
        let lowered = most.map_or(value, |most| lesser(value, most));
        Some(least.map_or(lowered, |least| -lesser(-lowered, -least)))
    })
}

/// Go's `math.Min`: unlike with `f64::min` a NaN wins, but not against what nothing is less than.
fn lesser(a: f64, b: f64) -> f64 {
    let least = a.min(b);
    if (a.is_nan() || b.is_nan()) && least > f64::NEG_INFINITY { f64::NAN } else { least }
}

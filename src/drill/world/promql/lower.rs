//! From the parser's tree to our plan. What the plan can't say is refused here by its name.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{self, TokenType};
use promql_parser::parser::{self as ast, LabelModifier, VectorMatchCardinality};

use super::labels::METRIC_NAME;
use super::plan::{
    Aggregate, Arithmetic, Binary, Call, Comparison, Each, Expr, Fold, Grouping, Many, Operator, Over, Range, Selector, Set,
};
use super::refusal::Refusal;
use super::screen;

type Lowered<T> = Result<T, Refusal>;

/// Screens, parses and lowers a query.
pub(super) fn plan(query: &str) -> Lowered<Expr> {
    screen::screen(query)?;
    let tree = ast::parse(query).map_err(|why| Refusal::BadData(format!("parse error: {why}")))?;
    expr(&tree)
}

/// The matchers of a `match[]` parameter.
pub(super) fn matchers(text: &str) -> Lowered<Vec<Matcher>> {
    screen::screen(text)?;
    match ast::parse(text).map_err(|why| Refusal::BadData(format!("parse error: {why}")))? {
        ast::Expr::VectorSelector(selector) if selector.offset.is_none() => Ok(self::selector(&selector)?.matchers),
        ast::Expr::VectorSelector(_)
        | ast::Expr::Aggregate(_)
        | ast::Expr::Unary(_)
        | ast::Expr::Binary(_)
        | ast::Expr::Paren(_)
        | ast::Expr::Subquery(_)
        | ast::Expr::NumberLiteral(_)
        | ast::Expr::StringLiteral(_)
        | ast::Expr::MatrixSelector(_)
        | ast::Expr::Call(_)
        | ast::Expr::Extension(_) => Err(Refusal::BadData(format!("parse error: {text:?} is not a selector of series"))),
    }
}

fn expr(tree: &ast::Expr) -> Lowered<Expr> {
    match tree {
        ast::Expr::NumberLiteral(number) => Ok(Expr::Number(number.val)),
        ast::Expr::StringLiteral(text) => Ok(Expr::Text(text.val.clone())),
        ast::Expr::Paren(inner) => expr(&inner.expr),
        ast::Expr::Unary(inner) => Ok(Expr::Negated(boxed(&inner.expr)?)),
        ast::Expr::VectorSelector(inner) => Ok(Expr::Instant(selector(inner)?)),
        ast::Expr::MatrixSelector(inner) => Ok(Expr::Range(selector(&inner.vs)?, range(inner)?)),
        ast::Expr::Aggregate(inner) => aggregate(inner),
        ast::Expr::Binary(inner) => binary(inner),
        ast::Expr::Call(inner) => call(inner),
        ast::Expr::Subquery(_) => Err(Refusal::not_simulated("a subquery, such as [5m:1m],")),
        ast::Expr::Extension(_) => Err(Refusal::not_simulated("an extension of PromQL")),
    }
}

fn boxed(tree: &ast::Expr) -> Lowered<Box<Expr>> {
    expr(tree).map(Box::new)
}

fn range(tree: &ast::MatrixSelector) -> Lowered<Range> {
    let range = i64::try_from(tree.range.as_millis()).ok().filter(|range| *range > 0);
    range.map(Range).ok_or_else(|| Refusal::BadData("parse error: duration must be greater than 0".to_owned()))
}

fn selector(tree: &ast::VectorSelector) -> Lowered<Selector> {
    if !tree.matchers.or_matchers.is_empty() {
        return Err(Refusal::not_simulated("`or` between label matchers"));
    }
    if tree.at.is_some() {
        return Err(Refusal::not_simulated("the @ modifier"));
    }
    let milliseconds = |offset: &std::time::Duration| i64::try_from(offset.as_millis()).unwrap_or(i64::MAX / 4);
    let offset = match &tree.offset {
        None => 0,
        Some(ast::Offset::Pos(back)) => milliseconds(back),
        Some(ast::Offset::Neg(ahead)) => -milliseconds(ahead),
    };
    let name = tree.name.iter().map(|name| Matcher::new(MatchOp::Equal, METRIC_NAME, name));
    Ok(Selector { matchers: name.chain(tree.matchers.matchers.iter().cloned()).collect(), offset })
}

fn grouping(modifier: Option<&LabelModifier>, unless_said: Grouping) -> Grouping {
    match modifier {
        None => unless_said,
        Some(LabelModifier::Include(labels)) => Grouping::Only(labels.labels.clone()),
        Some(LabelModifier::Exclude(labels)) => Grouping::AllBut(labels.labels.clone()),
    }
}

fn aggregate(tree: &ast::AggregateExpr) -> Lowered<Expr> {
    let function = match tree.op.id() {
        token::T_SUM => Fold::Sum,
        token::T_AVG => Fold::Average,
        token::T_MIN => Fold::Min,
        token::T_MAX => Fold::Max,
        token::T_COUNT => Fold::Count,
        token::T_QUANTILE => Fold::Quantile,
        token::T_TOPK => Fold::Top,
        token::T_BOTTOMK => Fold::Bottom,
        _ => return Err(Refusal::not_simulated(&format!("the aggregation {}", tree.op))),
    };
    Ok(Expr::Aggregate(Aggregate {
        function,
        grouping: grouping(tree.modifier.as_ref(), Grouping::Only(Vec::new())),
        of: boxed(&tree.expr)?,
        parameter: tree.param.as_deref().map(boxed).transpose()?,
    }))
}

fn operator(operator: TokenType, bool_said: bool) -> Lowered<Operator> {
    let comparison = |comparison| if bool_said { Operator::Compare(comparison) } else { Operator::Filter(comparison) };
    Ok(match operator.id() {
        token::T_ADD => Operator::Arithmetic(Arithmetic::Add),
        token::T_SUB => Operator::Arithmetic(Arithmetic::Subtract),
        token::T_MUL => Operator::Arithmetic(Arithmetic::Multiply),
        token::T_DIV => Operator::Arithmetic(Arithmetic::Divide),
        token::T_MOD => Operator::Arithmetic(Arithmetic::Modulo),
        token::T_POW => Operator::Arithmetic(Arithmetic::Power),
        token::T_EQLC => comparison(Comparison::Equal),
        token::T_NEQ => comparison(Comparison::NotEqual),
        token::T_GTR => comparison(Comparison::Greater),
        token::T_LSS => comparison(Comparison::Less),
        token::T_GTE => comparison(Comparison::AtLeast),
        token::T_LTE => comparison(Comparison::AtMost),
        token::T_LAND => Operator::Set(Set::And),
        token::T_LOR => Operator::Set(Set::Or),
        token::T_LUNLESS => Operator::Set(Set::Unless),
        _ => return Err(Refusal::not_simulated(&format!("the operator {operator}"))),
    })
}

fn binary(tree: &ast::BinaryExpr) -> Lowered<Expr> {
    let modifier = tree.modifier.as_ref();
    if modifier.is_some_and(|modifier| modifier.fill_values != ast::VectorMatchFillValues::default()) {
        return Err(Refusal::not_simulated("a fill modifier"));
    }
    let many = match modifier.map(|modifier| &modifier.card) {
        None | Some(VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany) => Many::Neither,
        Some(VectorMatchCardinality::ManyToOne(labels)) => Many::Left(labels.labels.clone()),
        Some(VectorMatchCardinality::OneToMany(labels)) => Many::Right(labels.labels.clone()),
    };
    Ok(Expr::Binary(Box::new(Binary {
        operator: operator(tree.op, tree.return_bool())?,
        left: expr(&tree.lhs)?,
        right: expr(&tree.rhs)?,
        matching: grouping(modifier.and_then(|modifier| modifier.matching.as_ref()), Grouping::AllBut(Vec::new())),
        many,
    })))
}

fn over(name: &str) -> Option<Over> {
    Some(match name {
        "rate" => Over::Rate,
        "increase" => Over::Increase,
        "irate" => Over::InstantRate,
        "delta" => Over::Delta,
        "deriv" => Over::Deriv,
        "min_over_time" => Over::Min,
        "max_over_time" => Over::Max,
        "avg_over_time" => Over::Average,
        "sum_over_time" => Over::Sum,
        "count_over_time" => Over::Count,
        "last_over_time" => Over::Last,
        "quantile_over_time" => Over::Quantile,
        _ => return None,
    })
}

/// The parser has checked the number of arguments and their types.
fn call(tree: &ast::Call) -> Lowered<Expr> {
    let name = tree.func.name;
    let arguments: Vec<Expr> = tree.args.args.iter().map(|argument| expr(argument)).collect::<Lowered<_>>()?;
    if let Some(function) = over(name) {
        return match <[Expr; 1]>::try_from(arguments) {
            Ok([Expr::Range(selector, range)]) => Ok(Expr::Over(function, selector, range, None)),
            Ok(_) => Err(unfit(name)),
            Err(two) => match <[Expr; 2]>::try_from(two) {
                Ok([parameter, Expr::Range(selector, range)]) => Ok(Expr::Over(function, selector, range, Some(Box::new(parameter)))),
                Ok(_) | Err(_) => Err(unfit(name)),
            },
        };
    }
    let mut arguments = arguments.into_iter().map(Box::new);
    let (first, second, third) = (arguments.next(), arguments.next(), arguments.next());
    Ok(match (name, first, second, third) {
        ("time", None, None, None) => Expr::Time,
        ("abs", Some(of), None, None) => Expr::Call(Call::Each(Each::Abs, of)),
        ("ceil", Some(of), None, None) => Expr::Call(Call::Each(Each::Ceil, of)),
        ("floor", Some(of), None, None) => Expr::Call(Call::Each(Each::Floor, of)),
        ("round", Some(of), nearest, None) => Expr::Call(Call::Round { of, nearest }),
        ("clamp", Some(of), least @ Some(_), most @ Some(_)) => Expr::Call(Call::Clamp { of, least, most }),
        ("clamp_min", Some(of), least @ Some(_), None) => Expr::Call(Call::Clamp { of, least, most: None }),
        ("clamp_max", Some(of), most @ Some(_), None) => Expr::Call(Call::Clamp { of, least: None, most }),
        ("histogram_quantile", Some(quantile), Some(buckets), None) => Expr::Call(Call::HistogramQuantile { quantile, buckets }),
        ("absent", Some(of), None, None) => {
            let labels = absent_labels(&of);
            Expr::Call(Call::Absent(of, labels))
        }
        ("scalar", Some(of), None, None) => Expr::Call(Call::Scalar(of)),
        ("vector", Some(of), None, None) => Expr::Call(Call::Vector(of)),
        _ => return Err(Refusal::not_simulated(&format!("the function {name}"))),
    })
}

fn unfit(name: &str) -> Refusal {
    Refusal::BadData(format!("parse error: wrong arguments in call to function {name:?}"))
}

/// The labels that a selector asks for by equality, each once: what `absent` can say about the series that is not there.
fn absent_labels(of: &Expr) -> Vec<(String, String)> {
    let Expr::Instant(selector) = of else { return Vec::new() };
    let mut labels: Vec<(String, String)> = Vec::new();
    for matcher in selector.matchers.iter().filter(|matcher| matcher.name != METRIC_NAME) {
        let known = labels.iter().position(|(name, _)| *name == matcher.name);
        match (known, matcher.op == MatchOp::Equal) {
            (None, true) => labels.push((matcher.name.clone(), matcher.value.clone())),
            (Some(known), _) => {
                labels.remove(known);
            }
            (None, false) => {}
        }
    }
    labels
}

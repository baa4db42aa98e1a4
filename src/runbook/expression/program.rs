//! Compiles an expression, holds its syntax tree to bounds, and finds what it refers to. Compiling recurses as deep as the source
//! nests, so it too happens on the worker's large stack.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cel::Env;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue};
use cel::parser::{Expression, Macro, MacroExprHelper};

use super::{ExpressionError, FUNCTIONS, NESTING, SOURCE_BYTES, Variable, function, worker};

/// Compiled expressions kept; when full, all are dropped.
const CACHE: usize = 1024;

#[derive(Debug)]
pub(super) struct Program {
    pub program: cel::Program,
    pub variables: Vec<Variable>,
}

/// CEL's standard library, with `bytes(…)` reading quantities: CEL's own, which makes a text a byte string, has no use here.
pub(super) static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    let quantity = Macro::global("bytes", 1, |maker: &mut MacroExprHelper<'_>, _: &mut Option<Expression>, args: &mut Vec<Expression>| {
        let call = CallExpr { func_name: function::BYTES.to_owned(), target: None, args: std::mem::take(args) };
        Ok(Some(maker.next_expr(Expr::Call(call))))
    });
    // Fails only where the macro exists already, and then CEL's own stays.
    let _ = env.add_macro(quantity);
    Arc::new(env)
});

type Cache = HashMap<String, Result<Arc<Program>, ExpressionError>>;

/// The program of a source, compiled or from the cache.
pub(super) fn compile(source: &str) -> Result<Arc<Program>, ExpressionError> {
    static CACHED: LazyLock<Mutex<Cache>> = LazyLock::new(Mutex::default);
    if source.len() > SOURCE_BYTES {
        let message = format!("the expression has {} bytes; at most {SOURCE_BYTES} are read: split it", source.len());
        return Err(ExpressionError { message, offset: SOURCE_BYTES });
    }
    if let Some(known) = CACHED.lock().unwrap_or_else(PoisonError::into_inner).get(source) {
        return known.clone();
    }
    let text = source.to_owned();
    let result = worker::run(super::DEADLINE * 4, move |_| compile_here(&text).map(Arc::new))
        // Not kept: another time it may be quick enough.
        .map_err(|stopped| ExpressionError { message: stopped.to_string(), offset: 0 })?;
    let mut cache = CACHED.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= CACHE {
        cache.clear();
    }
    cache.insert(source.to_owned(), result.clone());
    result
}

fn compile_here(source: &str) -> Result<Program, ExpressionError> {
    let program = ENV.compile(source).map_err(|errors| {
        let first = errors.errors.first();
        let message = first.map_or_else(|| "the expression is not CEL".to_owned(), |error| plain(&error.msg));
        ExpressionError { message, offset: first.map_or(0, |error| byte_of(source, error.pos)) }
    })?;
    let mut walk = Walk { source, program: &program, locals: Vec::new(), nesting: 0, variables: Vec::new() };
    walk.expression(program.expression())?;
    let mut variables = walk.variables;
    variables.sort_by_key(|variable| variable.offset);
    variables.dedup();
    Ok(Program { program, variables })
}

/// The parser's words without its banner.
fn plain(message: &str) -> String {
    let text = message.trim_start_matches("Syntax error: ").lines().next().unwrap_or_default();
    format!("not valid CEL: {text}")
}

/// Line (from 1) and column (from 1, in characters) as a byte offset.
fn byte_of(source: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let column = usize::try_from(column - 1).unwrap_or(0);
    let start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

struct Walk<'a> {
    source: &'a str,
    program: &'a cel::Program,
    /// The variables of the comprehensions around.
    locals: Vec<String>,
    nesting: usize,
    variables: Vec<Variable>,
}

impl Walk<'_> {
    fn offset(&self, id: u64) -> usize {
        let at = self.program.source_info().offset_for(id).map_or(0, |(start, _)| usize::try_from(start).unwrap_or(0));
        (0..=at).rev().find(|at| self.source.is_char_boundary(*at)).unwrap_or(0)
    }

    fn expression(&mut self, node: &Expression) -> Result<(), ExpressionError> {
        if let Some((root, path)) = path(node) {
            self.reference(root, path);
            return Ok(());
        }
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => Ok(()),
            Expr::Select(select) => self.expression(&select.operand),
            Expr::Call(call) => {
                let known = !call.func_name.starts_with(|c: char| c.is_alphabetic())
                    || FUNCTIONS.iter().any(|function| function.name == call.func_name);
                if !known {
                    let message = format!("there is no function `{}`: see the list of functions", call.func_name);
                    return Err(ExpressionError { message, offset: self.offset(node.id) });
                }
                call.target.iter().try_for_each(|target| self.expression(target))?;
                call.args.iter().try_for_each(|argument| self.expression(argument))
            }
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.expression(element)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(made) => {
                let message = format!("`{}{{…}}`: only lists and maps can be made here", made.type_name);
                Err(ExpressionError { message, offset: self.offset(node.id) })
            }
            Expr::Comprehension(comprehension) => {
                self.expression(&comprehension.iter_range)?;
                self.nesting += 1;
                if self.nesting > NESTING {
                    let message = format!("more than {NESTING} of all, exists, map and filter inside one another: split it");
                    return Err(ExpressionError { message, offset: self.offset(node.id) });
                }
                let before = self.locals.len();
                self.locals.extend([comprehension.iter_var.clone(), comprehension.accu_var.clone()]);
                self.locals.extend(comprehension.iter_var2.clone());
                let inside = [&comprehension.accu_init, &comprehension.loop_cond, &comprehension.loop_step, &comprehension.result];
                inside.into_iter().try_for_each(|part| self.expression(part))?;
                self.locals.truncate(before);
                self.nesting -= 1;
                Ok(())
            }
        }
    }

    fn entry(&mut self, entry: &EntryExpr) -> Result<(), ExpressionError> {
        match entry {
            EntryExpr::StructField(field) => self.expression(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.expression(&entry.key)?;
                self.expression(&entry.value)
            }
        }
    }

    fn reference(&mut self, root: &Expression, path: Vec<String>) {
        if !self.locals.contains(&path[0]) {
            self.variables.push(Variable { path, offset: self.offset(root.id) });
        }
    }
}

/// `a.b["c"].d` as its root and its names; none where a part is computed.
fn path(node: &Expression) -> Option<(&Expression, Vec<String>)> {
    match &node.expr {
        Expr::Ident(name) => Some((node, vec![name.trim_start_matches('.').to_owned()])),
        Expr::Select(select) => {
            let (root, mut names) = path(&select.operand)?;
            names.push(select.field.clone());
            Some((root, names))
        }
        Expr::Call(call) if call.func_name == "_[_]" => {
            let [operand, index] = call.args.as_slice() else { return None };
            let Expr::Literal(LiteralValue::String(key)) = &index.expr else { return None };
            let (root, mut names) = path(operand)?;
            names.push(key.inner().to_owned());
            Some((root, names))
        }
        Expr::Call(_) | Expr::Unspecified | Expr::Literal(_) | Expr::List(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Comprehension(_) => {
            None
        }
    }
}

//! Templates that were read and checked before: lint looks at each twice, and an open step renders the same ones at every event.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use super::TemplateError;
use super::reference::{self, Parsed};
use super::script;

/// Bytes of template text kept; when full, all are dropped. What is kept beside the text takes about twice as much.
const KEPT: usize = 1024 * 1024;

pub(super) struct Template {
    pub parsed: Parsed,
    script: OnceLock<Vec<TemplateError>>,
}

impl Template {
    /// What makes it unsafe as a script.
    pub fn as_script(&self, source: &str) -> &[TemplateError] {
        self.script.get_or_init(|| script::check(source, &self.parsed))
    }
}

#[derive(Default)]
struct Cache {
    templates: HashMap<String, Arc<Template>>,
    bytes: usize,
}

/// The template of a source, read now or from the cache. Mistakes are not kept.
pub(super) fn template(source: &str) -> Result<Arc<Template>, TemplateError> {
    static CACHED: LazyLock<Mutex<Cache>> = LazyLock::new(Mutex::default);
    if let Some(known) = CACHED.lock().unwrap_or_else(PoisonError::into_inner).templates.get(source) {
        return Ok(Arc::clone(known));
    }
    let template = Arc::new(Template { parsed: reference::parse(source)?, script: OnceLock::new() });
    let mut cache = CACHED.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.bytes + source.len() > KEPT {
        *cache = Cache::default();
    }
    if cache.templates.insert(source.to_owned(), Arc::clone(&template)).is_none() {
        cache.bytes += source.len();
    }
    Ok(template)
}

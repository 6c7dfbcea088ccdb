//! What an operation costs, known from the document and its variables before it runs.
//!
//! A field costs 1 and what is below it; a list multiplies what is below it by the rows it may give. The ceiling is
//! `limits.complexity`. The cost is told in `extensions.cost` of every answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{
    Response, ServerError, ValidationResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextRequest, NextValidation},
    value,
};

/// The cost of a page: its rows at most, times what is asked of each.
pub fn page(first: Option<i32>, last: Option<i32>, default: usize, child: usize) -> usize {
    let rows = first.or(last).and_then(|rows| usize::try_from(rows).ok()).unwrap_or(default);
    1 + rows.min(100) * child
}

/// Reports `extensions.cost { requested limit depth }`.
pub struct Cost {
    /// The ceiling to report.
    pub limit: usize,
}

struct CostOf {
    limit: usize,
    requested: AtomicUsize,
    depth: AtomicUsize,
}

impl ExtensionFactory for Cost {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(CostOf { limit: self.limit, requested: AtomicUsize::new(0), depth: AtomicUsize::new(0) })
    }
}

#[async_trait::async_trait]
impl Extension for CostOf {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let response = next.run(ctx).await;
        let (requested, depth) = (self.requested.load(Ordering::Relaxed), self.depth.load(Ordering::Relaxed));
        let cost = value!({ "requested": requested, "limit": self.limit, "depth": depth });
        if depth == 0 { response } else { response.extension("cost", cost) }
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        self.requested.store(result.complexity, Ordering::Relaxed);
        self.depth.store(result.depth, Ordering::Relaxed);
        Ok(result)
    }
}

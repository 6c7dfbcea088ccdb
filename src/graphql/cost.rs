//! What an operation costs, known from the document and its variables before it runs.
//!
//! A field costs 1 and what is below it; a list multiplies what is below it by the rows it may give. The ceiling is
//! `limits.complexity`. The cost is told in `extensions.cost` of every answer.

/// The cost of a page: its rows at most, times what is asked of each.
pub fn page(first: Option<i32>, last: Option<i32>, default: usize, child: usize) -> usize {
    let rows = first.or(last).and_then(|rows| usize::try_from(rows).ok()).unwrap_or(default);
    1 + rows.min(100) * child
}

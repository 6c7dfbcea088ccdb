//! What is mended in the library's execution, and timed: a failed nullable field is `null` by itself.
//!
//! The library lets the error of a field that returns `Result<Option<T>>` rise to the nearest nullable object above it and leaves the
//! field out of the path; the specification (section 6.4.4, handling execution errors) stops it at the field.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use async_graphql::{
    PathSegment, QueryPathNode, QueryPathSegment, Response, ServerError, ServerResult, ValidationResult, Value,
    Variables,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextResolve, NextValidation,
        ResolveInfo,
    },
    parser::types::ExecutableDocument,
    registry::MetaType,
};

use super::inputs;
use crate::platform::metrics;

/// Keeps errors at their fields.
pub struct Execution;

/// In the data of a request whose fields are to be timed.
#[derive(Clone, Copy, Debug)]
pub struct Timed;

/// In the data of a request that is validated and not run: its answer has no errors when it is valid, and no data either.
#[derive(Clone, Copy, Debug)]
pub struct ValidatedOnly;

#[derive(Default)]
struct OneExecution {
    is_timed: OnceLock<bool>,
    errors: Mutex<Vec<ServerError>>,
    /// As the client sent them.
    variables: OnceLock<Variables>,
}

impl ExtensionFactory for Execution {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OneExecution::default())
    }
}

#[async_trait::async_trait]
impl Extension for OneExecution {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let _ = (self.variables.set(variables.clone()), self.is_timed.set(ctx.data_opt::<Timed>().is_some()));
        next.run(ctx, query, variables).await
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let valid = next.run(ctx).await?;
        // The library stops at errors, also at none.
        if ctx.data_opt::<ValidatedOnly>().is_some() { Err(Vec::new()) } else { Ok(valid) }
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(ctx, operation_name).await;
        response.errors.append(&mut self.errors.lock().unwrap_or_else(PoisonError::into_inner));
        response
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let (is_nullable, node, field) = (!info.return_type.ends_with('!'), info.path_node, info.field);
        // What gives no object is a getter: timing it would cost more than it takes.
        let timed = (self.is_timed.get() == Some(&true) && is_composite(ctx, info.return_type))
            .then(|| (Instant::now(), info.parent_type.to_owned(), info.name.to_owned()));
        let resolved = next.run(ctx, info).await;
        if let Some((began, parent, field)) = timed {
            metrics::resolver(&parent, &field, began.elapsed());
        }
        match resolved {
            Err(mut error) => {
                if let Some(variables) = self.variables.get()
                    && let Some(known) = inputs::blame(&error, &field.arguments, variables)
                {
                    error.source = Some(Arc::new(known));
                    error.extensions = None;
                }
                let here = path(node);
                if error.path.len() < here.len() {
                    error.path = here;
                }
                if !is_nullable {
                    return Err(error);
                }
                self.errors.lock().unwrap_or_else(PoisonError::into_inner).push(error);
                Ok(None)
            }
            resolved => resolved,
        }
    }
}

fn is_composite(ctx: &ExtensionContext<'_>, return_type: &str) -> bool {
    let name = return_type.trim_matches(['[', ']', '!']);
    ctx.schema_env.registry.types.get(name).is_some_and(MetaType::is_composite)
}

fn path(node: &QueryPathNode<'_>) -> Vec<PathSegment> {
    let segment = |segment: &QueryPathSegment<'_>| match segment {
        QueryPathSegment::Index(index) => PathSegment::Index(*index),
        QueryPathSegment::Name(name) => PathSegment::Field((*name).to_owned()),
    };
    let mut path: Vec<_> = std::iter::once(node).chain(node.parents()).map(|node| segment(&node.segment)).collect();
    path.reverse();
    path
}

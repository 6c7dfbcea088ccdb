//! What is mended in the library's execution: a failed nullable field is `null` by itself.
//!
//! The library lets the error of a field that returns `Result<Option<T>>` rise to the nearest nullable object above it and leaves the
//! field out of the path; the specification (section 6.4.4, handling execution errors) stops it at the field.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{
    PathSegment, QueryPathNode, QueryPathSegment, Response, ServerError, ServerResult, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, ResolveInfo},
};

/// Keeps errors at their fields.
pub struct Execution;

#[derive(Default)]
struct OneExecution {
    errors: Mutex<Vec<ServerError>>,
}

impl ExtensionFactory for Execution {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OneExecution::default())
    }
}

#[async_trait::async_trait]
impl Extension for OneExecution {
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
        let (is_nullable, node) = (!info.return_type.ends_with('!'), info.path_node);
        match next.run(ctx, info).await {
            Err(mut error) => {
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

fn path(node: &QueryPathNode<'_>) -> Vec<PathSegment> {
    let segment = |segment: &QueryPathSegment<'_>| match segment {
        QueryPathSegment::Index(index) => PathSegment::Index(*index),
        QueryPathSegment::Name(name) => PathSegment::Field((*name).to_owned()),
    };
    let mut path: Vec<_> = std::iter::once(node).chain(node.parents()).map(|node| segment(&node.segment)).collect();
    path.reverse();
    path
}

//! A page of the event log as a subscription tells it: a connection whose cursors are those of events.

use std::borrow::Cow;

use async_graphql::{Object, OutputType, SimpleObject, TypeName};

use super::page::PageInfo;

/// An event with its cursor.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub struct EventEdge<T: OutputType> {
    /// Where the event stands in the log, for `after`.
    pub cursor: String,
    /// The event.
    pub node: T,
}

impl<T: OutputType> TypeName for EventEdge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

/// Events with their cursors, and how far they reach.
pub struct EventConnection<T: OutputType> {
    edges: Vec<EventEdge<T>>,
    info: PageInfo,
}

impl<T: OutputType> EventConnection<T> {
    /// `end` is the place the page reaches, `after` whether it began at a cursor.
    pub fn new(edges: Vec<EventEdge<T>>, after: bool, end: String, has_more: bool) -> Self {
        let info = PageInfo {
            has_next_page: has_more,
            has_previous_page: after,
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: Some(end),
        };
        Self { edges, info }
    }
}

impl<T: OutputType> TypeName for EventConnection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// A page of the event log. It goes forward only. `pageInfo.endCursor` is how far it reaches, also when it is empty: `after` of the next
/// page, or of the subscription.
#[Object(name_type)]
impl<T: OutputType> EventConnection<T> {
    /// The events with their cursors.
    async fn edges(&self) -> &[EventEdge<T>] {
        &self.edges
    }

    /// The events alone.
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// How far the page reaches, and whether there is more already.
    async fn page_info(&self) -> &PageInfo {
        &self.info
    }
}

//! Connections after the Relay cursor connections specification, with keyset cursors.
//!
//! A cursor carries what list it is of (kind, parent, filter, order) and the sort key of its row; used on another list it is
//! VALIDATION_FAILED. Rows are read one more than asked, which tells whether more follow.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{ContainerType, Context, Object, OutputType, ServerResult, SimpleObject, TypeName, Value};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, Utc};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::ready::{Answer, Leaf, Ready, Rows};
use crate::{
    base::error::{Error, Result},
    config::limits::PageLimits,
};

/// The four arguments of every list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageArgs {
    /// So many from the start (or from `after`).
    pub first: Option<i32>,
    /// Begin behind this row.
    pub after: Option<String>,
    /// So many up to the end (or up to `before`).
    pub last: Option<i32>,
    /// End before this row.
    pub before: Option<String>,
}

impl PageArgs {
    /// The arguments of a field.
    pub fn new(first: Option<i32>, after: Option<String>, last: Option<i32>, before: Option<String>) -> Self {
        Self { first, after, last, before }
    }

    /// The arguments of one use of a field, seen ahead.
    pub fn ahead(arguments: &super::prefetch::Arguments) -> Option<Self> {
        Some(Self {
            first: arguments.get("first")?,
            after: arguments.get("after")?,
            last: arguments.get("last")?,
            before: arguments.get("before")?,
        })
    }

    /// Without `first` and `last`, the newest page rather than the oldest: what a chat shows first.
    #[must_use]
    pub fn or_last(mut self, count: usize) -> Self {
        if self.first.is_none() && self.last.is_none() {
            self.last = i32::try_from(count).ok();
        }
        self
    }

    /// Checks the arguments and reads the cursors, which must be of the list that `scope` names.
    ///
    /// # Errors
    /// VALIDATION_FAILED naming the argument.
    pub fn window<K: DeserializeOwned>(&self, limits: PageLimits, scope: &Scope) -> Result<Window<K>> {
        let check = |name: &'static str, count: i32| match usize::try_from(count) {
            Ok(count) if count <= limits.max => Ok(count),
            _ => Err(Error::invalid(name, format!("takes 0 to {}, this is {count}", limits.max))),
        };
        let (limit, backward) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(Error::invalid("last", "goes without first: a page has one direction")),
            (Some(first), None) => (check("first", first)?, false),
            (None, Some(last)) => (check("last", last)?, true),
            (None, None) => (limits.default, false),
        };
        Ok(Window {
            limit,
            backward,
            after: self.after.as_deref().map(|cursor| scope.read("after", cursor)).transpose()?,
            before: self.before.as_deref().map(|cursor| scope.read("before", cursor)).transpose()?,
        })
    }
}

/// Which list a cursor is of: its kind, parent, filter and order.
#[derive(Clone, Debug)]
pub struct Scope(Arc<str>);

impl Scope {
    /// `kind` is the name of the list; `of` is all that would make it another list.
    pub fn new(kind: &str, of: impl std::fmt::Debug) -> Self {
        let digest = Sha256::digest(format!("{of:?}"));
        Self(format!("{kind}:{:02x}{:02x}{:02x}{:02x}:", digest[0], digest[1], digest[2], digest[3]).into())
    }

    /// The cursor of a row with this sort key.
    pub fn cursor(&self, key: &impl Serialize) -> String {
        let key = serde_json::to_string(key).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(format!("{}{key}", self.0))
    }

    fn read<K: DeserializeOwned>(&self, name: &str, cursor: &str) -> Result<K> {
        let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let key = text.as_deref().and_then(|text| text.strip_prefix(&*self.0));
        // No row has it in its key, and PostgreSQL takes no text with it.
        let key = key.filter(|key| !key.contains("\\u0000")).and_then(|key| serde_json::from_str(key).ok());
        key.filter(|key| !is_out_of_time(key))
            .and_then(|key| serde_json::from_value(key).ok())
            .ok_or_else(|| Error::invalid(name, "takes a cursor of this very list, with the same filter and order"))
    }
}

/// True for a key with a moment no row has, and PostgreSQL does not know: its calendar begins in 4713 BC.
fn is_out_of_time(key: &serde_json::Value) -> bool {
    match key {
        serde_json::Value::Array(parts) => parts.iter().any(is_out_of_time),
        serde_json::Value::String(text) => {
            text.parse::<DateTime<Utc>>().is_ok_and(|moment| !(1..=9999).contains(&moment.year()))
        }
        _ => false,
    }
}

/// A checked page request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<K> {
    /// At most so many rows.
    pub limit: usize,
    /// From the end.
    pub backward: bool,
    /// Strictly behind this key.
    pub after: Option<K>,
    /// Strictly before this key.
    pub before: Option<K>,
}

impl<K> Window<K> {
    /// How many rows to read: one more than asked.
    pub fn fetch(&self) -> u64 {
        self.limit as u64 + 1
    }

    /// Turns rows as they were read (backward ones newest first) into a page in the order of the list.
    pub fn page<R>(&self, mut rows: Vec<R>) -> Page<R> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        if self.backward {
            rows.reverse();
        }
        Page {
            rows,
            has_next: if self.backward { self.before.is_some() } else { more },
            has_previous: if self.backward { more } else { self.after.is_some() },
        }
    }
}

/// Rows of one page, in the order of the list.
#[derive(Clone, Debug)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// More follow.
    pub has_next: bool,
    /// More come before.
    pub has_previous: bool,
}

/// Counts the whole list when asked.
pub type Count = Arc<dyn Fn() -> BoxFuture<'static, Result<i64>> + Send + Sync>;

/// Whether a page has neighbours, and its first and last cursors.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// More rows follow this page.
    pub has_next_page: bool,
    /// More rows come before this page.
    pub has_previous_page: bool,
    /// The cursor of the first row, for `before`.
    pub start_cursor: Option<String>,
    /// The cursor of the last row, for `after`.
    pub end_cursor: Option<String>,
}

/// A row of a list with its cursor.
pub struct Edge<T> {
    scope: Scope,
    key: serde_json::Value,
    row: T,
}

impl<T> Edge<T> {
    fn place(&self) -> String {
        self.scope.cursor(&self.key)
    }
}

impl<T: OutputType> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

/// A row of a list with its cursor.
#[Object(name_type)]
impl<T: OutputType + Ready> Edge<T> {
    /// Where the row stands in this list, for `after` and `before`.
    fn cursor(&self) -> String {
        self.place()
    }

    /// The row.
    fn node(&self) -> &T {
        &self.row
    }
}

impl<T: OutputType + Ready> Ready for Edge<T> {
    fn kind(&self) -> Cow<'static, str> {
        <Self as OutputType>::type_name()
    }

    fn answer<'a>(&'a self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Answer<'a> {
        match ctx.item.node.name.node.as_str() {
            "cursor" => {
                self.place().write(out);
                Answer::Written
            }
            "node" => Answer::One(Some(&self.row)),
            _ => Answer::Later,
        }
    }

    fn wait<'a>(&'a self, ctx: &'a Context<'a>) -> BoxFuture<'a, ServerResult<Option<Value>>> {
        self.resolve_field(ctx).boxed()
    }
}

struct List<T> {
    edges: Vec<Edge<T>>,
    has_next: bool,
    has_previous: bool,
    count: Count,
}

impl<T> List<T> {
    fn new<R>(
        page: Page<R>,
        scope: &Scope,
        key: impl Fn(&R) -> serde_json::Value,
        node: impl Fn(R) -> T,
        count: Count,
    ) -> Self {
        let edge = |row: R| Edge { scope: scope.clone(), key: key(&row), row: node(row) };
        let edges = page.rows.into_iter().map(edge).collect();
        Self { edges, has_next: page.has_next, has_previous: page.has_previous, count }
    }

    fn edges(&self) -> Rows<'_, Edge<T>> {
        Rows(self.edges.iter().collect())
    }

    fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &edge.row).collect()
    }

    fn info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.edges.first().map(Edge::place),
            end_cursor: self.edges.last().map(Edge::place),
        }
    }
}

/// A page of a list.
pub struct Connection<T>(List<T>);

impl<T> Connection<T> {
    /// From rows, their sort keys and how each becomes a node.
    pub fn new<R>(
        page: Page<R>,
        scope: &Scope,
        key: impl Fn(&R) -> serde_json::Value,
        node: impl Fn(R) -> T,
        count: Count,
    ) -> Self {
        Self(List::new(page, scope, key, node, count))
    }

    /// The nodes.
    pub fn nodes(&self) -> Vec<&T> {
        self.0.nodes()
    }
}

impl<T: OutputType> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// A page of a list.
#[Object(name_type)]
impl<T: OutputType + Ready> Connection<T> {
    /// The rows with their cursors.
    fn edges(&self) -> Rows<'_, Edge<T>> {
        self.0.edges()
    }

    /// The rows alone.
    #[graphql(name = "nodes")]
    fn all_nodes(&self) -> Rows<'_, T> {
        Rows(self.nodes())
    }

    /// Whether the page has neighbours.
    fn page_info(&self) -> PageInfo {
        self.0.info()
    }

    /// How many rows the whole list has. Counted only when asked for.
    async fn total_count(&self) -> Result<i64> {
        (self.0.count)().await
    }
}

/// A page of a list that a subscription keeps up to date.
pub struct LiveConnection<T> {
    list: List<T>,
    event_cursor: String,
}

impl<T> LiveConnection<T> {
    /// Like [`Connection::new`], with the place in the event log taken before the rows were read.
    pub fn new<R>(
        page: Page<R>,
        scope: &Scope,
        key: impl Fn(&R) -> serde_json::Value,
        node: impl Fn(R) -> T,
        count: Count,
        event_cursor: String,
    ) -> Self {
        Self { list: List::new(page, scope, key, node, count), event_cursor }
    }

    /// The nodes.
    pub fn nodes(&self) -> Vec<&T> {
        self.list.nodes()
    }
}

impl<T: OutputType> TypeName for LiveConnection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// A page of a list that a subscription keeps up to date.
#[Object(name_type)]
impl<T: OutputType + Ready> LiveConnection<T> {
    /// The rows with their cursors.
    fn edges(&self) -> Rows<'_, Edge<T>> {
        self.list.edges()
    }

    /// The rows alone.
    #[graphql(name = "nodes")]
    fn all_nodes(&self) -> Rows<'_, T> {
        Rows(self.nodes())
    }

    /// Whether the page has neighbours.
    fn page_info(&self) -> PageInfo {
        self.list.info()
    }

    /// How many rows the whole list has. Counted only when asked for.
    async fn total_count(&self) -> Result<i64> {
        (self.list.count)().await
    }

    /// The place in the event log just before this page was read: pass it as `after` to the subscription that follows this list,
    /// and between the two nothing is missed.
    fn event_cursor(&self) -> &str {
        &self.event_cursor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PageLimits = PageLimits { default: 20, max: 100 };

    #[test]
    fn a_cursor_works_on_its_own_list_only() {
        let (mine, other) = (Scope::new("messages", ("room", 1)), Scope::new("messages", ("room", 2)));
        let args = PageArgs::new(Some(2), Some(mine.cursor(&7)), None, None);
        assert_eq!(args.window::<i64>(LIMITS, &mine).unwrap().after, Some(7));
        let error = args.window::<i64>(LIMITS, &other).unwrap_err();
        assert_eq!(error.fields()[0].field, "after");
    }

    #[test]
    fn page_sizes_are_bounded() {
        let scope = Scope::new("users", ());
        for (first, last, good) in [
            (Some(100), None, true),
            (Some(101), None, false),
            (Some(-1), None, false),
            (None, Some(101), false),
            (Some(1), Some(1), false),
        ] {
            assert_eq!(PageArgs::new(first, None, last, None).window::<i64>(LIMITS, &scope).is_ok(), good);
        }
    }

    #[test]
    fn a_backward_page_is_turned_round() {
        let window = Window::<i64> { limit: 2, backward: true, after: None, before: None };
        let page = window.page(vec![9, 8, 7]);
        assert_eq!((page.rows, page.has_next, page.has_previous), (vec![8, 9], false, true));
    }
}

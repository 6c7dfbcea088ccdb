//! Fields that are answered without waiting.
//!
//! The library makes a future for every field of every row, and a tree of values out of what they give. Most fields of most rows wait
//! for nothing: they are columns, or edges that look-ahead has filled. Where many rows are answered ([`Rows`], [`Now`]), an object says
//! which of its fields it holds ([`Ready`]), and those are written as JSON straight away; the others are resolved as ever, all at once,
//! and put in their places.
//!
//! Only a request that says so ([`AtOnce`]) is answered in this way. With an extension at work (timing, exact errors), and where objects have to
//! be put together from several places (`graphql/merging.rs`), everything goes the library's way, and a test compares what both ways answer.

use std::{borrow::Cow, sync::OnceLock};

use async_graphql::{
    Context, ContextSelectionSet, ID, Name, OutputType, Positioned, ServerResult, Value,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
    resolver_utils::{EnumType, resolve_list},
};
use futures_util::future::{BoxFuture, try_join_all};

/// In the data of a request: no extension is at work and no objects are to be merged, so what is there may be answered at once.
pub struct AtOnce;

/// What an object answers a field with.
pub enum Answer<'a> {
    /// It has been written.
    Written,
    /// An object, or null.
    One(Option<&'a dyn Ready>),
    /// A list of objects.
    Many(Vec<&'a dyn Ready>),
    /// It may have to wait: to be resolved like any field.
    Later,
}

/// An object that can answer fields at once. Made by [`ready!`].
pub trait Ready: Send + Sync {
    /// Its type in the schema.
    fn kind(&self) -> Cow<'static, str>;

    /// Answers a field, a leaf by writing it as JSON.
    fn answer<'a>(&'a self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Answer<'a>;

    /// Resolves a field it does not hold.
    fn wait<'a>(&'a self, ctx: &'a Context<'a>) -> BoxFuture<'a, ServerResult<Option<Value>>>;
}

/// Says which fields an object holds: of what its global id is made, if it has one; each leaf with the resolver that reads it; of
/// edges, where what was loaded for them lies:
/// `ready!(Message { id: |message| message.0.row.id; "seq": seq, … } edges { "sender": |message| message.0.sender.get().map(one), … })`.
macro_rules! ready {
    ($object:ty { $(id: $id:expr;)? $($leaf:literal: $read:ident),* $(,)? } $(edges { $($edge:literal: $find:expr),* $(,)? })?) => {
        impl $crate::graphql::ready::Ready for $object {
            fn kind(&self) -> std::borrow::Cow<'static, str> {
                <Self as async_graphql::OutputType>::type_name()
            }

            fn answer<'a>(
                &'a self,
                ctx: &async_graphql::Context<'_>,
                out: &mut Vec<u8>,
            ) -> $crate::graphql::ready::Answer<'a> {
                match ctx.item.node.name.node.as_str() {
                    $("id" => {
                        let key: fn(&Self) -> _ = $id;
                        $crate::graphql::ready::Leaf::write(&$crate::graphql::node::id(key(self)), out);
                        $crate::graphql::ready::Answer::Written
                    })?
                    $($leaf => {
                        $crate::graphql::ready::Leaf::write(&self.$read(ctx), out);
                        $crate::graphql::ready::Answer::Written
                    })*
                    $($($edge => {
                        let find: fn(&'a Self) -> Option<$crate::graphql::ready::Answer<'a>> = $find;
                        find(self).unwrap_or($crate::graphql::ready::Answer::Later)
                    })*)?
                    _ => {
                        let _ = out;
                        $crate::graphql::ready::Answer::Later
                    }
                }
            }

            fn wait<'a>(
                &'a self,
                ctx: &'a async_graphql::Context<'a>,
            ) -> futures_util::future::BoxFuture<'a, async_graphql::ServerResult<Option<async_graphql::Value>>> {
                Box::pin(async_graphql::ContainerType::resolve_field(self, ctx))
            }
        }
    };
}

pub(crate) use ready;

/// An edge to at most one object.
pub fn one<T: Ready>(found: &Option<T>) -> Answer<'_> {
    Answer::One(found.as_ref().map(|found| found as &dyn Ready))
}

/// An edge to a list of objects.
pub fn many<T: Ready>(found: &[T]) -> Answer<'_> {
    Answer::Many(found.iter().map(|found| found as &dyn Ready).collect())
}

/// A value that is written as JSON.
pub trait Leaf {
    /// Writes it.
    fn write(&self, out: &mut Vec<u8>);
}

fn write(value: &(impl serde::Serialize + ?Sized), out: &mut Vec<u8>) {
    // Into memory, and of values whose keys are texts: it cannot fail.
    let _ = serde_json::to_writer(out, value);
}

impl<T: Leaf + ?Sized> Leaf for &T {
    fn write(&self, out: &mut Vec<u8>) {
        T::write(self, out);
    }
}

impl<T: Leaf> Leaf for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

macro_rules! leaves {
    ($($kind:ty: |$value:ident| $text:expr;)*) => {$(
        impl Leaf for $kind {
            fn write(&self, out: &mut Vec<u8>) {
                let $value = self;
                write($text, out);
            }
        }
    )*};
}

leaves! {
    str: |text| text;
    String: |text| text;
    i32: |number| number;
    i64: |number| number;
    bool: |flag| flag;
    ID: |id| id.as_str();
    super::scalars::Url: |url| &url.0;
    super::scalars::Json: |json| &json.0;
}

impl Leaf for super::scalars::DateTime {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(self.text().as_bytes());
        out.push(b'"');
    }
}

/// An enumeration, by the name of its value: what [`enum_leaves!`] is made of.
pub fn write_enum<T: EnumType>(value: T, out: &mut Vec<u8>) {
    let item = T::items().iter().find(|item| item.value == value);
    write(item.map_or("", |item| item.name), out);
}

/// Makes leaves of enumerations: `enum_leaves!(ConversationKind, …)`.
macro_rules! enum_leaves {
    ($($kind:ty),*) => {$(
        impl $crate::graphql::ready::Leaf for $kind {
            fn write(&self, out: &mut Vec<u8>) {
                $crate::graphql::ready::write_enum(*self, out);
            }
        }
    )*};
}

pub(crate) use enum_leaves;

/// One object, answered at once as far as it can.
pub struct Now<T>(pub T);

/// The objects of a list, answered at once as far as they can.
pub struct Rows<'r, T>(pub Vec<&'r T>);

impl<T: OutputType + Ready> OutputType for Now<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match planned(ctx, &self.0) {
            Some(plan) => answered(ctx, &plan, Answer::One(Some(&self.0))).await,
            None => OutputType::resolve(&self.0, ctx, field).await,
        }
    }
}

impl<T: OutputType + Ready> OutputType for Rows<'_, T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self.0.first().map(|first| planned(ctx, *first)) {
            None => Ok(Value::List(Vec::new())),
            Some(Some(plan)) => {
                let rows = self.0.iter().map(|row| *row as &dyn Ready).collect();
                answered(ctx, &plan, Answer::Many(rows)).await
            }
            Some(None) => resolve_list(ctx, field, self.0.iter().copied(), Some(self.0.len())).await,
        }
    }
}

/// What a selection asks of objects of one type: made once for all rows.
struct Plan<'a>(Vec<Step<'a>>);

struct Step<'a> {
    /// The key, as JSON, with its colon.
    key: String,
    /// The field, as its resolver will see it. Its path is that of the list: a path matters only to errors, and an error has the whole
    /// query run again, exactly.
    ctx: Context<'a>,
    /// What is asked of the objects it leads to.
    further: OnceLock<Option<Plan<'a>>>,
}

/// `None` when the library has to do it.
fn planned<'a>(ctx: &'a ContextSelectionSet<'a>, object: &dyn Ready) -> Option<Plan<'a>> {
    ctx.data_opt::<AtOnce>().and_then(|_| plan(ctx, ctx.item, &object.kind()))
}

fn plan<'a>(
    ctx: &'a ContextSelectionSet<'a>,
    selection: &'a Positioned<SelectionSet>,
    type_name: &str,
) -> Option<Plan<'a>> {
    let mut steps = Vec::new();
    collect(ctx, selection, type_name, &mut steps)?;
    Some(Plan(steps))
}

/// The specification's CollectFields (section 6.3.2), for objects of one type. A key that comes again says the same: nothing that has to
/// be merged is answered at once. `None` for what is left to the library: a directive on a field.
fn collect<'a>(
    ctx: &'a ContextSelectionSet<'a>,
    selection: &'a Positioned<SelectionSet>,
    type_name: &str,
    steps: &mut Vec<Step<'a>>,
) -> Option<()> {
    for item in &selection.node.items {
        let (condition, within) = match &item.node {
            Selection::Field(field) => {
                if !field.node.directives.is_empty() {
                    return None;
                }
                let name = &field.node.response_key().node;
                if !steps.iter().any(|step| step.ctx.item.node.response_key().node == *name) {
                    let key = format!("\"{name}\":");
                    steps.push(Step { key, ctx: ctx.with_field(field), further: OnceLock::new() });
                }
                continue;
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &ctx.query_env.fragments.get(&spread.node.fragment_name.node)?.node;
                (Some(&fragment.type_condition), &fragment.selection_set)
            }
            Selection::InlineFragment(fragment) => {
                (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
            }
        };
        if condition.is_none_or(|condition| is_a(ctx, type_name, &condition.node.on.node)) {
            collect(ctx, within, type_name, steps)?;
        }
    }
    Some(())
}

/// True when an object of this type is what the condition names: the type itself, or an interface or union it belongs to.
fn is_a(ctx: &ContextSelectionSet<'_>, type_name: &str, condition: &Name) -> bool {
    let registry = &ctx.schema_env.registry;
    condition == type_name
        || registry.types.get(condition.as_str()).is_some_and(|meta| meta.is_possible_type(type_name))
}

/// Writes what is there, waits for the rest, and puts it in its places.
async fn answered<'a>(ctx: &'a ContextSelectionSet<'a>, plan: &Plan<'a>, what: Answer<'_>) -> ServerResult<Value> {
    let mut writing = Writing { ctx, out: Vec::with_capacity(1024), later: Vec::new() };
    writing.objects(plan, what)?;
    let Writing { out, later, .. } = writing;
    if later.is_empty() {
        return Ok(Value::Binary(out.into()));
    }
    let (places, waiting): (Vec<_>, Vec<_>) = later.into_iter().unzip();
    let values = try_join_all(waiting).await?;
    let mut whole = Vec::with_capacity(out.len() * 2);
    let mut from = 0;
    for (place, value) in places.into_iter().zip(values) {
        whole.extend_from_slice(&out[from..place]);
        write_value(&value.unwrap_or_default(), &mut whole);
        from = place;
    }
    whole.extend_from_slice(&out[from..]);
    Ok(Value::Binary(whole.into()))
}

struct Writing<'a, 'p> {
    ctx: &'a ContextSelectionSet<'a>,
    out: Vec<u8>,
    /// What is waited for, and where it belongs.
    later: Vec<(usize, BoxFuture<'p, ServerResult<Option<Value>>>)>,
}

impl<'a: 'p, 'p> Writing<'a, 'p> {
    /// Writes one object or a list of them.
    fn objects(&mut self, plan: &'p Plan<'a>, what: Answer<'p>) -> ServerResult<()> {
        match what {
            Answer::One(Some(object)) => self.object(plan, object)?,
            Answer::One(None) => self.out.extend_from_slice(b"null"),
            Answer::Many(objects) => {
                self.out.push(b'[');
                for (place, object) in objects.into_iter().enumerate() {
                    if place > 0 {
                        self.out.push(b',');
                    }
                    self.object(plan, object)?;
                }
                self.out.push(b']');
            }
            Answer::Written | Answer::Later => {}
        }
        Ok(())
    }

    fn object(&mut self, plan: &'p Plan<'a>, object: &'p dyn Ready) -> ServerResult<()> {
        self.out.push(b'{');
        for (place, step) in plan.0.iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(step.key.as_bytes());
            if step.ctx.item.node.name.node == "__typename" {
                write(&*object.kind(), &mut self.out);
                continue;
            }
            match object.answer(&step.ctx, &mut self.out) {
                Answer::Written => {}
                Answer::Later => self.later.push((self.out.len(), object.wait(&step.ctx))),
                found => self.edge(step, object, found)?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Objects reached by an edge; resolved the library's way when it has to be.
    fn edge(&mut self, step: &'p Step<'a>, object: &'p dyn Ready, found: Answer<'p>) -> ServerResult<()> {
        let type_name = match &found {
            Answer::One(found) => found.map(|found| found.kind()),
            Answer::Many(found) => found.first().map(|found| found.kind()),
            Answer::Written | Answer::Later => None,
        };
        let Some(type_name) = type_name else {
            self.out.extend_from_slice(if matches!(found, Answer::Many(_)) { b"[]".as_slice() } else { b"null" });
            return Ok(());
        };
        let asked = &step.ctx.item.node.selection_set;
        match step.further.get_or_init(|| plan(self.ctx, asked, &type_name)) {
            Some(plan) => self.objects(plan, found),
            None => {
                self.later.push((self.out.len(), object.wait(&step.ctx)));
                Ok(())
            }
        }
    }
}

/// Writes a value of an answer. What [`Now`] and [`Rows`] have written already stands in it as bytes; nothing else is bytes, and
/// nothing a client sends can be.
pub fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Binary(written) => out.extend_from_slice(written),
        Value::List(values) => {
            out.push(b'[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_value(value, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (place, (name, value)) in fields.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(name.as_str(), out);
                out.push(b':');
                write_value(value, out);
            }
            out.push(b'}');
        }
        leaf => write(leaf, out),
    }
}

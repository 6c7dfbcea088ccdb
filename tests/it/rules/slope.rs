//! PLT-012 for everything there is: documents made from the schema ask each field of each row of a list, and run no more
//! statements for 100 rows than for 10. A field that runs a statement of its own for every row shows here, whether or not an example
//! asks for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use polyphony::demo::PASSWORD;
use serde_json::Value;

use super::{crowd, examples, introspect};
use crate::house::{Caller, Instance, World};

/// The page sizes tried.
const SIZES: [usize; 3] = [1, 10, 100];

/// Types that a list leads to, with the way that has enough rows for the comparison; for all others the shortest way is found.
const WAYS: [(&str, &[&str]); 5] = [
    ("Conversation", &["conversations(first: <n>)", "nodes"]),
    ("User", &["users(first: <n>)", "nodes"]),
    ("Message", &["conversation(id: \"<conversation:General>\")", "messages(last: <n>)", "nodes"]),
    ("ConversationMember", &["conversation(id: \"<conversation:General>\")", "members(first: <n>)", "nodes"]),
    ("Session", &["me", "sessions(first: <n>)", "nodes"]),
];

/// A field of the schema.
struct Field {
    name: String,
    of: String,
    is_leaf: bool,
    is_paged: bool,
    takes_nothing: bool,
}

struct Schema(BTreeMap<String, Vec<Field>>);

impl Schema {
    async fn read(world: &World) -> Self {
        let types = introspect(world).await;
        let leaves: BTreeSet<_> = types
            .iter()
            .filter(|kind| ["SCALAR", "ENUM"].contains(&kind["kind"].as_str().unwrap_or_default()))
            .map(|kind| kind["name"].as_str().unwrap_or_default().to_owned())
            .collect();
        let field = |field: &Value| {
            let (of, arguments) = (inner(&field["type"]), field["args"].as_array().cloned().unwrap_or_default());
            Field {
                name: field["name"].as_str().unwrap_or_default().to_owned(),
                is_leaf: leaves.contains(&of),
                of,
                is_paged: arguments.iter().any(|argument| argument["name"] == "first"),
                takes_nothing: arguments.iter().all(|argument| argument["type"]["kind"] != "NON_NULL"),
            }
        };
        let fields = |kind: &Value| kind["fields"].as_array().into_iter().flatten().map(field).collect();
        let named = types.iter().filter(|kind| kind["fields"].is_array());
        Self(named.map(|kind| (kind["name"].as_str().unwrap_or_default().to_owned(), fields(kind))).collect())
    }

    fn fields(&self, of: &str) -> &[Field] {
        self.0.get(of).map_or(&[], Vec::as_slice)
    }

    fn leaves(&self, of: &str) -> String {
        let leaves = self.fields(of).iter().filter(|field| field.is_leaf && field.takes_nothing);
        let names: Vec<_> = leaves.map(|field| field.name.as_str()).collect();
        format!("__typename {}", names.join(" "))
    }

    fn leaf(&self, of: &str) -> &str {
        let leaf = self.fields(of).iter().find(|field| field.is_leaf && field.takes_nothing);
        leaf.map_or("__typename", |field| field.name.as_str())
    }

    /// The shortest way from the root to every type that stands in a page, or below one.
    fn ways(&self) -> BTreeMap<String, Vec<String>> {
        let given =
            WAYS.iter().map(|(of, way)| ((*of).to_owned(), way.iter().map(|step| (*step).to_owned()).collect()));
        let mut ways: BTreeMap<String, Vec<String>> = given.collect();
        let mut seen = BTreeSet::new();
        let mut waiting = VecDeque::from([("Query".to_owned(), Vec::new())]);
        waiting.extend(ways.iter().map(|(of, way)| (of.clone(), way.clone())));
        while let Some((of, way)) = waiting.pop_front() {
            let is_below_a_page = way.iter().any(|step| step.contains("<n>"));
            if !seen.insert((of.clone(), is_below_a_page)) {
                continue;
            }
            if is_below_a_page && !of.ends_with("Connection") && !of.ends_with("Edge") {
                ways.entry(of.clone()).or_insert_with(|| way.clone());
            }
            for field in self.fields(&of).iter().filter(|field| !field.is_leaf && field.takes_nothing) {
                // One of the two ways to the rows is enough here; the tests of prefetching compare both.
                if field.name != "edges" && field.of != "PageInfo" {
                    waiting.push_back((field.of.clone(), [way.clone(), vec![step(field)]].concat()));
                }
            }
        }
        ways
    }

    /// Documents with `<n>` for the size of every page, by what they try.
    fn documents(&self) -> Vec<(String, String)> {
        let mut documents = Vec::new();
        for (of, way) in self.ways() {
            let mut add = |what: String, selection: String| {
                let inside = way.iter().rev().fold(selection, |inside, step| format!("{step} {{ {inside} }}"));
                documents.push((what, format!("{{ {inside} }}")));
            };
            add(format!("{of}.*"), self.leaves(&of));
            for field in self.fields(&of).iter().filter(|field| !field.is_leaf && field.takes_nothing) {
                // One leaf will do: all of them are tried where the type has its own list.
                let below = match field.of.strip_suffix("Connection") {
                    Some(row) => format!("totalCount nodes {{ {} }}", self.leaf(row)),
                    None => self.leaf(&field.of).to_owned(),
                };
                // Three rows of each will do: lists as long as the page within lists as long are large, and their own rows are tried above.
                let asked = step(field).replace("<n>", "3");
                add(format!("{of}.{}", field.name), format!("__typename {asked} {{ {below} }}"));
            }
        }
        documents
    }
}

fn step(field: &Field) -> String {
    if field.is_paged { format!("{}(first: <n>)", field.name) } else { field.name.clone() }
}

fn inner(kind: &Value) -> String {
    match kind["ofType"].is_object() {
        true => inner(&kind["ofType"]),
        false => kind["name"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Statements for each size; the least of a few tries where they differ, because a look at the event log may fall into one.
async fn counted(quiet: &Instance, caller: &Caller, document: &str) -> [u64; 3] {
    let sized = SIZES.map(|size| document.replace("<n>", &size.to_string()));
    caller.ask(&sized[2], Value::Null).await;
    let mut least = [u64::MAX; 3];
    for _ in 0..4 {
        for (document, least) in sized.iter().zip(&mut least) {
            let (statements, answer) = quiet.statements(caller.ask(document, Value::Null)).await;
            let code = answer.code();
            assert!(
                !matches!(
                    code,
                    Some("GRAPHQL_VALIDATION_FAILED" | "VALIDATION_FAILED" | "QUERY_TOO_COMPLEX" | "INTERNAL")
                ),
                "{answer}"
            );
            *least = statements.min(*least);
        }
        if least[0] == least[1] && least[1] == least[2] {
            break;
        }
    }
    least
}

both! {
    async fn no_field_runs_a_statement_per_row(world) {
        let ids = examples::fill(world).await;
        crowd::gather(world, &ids).await;
        let schema = Schema::read(world).await;
        world.settle().await;
        let quiet = world.instance(|config| {
            config.database.poll_interval = std::time::Duration::from_secs(3600);
            config.limits.complexity = usize::MAX;
        }).await;
        let token = world.anonymous().at(&quiet).try_sign_in("alice", PASSWORD).await.text("signIn.accessToken");
        let alice = world.anonymous().at(&quiet).with_token(Some(&token));
        let documents = schema.documents();
        assert!(documents.len() > 30, "only {} documents were made", documents.len());
        let mut slopes = Vec::new();
        for (what, document) in documents {
            let document = ids.iter().fold(document, |text, (name, id)| text.replace(&format!("<{name}>"), id));
            let counts = counted(&quiet, &alice, &document).await;
            // Not to the last statement: a page of one may lack what a row of a larger one leads to, and a loader that was filled
            // slowly goes twice. What runs for every row, or every tenth, is out.
            if counts[1].abs_diff(counts[0]) > 3 || counts[2].abs_diff(counts[1]) >= 9 {
                slopes.push(format!("{what}: {counts:?}\n    {document}"));
            }
        }
        assert!(slopes.is_empty(), "statements for {SIZES:?} rows differ in\n{}", slopes.join("\n"));
    }
}

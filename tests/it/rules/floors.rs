//! Who may import whom: the floors of the house, the order of the rooms, and who may name a library.
//!
//! Reads every file of `src`, takes every path that begins with `crate::`, `super::` or `self::` (in `use` and inline), and ranks
//! both ends. To place a new file, see the README's floor plan; there is no list of exceptions to add to, save the one below.

use std::path::{Path, PathBuf};

use crate::house::project;

/// From the ground up: the first name of a module path, its floor, and what it may know.
const FLOORS: [(&str, u8, &str); 12] = [
    ("base", 1, "base imports nothing of ours"),
    ("config", 1, "config imports base only"),
    ("platform", 2, "platform imports base and config only"),
    ("access", 3, "access imports platform and what is below it"),
    ("graphql", 4, "the GraphQL kit knows no room"),
    ("domains", 5, "a room knows nothing of schema, worker or http"),
    ("schema", 6, "the roof knows nothing of app and main"),
    ("worker", 6, "the worker knows nothing of app and main"),
    ("http", 6, "the transports know nothing of app and main"),
    ("demo", 6, "demo data comes through the rooms' actions"),
    ("app", 7, "app knows nothing of main"),
    ("main", 8, ""),
];

/// Page arithmetic, which names no async-graphql type: a store reads a [`Window`](polyphony::graphql::page::Window) of rows.
const PAGE_ARITHMETIC: &str = "graphql::page::Window";

#[test]
fn imports_point_downwards() {
    let rooms = rooms();
    let mut offenders = Vec::new();
    for file in sources() {
        for path in paths(&file) {
            if let Some(rule) = broken_rule(&file, &path, &rooms) {
                offenders.push(format!("{} names {}: {rule}", file.name, path.join("::")));
            }
        }
    }
    assert!(offenders.is_empty(), "{} imports break the floor plan:\n{}", offenders.len(), offenders.join("\n"));
}

#[test]
fn libraries_are_named_only_where_they_belong() {
    let mut offenders = Vec::new();
    for file in sources() {
        let first = file.module.first().map_or("main", String::as_str);
        let knows_graphql =
            matches!(first, "graphql" | "schema" | "http") || file.is_graphql_of_a_room() || file.stem() == "loaders";
        let knows_axum = matches!(first, "http" | "app");
        for (library, allowed, rule) in [
            (
                "async_graphql",
                knows_graphql,
                "async_graphql is named only in graphql folders, loaders.rs, schema.rs and http",
            ),
            ("axum", knows_axum, "axum is named only in http and app"),
        ] {
            if !allowed && words(&file.text).any(|word| word == library) {
                offenders.push(format!("{}: {rule}", file.name));
            }
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|file| !std::fs::read_to_string(project().join(&file.name)).unwrap().starts_with("//! "))
        .map(|file| file.name)
        .collect();
    assert!(silent.is_empty(), "no sentence at the top of {silent:#?}");
}

/// The sentence of the rule a path breaks.
fn broken_rule(from: &Source, to: &[String], rooms: &[String]) -> Option<String> {
    let floor_of = |name: &str| FLOORS.iter().find(|(known, ..)| *known == name);
    let here = from.module.first().map_or("main", String::as_str);
    let there = to.first()?.as_str();
    // lib.rs only lists the floors; a name that is no module (a macro, say) has no floor.
    if here == "lib" || (here == there && here != "domains") {
        return None;
    }
    let ((_, from_floor, sentence), (_, to_floor, _)) = (floor_of(here)?, floor_of(there)?);
    if to_floor > from_floor || (here == "base" && there == "config") {
        return Some((*sentence).to_owned());
    }
    if here != "domains" {
        return None;
    }
    let knows_graphql = from.is_graphql_of_a_room() || from.stem() == "loaders";
    if there == "graphql" && !knows_graphql && to.join("::") != PAGE_ARITHMETIC {
        return Some("logic knows nothing of GraphQL: only graphql folders and loaders.rs import the kit".to_owned());
    }
    if there != "domains" {
        return None;
    }
    let (room, other) = (from.module.get(1)?, to.get(1)?);
    if to.get(2).is_some_and(|door| door == "graphql") && !from.is_graphql_of_a_room() && from.stem() != "mod" {
        return Some("logic never imports a graphql folder, not even its own".to_owned());
    }
    let place = |name: &String| rooms.iter().position(|known| known == name);
    match (place(room), place(other)) {
        (Some(mine), Some(theirs)) if theirs > mine && !from.is_graphql_of_a_room() => {
            Some(format!("{room} stands above {other} in domains/mod.rs, and a room imports only rooms above it"))
        }
        (None, _) => Some(format!("domains/mod.rs does not list {room}")),
        _ => None,
    }
}

/// The rooms in their written order.
fn rooms() -> Vec<String> {
    let text = std::fs::read_to_string(project().join("src/domains/mod.rs")).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned)).collect()
}

/// A file of `src`.
struct Source {
    /// `src/domains/users/store.rs`
    name: String,
    /// `domains`, `users`, `store`
    module: Vec<String>,
    /// The text without comments and literals.
    text: String,
}

impl Source {
    /// The file's name without its ending.
    fn stem(&self) -> &str {
        Path::new(&self.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }

    fn is_graphql_of_a_room(&self) -> bool {
        self.module.first().is_some_and(|first| first == "domains")
            && self.module.get(2).is_some_and(|part| part == "graphql")
    }

    /// The module `super` means.
    fn parent(&self) -> &[String] {
        &self.module[..self.module.len().saturating_sub(1)]
    }
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&project().join("src"), &mut files);
    files.sort();
    files.iter().map(|file| source(file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false if path.extension().is_some_and(|ending| ending == "rs") => files.push(path),
            false => {}
        }
    }
}

fn source(file: &Path) -> Source {
    let name = file.strip_prefix(project()).unwrap().to_str().unwrap().replace('\\', "/");
    let module = name.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let module = module.split('/').map(str::to_owned).collect();
    Source { name, module, text: code_only(&std::fs::read_to_string(file).unwrap()) }
}

/// The paths of ours a file names, from the root of the crate: `["domains", "users", "Seen"]`.
fn paths(file: &Source) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    // `self` of a `mod.rs` is its folder; `super` of it the folder above, as for any file.
    let starts = [("crate::", Vec::new()), ("super::", file.parent().to_vec()), ("self::", file.module.clone())];
    for (start, base) in starts {
        for (at, _) in file.text.match_indices(start) {
            let before = file.text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let (mut base, mut rest) = (base.clone(), &file.text[at + start.len()..]);
            while let Some(further) = rest.strip_prefix("super::") {
                (base, rest) = (base[..base.len().saturating_sub(1)].to_vec(), further);
            }
            expand(&base, rest, &mut found);
        }
    }
    found
}

/// Reads `a::{b, c::d}` behind a base; gives what is left behind the path.
fn expand<'a>(base: &[String], text: &'a str, found: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = base.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut group) = rest.strip_prefix('{') {
            loop {
                group = group.trim_start_matches([',', ' ', '\n', '\t']);
                if let Some(behind) = group.strip_prefix('}') {
                    return behind;
                }
                let left = expand(&path, group, found);
                if left.len() == group.len() {
                    return left;
                }
                group = left;
            }
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        if name.is_empty() {
            return rest;
        }
        if name != "self" {
            path.push(name.to_owned());
        }
        match behind.strip_prefix("::") {
            Some(further) if further.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '{' || c == '*') => {
                rest = further
            }
            _ => {
                found.push(path);
                // `as name`
                let behind = behind.trim_start();
                return behind
                    .strip_prefix("as ")
                    .map_or(behind, |alias| alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
            }
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// The text without comments, strings and characters, which may hold what looks like a path.
fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            string_length(rest)
        } else if first == '\'' {
            character_length(rest)
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[skip..];
    }
    code
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character literal; of a lifetime only its tick.
fn character_length(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, c))) => {
            text[at + c.len_utf8()..].find('\'').map_or(1, |end| at + c.len_utf8() + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

#[test]
fn the_reader_of_paths_reads() {
    let file = |name: &str, text: &str| Source { text: code_only(text), ..source_named(name) };
    let text = "use crate::{base::{clock::Clock, error::{self, Error as E}}, config}; use super::store; // use crate::no\n\
                fn f<'a>() { crate::platform::x::<'a>(\"crate::never\", '\"', 'c') }";
    let mut found: Vec<_> = paths(&file("src/access/op.rs", text)).iter().map(|path| path.join("::")).collect();
    found.sort();
    assert_eq!(
        found,
        ["access::store", "base::clock::Clock", "base::error", "base::error::Error", "config", "platform::x"],
    );
    let rooms = ["users".to_owned(), "auth".to_owned()];
    let broken = |name: &str, text: &str| {
        let file = file(name, text);
        paths(&file).iter().any(|path| broken_rule(&file, path, &rooms).is_some())
    };
    for (is_broken, name, text) in [
        (true, "src/base/clock.rs", "use crate::config::Config;"),
        (true, "src/platform/mod.rs", "use crate::access::Op;"),
        (false, "src/access/op.rs", "use crate::platform::Tx;"),
        (true, "src/domains/users/store.rs", "use crate::domains::auth::Claims;"),
        (false, "src/domains/auth/store.rs", "use crate::domains::users::Seen;"),
        (false, "src/domains/users/graphql/types.rs", "use crate::domains::auth::graphql::Session;"),
        (true, "src/domains/auth/store.rs", "use crate::domains::users::graphql::User;"),
        (true, "src/domains/users/store.rs", "use super::graphql::User;"),
        (false, "src/domains/users/store.rs", "use crate::graphql::page::Window;"),
        (true, "src/domains/users/store.rs", "use crate::graphql::page::{Window, Connection};"),
        (true, "src/domains/users/actions.rs", "fn f() { crate::http::x() }"),
        (true, "src/worker.rs", "use crate::app::App;"),
    ] {
        assert_eq!(broken(name, text), is_broken, "{name}: {text}");
    }
}

fn source_named(name: &str) -> Source {
    let module = name.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    Source { name: name.to_owned(), module: module.split('/').map(str::to_owned).collect(), text: String::new() }
}

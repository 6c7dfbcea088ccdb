//! The data both sides serve: 10,000 people, 2,000 rooms of 20, 500,000 messages, 300,000 reactions.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{ConversationId, UserId};
use tokio::pin;
use uuid::Uuid;

use crate::process::postgres;

/// People.
const PEOPLE: usize = 10_000;
/// Those who ask: each belongs to about a hundred rooms.
pub(crate) const VIEWERS: usize = 50;
/// Rooms.
const ROOMS: usize = 2_000;
/// Members of a room.
const MEMBERS: usize = 20;
/// Messages of a room.
const MESSAGES: usize = 250;
/// The newest messages of a room that have reactions.
const REACTED: usize = 50;
/// The password of everybody who asks.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What the questions need to know of the data.
pub(crate) struct Data {
    /// Everybody; the first [`VIEWERS`] ask.
    pub(crate) users: Vec<Uuid>,
    /// The rooms of each viewer.
    pub(crate) rooms_of: Vec<Vec<Uuid>>,
    /// The room all viewers belong to, for listening.
    pub(crate) hall: Uuid,
}

/// An id as Polyphony writes it.
pub(crate) fn id_text(kind: &str, id: Uuid) -> String {
    match kind {
        "user" => UserId(id).to_string(),
        _ => ConversationId(id).to_string(),
    }
}

/// Version 7, so that ids sort by number.
fn id(kind: u8, number: usize) -> Uuid {
    let time = 0x0190_0000_0000_u128 + number as u128;
    Uuid::from_u128(time << 80 | 0x7 << 76 | u128::from(kind) << 64 | 0x8 << 60 | number as u128)
}

fn time(number: usize) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(1_750_000_000, 0).expect("a time");
    start + TimeDelta::milliseconds(i64::try_from(number).expect("small") * 37)
}

/// A value of a row.
enum Cell {
    Id(Uuid),
    Text(String),
    Number(i64),
    Time(DateTime<Utc>),
}

/// Rows for one table.
struct Table {
    name: &'static str,
    columns: &'static str,
    rows: Box<dyn Iterator<Item = Vec<Cell>>>,
}

fn members(room: usize) -> Vec<usize> {
    let mut all = vec![room % VIEWERS];
    let mut push = |person: usize| {
        if all.len() < MEMBERS && !all.contains(&person) {
            all.push(person);
        }
    };
    push((room * 7 + 3) % VIEWERS);
    push((room / 3) % VIEWERS);
    for step in 0..2 * MEMBERS {
        push(VIEWERS + (room * 18 + step) % (PEOPLE - VIEWERS));
    }
    all
}

fn hash() -> String {
    use argon2::{Argon2, PasswordHasher};
    let hashed = Argon2::default().hash_password(PASSWORD.as_bytes()).expect("a hash");
    hashed.to_string()
}

fn tables() -> Vec<Table> {
    use Cell::{Id, Number, Text, Time};
    let name = |n: usize| if n < VIEWERS { format!("viewer{n}") } else { format!("person{n}") };
    let hall = ROOMS;
    let people = (0..PEOPLE).map(move |n| {
        vec![
            Id(id(1, n)),
            Text(name(n)),
            Text(name(n)),
            Text(format!("Person number {n}")),
            Text(format!("Plays in {} rooms and listens in more; likes long takes and short songs.", n % 40)),
            Text("{}".into()),
            Text("{}".into()),
            Time(time(n)),
            Time(time(n)),
        ]
    });
    let hash = hash();
    let credentials = (0..VIEWERS).map(move |n| vec![Id(id(1, n)), Text(hash.clone()), Time(time(n)), Time(time(n))]);
    let rooms = (0..=ROOMS).map(move |n| {
        let last = if n == hall { 0 } else { MESSAGES };
        let size = if n == hall { VIEWERS } else { MEMBERS };
        vec![
            Id(id(2, n)),
            Text("ROOM".into()),
            Text(format!("Room {n}")),
            Text(format!("Where the takes of session {n} are talked over.")),
            Text("PRIVATE".into()),
            Number(50),
            Id(id(1, if n == hall { 0 } else { n % VIEWERS })),
            Number(i64::try_from(last).expect("small")),
            Number(i64::try_from(size).expect("small")),
            Time(time(PEOPLE + n)),
            Time(time(n)),
            Time(time(n)),
        ]
    });
    let members = (0..=ROOMS).flat_map(move |n| {
        let all = if n == hall { (0..VIEWERS).collect() } else { members(n) };
        all.into_iter().enumerate().map(move |(place, person)| {
            let role = if place == 0 { "OWNER" } else { "MEMBER" };
            vec![Id(id(2, n)), Id(id(1, person)), Text(role.into()), Time(time(n + place)), Time(time(n + place))]
        })
    });
    let messages = (0..ROOMS).flat_map(|room| {
        let people = self::members(room);
        (0..MESSAGES).map(move |place| {
            let number = room * MESSAGES + place;
            vec![
                Id(id(3, number)),
                Id(id(2, room)),
                Number(i64::try_from(place + 1).expect("small")),
                Id(id(1, people[(number * 13) % people.len()])),
                Text("USER".into()),
                Text("TEXT".into()),
                Text(format!(
                    "Message {place}: the second take is better, but the third has the {number} clap in time."
                )),
                Text("[]".into()),
                Text("{}".into()),
                Time(time(PEOPLE + number)),
                Time(time(PEOPLE + number)),
            ]
        })
    });
    let reactions = (0..ROOMS).flat_map(|room| {
        let people = self::members(room);
        (MESSAGES - REACTED..MESSAGES).flat_map(move |place| {
            let (number, people) = (room * MESSAGES + place, people.clone());
            (0..3).map(move |turn| {
                let emoji = if turn == 2 { "🔥" } else { "👍" };
                let person = people[(number + turn) % people.len()];
                vec![Id(id(3, number)), Id(id(1, person)), Text(emoji.into()), Time(time(PEOPLE + number + turn))]
            })
        })
    });
    vec![
        Table {
            name: "users",
            columns: "id,username,username_key,display_name,bio,preferences,social_links,created_at,updated_at",
            rows: Box::new(people),
        },
        Table {
            name: "password_credentials",
            columns: "user_id,password_hash,created_at,updated_at",
            rows: Box::new(credentials),
        },
        Table {
            name: "conversations",
            columns: "id,kind,name,description,visibility,max_members,creator_id,last_seq,member_count,last_activity_at,\
                      created_at,updated_at",
            rows: Box::new(rooms),
        },
        Table {
            name: "conversation_members",
            columns: "conversation_id,user_id,role,joined_at,updated_at",
            rows: Box::new(members),
        },
        Table {
            name: "messages",
            columns: "id,conversation_id,seq,sender_id,role,message_type,content,mentions,metadata,created_at,updated_at",
            rows: Box::new(messages),
        },
        Table { name: "message_reactions", columns: "message_id,user_id,emoji,created_at", rows: Box::new(reactions) },
    ]
}

/// Fills a migrated database.
pub(crate) async fn fill(url: &str) -> Data {
    match url.strip_prefix("sqlite://") {
        Some(path) => fill_sqlite(path),
        None => fill_postgres(url).await,
    }
    let rooms_of =
        |viewer: usize| (0..ROOMS).filter(move |room| members(*room).contains(&viewer)).map(|room| id(2, room));
    Data {
        users: (0..PEOPLE).map(|n| id(1, n)).collect(),
        rooms_of: (0..VIEWERS).map(|viewer| rooms_of(viewer).collect()).collect(),
        hall: id(2, ROOMS),
    }
}

fn fill_sqlite(path: &str) {
    use rusqlite::types::Value;
    let mut connection = rusqlite::Connection::open(path).expect("the database");
    connection.execute_batch("PRAGMA synchronous = OFF").expect("a pragma");
    let transaction = connection.transaction().expect("a transaction");
    for table in tables() {
        let places = vec!["?"; table.columns.split(',').count()].join(",");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, table.columns);
        let mut insert = transaction.prepare(&sql).expect("an insert");
        for row in table.rows {
            let values = row.into_iter().map(|cell| match cell {
                Cell::Id(id) => Value::Blob(id.as_bytes().to_vec()),
                Cell::Text(text) => Value::Text(text),
                Cell::Number(number) => Value::Integer(number),
                // As the server's driver writes it.
                Cell::Time(time) => Value::Text(time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)),
            });
            insert.execute(rusqlite::params_from_iter(values)).expect(table.name);
        }
    }
    transaction.commit().expect("a commit");
    connection.execute_batch("ANALYZE").expect("statistics");
}

async fn fill_postgres(url: &str) {
    use futures_util::SinkExt;
    let client = postgres(url).await;
    for table in tables() {
        let copy = format!("COPY {} ({}) FROM STDIN", table.name, table.columns);
        let sink = client.copy_in(&copy).await.expect("COPY");
        pin!(sink);
        let mut text = String::new();
        let mut rows = table.rows.peekable();
        while let Some(row) = rows.next() {
            for (place, cell) in row.into_iter().enumerate() {
                let tab = if place == 0 { "" } else { "\t" };
                let _ = match cell {
                    Cell::Id(id) => write!(text, "{tab}{id}"),
                    Cell::Text(value) => write!(text, "{tab}{value}"),
                    Cell::Number(number) => write!(text, "{tab}{number}"),
                    Cell::Time(time) => write!(text, "{tab}{}", time.to_rfc3339()),
                };
            }
            text.push('\n');
            if text.len() > 1 << 16 || rows.peek().is_none() {
                sink.send(bytes::Bytes::from(std::mem::take(&mut text))).await.expect(table.name);
            }
        }
        sink.finish().await.expect(table.name);
    }
    client.batch_execute("VACUUM ANALYZE").await.expect("statistics");
}

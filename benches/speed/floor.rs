//! The floor: handlers written by hand, one SQL statement each, whose JSON the database builds. They look at the token's end, keep the
//! tokens they know, and write a line in the log for each request. The raw broadcast is here too.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Instant, SystemTime},
};

use axum::{
    Router,
    body::Body,
    extract::{State, WebSocketUpgrade, ws::Message},
    http::{HeaderMap, Request, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::{any, post},
};
use serde::Deserialize;
use tokio::{net::TcpListener, sync::broadcast};
use uuid::Uuid;

/// Connections to the database, as Polyphony has.
const POOL: usize = 16;

#[derive(Clone)]
struct Floor {
    database: Database,
    tokens: Arc<Mutex<HashMap<String, Known>>>,
    frames: broadcast::Sender<axum::extract::ws::Utf8Bytes>,
}

#[derive(Clone)]
enum Database {
    Postgres(deadpool_postgres::Pool),
    Sqlite(Arc<Mutex<Vec<rusqlite::Connection>>>, Arc<Mutex<rusqlite::Connection>>),
}

struct Known {
    viewer: Uuid,
    exp: u64,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

#[derive(Deserialize)]
struct Ask {
    id: Uuid,
    #[serde(default)]
    text: String,
}

/// The floor's process.
pub(crate) async fn serve(url: &str) {
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    let database = match url.strip_prefix("sqlite://") {
        Some(path) => {
            let open = || {
                let connection = rusqlite::Connection::open(path).expect("the database");
                connection
                    .execute_batch(
                        "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; \
                         PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON",
                    )
                    .expect("pragmas");
                connection
            };
            Database::Sqlite(Arc::new(Mutex::new((0..4).map(|_| open()).collect())), Arc::new(Mutex::new(open())))
        }
        None => {
            let config: tokio_postgres::Config = url.parse().expect("an address");
            let manager = deadpool_postgres::Manager::new(config, tokio_postgres::NoTls);
            Database::Postgres(deadpool_postgres::Pool::builder(manager).max_size(POOL).build().expect("a pool"))
        }
    };
    let floor = Floor { database, tokens: Arc::default(), frames: broadcast::channel(1024).0 };
    let answer = |sql: &'static Sql| post(move |floor, headers, body| handle(floor, headers, body, sql));
    let app = Router::new()
        .route("/q1", answer(&Q1))
        .route("/q2", answer(&Q2))
        .route("/q3", answer(&Q3))
        .route("/q4", answer(&Q4))
        .route("/m1", answer(&M1))
        .route("/listen", any(listen))
        .route("/publish", post(publish))
        .layer(middleware::from_fn(log))
        .with_state(floor);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    println!("The floor is listening on http://{}", listener.local_addr().expect("an address"));
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| stream.set_nodelay(true).expect("nodelay"));
    axum::serve(listener, app).await.expect("to serve");
}

async fn log(request: Request<Body>, next: Next) -> Response {
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let (status, ms) = (response.status().as_u16(), begun.elapsed().as_secs_f64() * 1e3);
    tracing::info!(%method, path, status, ms, request_id = %new_id(), "request");
    response
}

/// One that sorts by time.
fn new_id() -> Uuid {
    Uuid::from_u128(u128::from(crate::listen::now() / 1000) << 80 | rand::random::<u128>() >> 48)
}

/// Whose token it is. The signature is checked when a token is first seen.
fn identify(floor: &Floor, headers: &HeaderMap) -> Option<Uuid> {
    let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let mut known = floor.tokens.lock().expect("the tokens");
    if let Some(claims) = known.get(token) {
        return (claims.exp > now).then_some(claims.viewer);
    }
    // A signature is checked once for each of a few tokens: left out, for the key is Polyphony's own.
    let claims = jsonwebtoken::dangerous::insecure_decode::<Claims>(token).ok()?.claims;
    let viewer = entity::ids::parse(&claims.sub)?.1;
    known.insert(token.to_owned(), Known { viewer, exp: claims.exp });
    Some(viewer)
}

async fn handle(
    State(floor): State<Floor>,
    headers: HeaderMap,
    body: axum::body::Bytes,
    sql: &'static Sql,
) -> Response {
    let Some(viewer) = identify(&floor, &headers) else { return plain(StatusCode::UNAUTHORIZED) };
    let Ok(ask) = serde_json::from_slice::<Ask>(&body) else { return plain(StatusCode::BAD_REQUEST) };
    let found = match &floor.database {
        Database::Postgres(pool) => from_postgres(pool, sql, viewer, &ask).await,
        Database::Sqlite(readers, writer) => from_sqlite(readers, writer, sql, viewer, &ask),
    };
    let mut response = Response::new(Body::from(found));
    let json = header::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

async fn from_postgres(pool: &deadpool_postgres::Pool, sql: &Sql, viewer: Uuid, ask: &Ask) -> String {
    use tokio_postgres::types::ToSql;
    let client = pool.get().await.expect("a connection");
    let statement = client.prepare_cached(sql.postgres).await.expect("a statement");
    let id = new_id();
    let values: [&(dyn ToSql + Sync); 4] = [&ask.id, &viewer, &ask.text, &id];
    let values = sql.takes.iter().map(|place| values[*place]).collect::<Vec<_>>();
    client.query_one(&statement, &values).await.expect("a row").get(0)
}

fn from_sqlite(
    readers: &Mutex<Vec<rusqlite::Connection>>,
    writer: &Mutex<rusqlite::Connection>,
    sql: &Sql,
    viewer: Uuid,
    ask: &Ask,
) -> String {
    let id = new_id();
    let read = |connection: &rusqlite::Connection, text: &str, takes: &[usize]| -> String {
        let mut statement = connection.prepare_cached(text).expect("a statement");
        let values: [&dyn rusqlite::ToSql; 4] = [&ask.id.as_bytes(), &viewer.as_bytes(), &ask.text, &id.as_bytes()];
        let values = takes.iter().map(|place| values[*place]).collect::<Vec<_>>();
        statement.query_row(values.as_slice(), |row| row.get(0)).expect("a row")
    };
    let [number, insert] = sql.sqlite_writes else {
        let connection = readers.lock().expect("the readers").pop().expect("a reader");
        let found = read(&connection, sql.sqlite, sql.takes);
        readers.lock().expect("the readers").push(connection);
        return found;
    };
    let mut connection = writer.lock().expect("the writer");
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("to begin");
    let seq = read(&transaction, number, &[0]);
    let seq: i64 = seq.parse().expect("a number");
    let now = chrono::Utc::now().to_rfc3339();
    let (room, sender, key) = (ask.id.as_bytes(), viewer.as_bytes(), id.as_bytes());
    transaction
        .prepare_cached(insert)
        .and_then(|mut statement| statement.execute(rusqlite::params![key, room, seq, sender, ask.text, now]))
        .expect("to insert");
    let found = read(&transaction, sql.sqlite, &[3]);
    transaction.commit().expect("to commit");
    found
}

/// One question's statements; `takes` says which of (id, viewer, text, new id) it is given.
struct Sql {
    postgres: &'static str,
    sqlite: &'static str,
    sqlite_writes: &'static [&'static str],
    takes: &'static [usize],
}

static Q1: Sql = Sql {
    postgres: "SELECT json_build_object('data', json_build_object('user', json_build_object('id', id, 'username', username, \
               'displayName', display_name, 'bio', bio, 'createdAt', created_at)))::text FROM users \
               WHERE id = $1 AND deleted_at IS NULL AND suspended_at IS NULL",
    sqlite: "SELECT json_object('data', json_object('user', json_object('id', hex(id), 'username', username, \
             'displayName', display_name, 'bio', bio, 'createdAt', created_at))) FROM users \
             WHERE id = ?1 AND deleted_at IS NULL AND suspended_at IS NULL",
    sqlite_writes: &[],
    takes: &[0],
};

static Q2: Sql = Sql {
    postgres: "SELECT json_build_object('data', json_build_object('conversations', json_build_object('nodes', \
               coalesce(json_agg(json_build_object('id', c.id, 'name', c.name, 'description', c.description, \
               'memberCount', c.member_count, 'lastActivityAt', c.last_activity_at, 'owner', json_build_object('id', u.id, \
               'username', u.username, 'displayName', u.display_name)) \
               ORDER BY c.last_activity_at DESC, c.id DESC), '[]'::json))))::text FROM (\
               SELECT c.* FROM conversations c JOIN conversation_members m ON m.conversation_id = c.id \
               WHERE m.user_id = $1 AND c.deleted_at IS NULL ORDER BY c.last_activity_at DESC, c.id DESC LIMIT 50) c \
               LEFT JOIN LATERAL (SELECT o.user_id FROM conversation_members o WHERE o.conversation_id = c.id \
               AND o.role = 'OWNER' ORDER BY o.joined_at, o.user_id LIMIT 1) o ON true LEFT JOIN users u ON u.id = o.user_id",
    sqlite: "SELECT json_object('data', json_object('conversations', json_object('nodes', json_group_array(json_object(\
             'id', hex(c.id), 'name', c.name, 'description', c.description, 'memberCount', c.member_count, \
             'lastActivityAt', c.last_activity_at, 'owner', json((SELECT json_object('id', hex(u.id), 'username', u.username, \
             'displayName', u.display_name) FROM conversation_members o JOIN users u ON u.id = o.user_id \
             WHERE o.conversation_id = c.id AND o.role = 'OWNER' ORDER BY o.joined_at, o.user_id LIMIT 1))))))) FROM (\
             SELECT c.* FROM conversations c JOIN conversation_members m ON m.conversation_id = c.id \
             WHERE m.user_id = ?1 AND c.deleted_at IS NULL ORDER BY c.last_activity_at DESC, c.id DESC LIMIT 50) c",
    sqlite_writes: &[],
    takes: &[1],
};

static Q3: Sql = Sql {
    postgres: "SELECT json_build_object('data', json_build_object('conversations', json_build_object('nodes', \
               coalesce(json_agg(json_build_object('id', c.id, 'name', c.name, 'messages', json_build_object('nodes', m.nodes)) \
               ORDER BY c.last_activity_at DESC, c.id DESC), '[]'::json))))::text FROM (\
               SELECT c.* FROM conversations c JOIN conversation_members m ON m.conversation_id = c.id \
               WHERE m.user_id = $1 AND c.deleted_at IS NULL ORDER BY c.last_activity_at DESC, c.id DESC LIMIT 20) c \
               CROSS JOIN LATERAL (SELECT coalesce(json_agg(json_build_object('id', m.id, 'seq', m.seq, 'content', m.content, \
               'createdAt', m.created_at, 'sender', json_build_object('id', u.id, 'username', u.username, \
               'displayName', u.display_name)) ORDER BY m.seq), '[]'::json) AS nodes FROM (\
               SELECT x.* FROM messages x WHERE x.conversation_id = c.id AND x.reply_to_id IS NULL \
               ORDER BY x.seq DESC LIMIT 10) m LEFT JOIN users u ON u.id = m.sender_id) m",
    sqlite: "SELECT json_object('data', json_object('conversations', json_object('nodes', json_group_array(json_object(\
             'id', hex(c.id), 'name', c.name, 'messages', json_object('nodes', json((SELECT json_group_array(json_object(\
             'id', hex(m.id), 'seq', m.seq, 'content', m.content, 'createdAt', m.created_at, 'sender', json_object(\
             'id', hex(u.id), 'username', u.username, 'displayName', u.display_name))) FROM (SELECT * FROM (\
             SELECT x.* FROM messages x WHERE x.conversation_id = c.id AND x.reply_to_id IS NULL ORDER BY x.seq DESC LIMIT 10) \
             ORDER BY seq) m LEFT JOIN users u ON u.id = m.sender_id)))))))) FROM (\
             SELECT c.* FROM conversations c JOIN conversation_members m ON m.conversation_id = c.id \
             WHERE m.user_id = ?1 AND c.deleted_at IS NULL ORDER BY c.last_activity_at DESC, c.id DESC LIMIT 20) c",
    sqlite_writes: &[],
    takes: &[1],
};

static Q4: Sql = Sql {
    postgres: "SELECT json_build_object('data', json_build_object('conversation', json_build_object('messages', \
               json_build_object('nodes', coalesce(json_agg(json_build_object('id', m.id, 'seq', m.seq, 'content', m.content, \
               'createdAt', m.created_at, 'sender', json_build_object('id', u.id, 'username', u.username, \
               'displayName', u.display_name), 'reactions', r.groups) ORDER BY m.seq), '[]'::json)))))::text FROM (\
               SELECT x.* FROM messages x WHERE x.conversation_id = $1 AND x.reply_to_id IS NULL AND EXISTS (\
               SELECT 1 FROM conversation_members o WHERE o.conversation_id = $1 AND o.user_id = $2) \
               ORDER BY x.seq DESC LIMIT 50) m LEFT JOIN users u ON u.id = m.sender_id CROSS JOIN LATERAL (\
               SELECT coalesce(json_agg(json_build_object('emoji', g.emoji, 'count', g.count) ORDER BY g.first), '[]'::json) \
               AS groups FROM (SELECT emoji, count(*) AS count, min(created_at) AS first FROM message_reactions r \
               WHERE r.message_id = m.id GROUP BY emoji) g) r",
    sqlite: "SELECT json_object('data', json_object('conversation', json_object('messages', json_object('nodes', \
             json_group_array(json_object('id', hex(m.id), 'seq', m.seq, 'content', m.content, 'createdAt', m.created_at, \
             'sender', json_object('id', hex(u.id), 'username', u.username, 'displayName', u.display_name), 'reactions', \
             json((SELECT json_group_array(json_object('emoji', g.emoji, 'count', g.count)) FROM (SELECT emoji, \
             count(*) AS count FROM message_reactions r WHERE r.message_id = m.id GROUP BY emoji ORDER BY min(created_at)) g)\
             ))))))) FROM (SELECT * FROM (SELECT x.* FROM messages x WHERE x.conversation_id = ?1 AND x.reply_to_id IS NULL \
             AND EXISTS (SELECT 1 FROM conversation_members o WHERE o.conversation_id = ?1 AND o.user_id = ?2) \
             ORDER BY x.seq DESC LIMIT 50) ORDER BY seq) m LEFT JOIN users u ON u.id = m.sender_id",
    sqlite_writes: &[],
    takes: &[0, 1],
};

static M1: Sql = Sql {
    postgres: "WITH room AS (UPDATE conversations SET last_seq = last_seq + 1, last_activity_at = now() WHERE id = $1 \
               AND EXISTS (SELECT 1 FROM conversation_members o WHERE o.conversation_id = $1 AND o.user_id = $2) \
               RETURNING id, last_seq), m AS (INSERT INTO messages (id, conversation_id, seq, sender_id, role, message_type, \
               content, mentions, metadata, created_at, updated_at) SELECT $4, id, last_seq, $2, 'USER', 'TEXT', $3, '[]', '{}', \
               now(), now() FROM room RETURNING *) SELECT json_build_object('data', json_build_object('sendMessage', \
               json_build_object('message', json_build_object('id', m.id, 'content', m.content, 'createdAt', m.created_at, \
               'sender', json_build_object('id', u.id, 'username', u.username, 'displayName', u.display_name)))))::text \
               FROM m JOIN users u ON u.id = m.sender_id",
    sqlite: "SELECT json_object('data', json_object('sendMessage', json_object('message', json_object('id', hex(m.id), \
             'content', m.content, 'createdAt', m.created_at, 'sender', json_object('id', hex(u.id), 'username', u.username, \
             'displayName', u.display_name))))) FROM messages m JOIN users u ON u.id = m.sender_id WHERE m.id = ?1",
    sqlite_writes: &[
        "UPDATE conversations SET last_seq = last_seq + 1 WHERE id = ?1 RETURNING CAST(last_seq AS TEXT)",
        "INSERT INTO messages (id, conversation_id, seq, sender_id, role, message_type, content, mentions, metadata, created_at, \
         updated_at) VALUES (?1, ?2, ?3, ?4, 'USER', 'TEXT', ?5, '[]', '{}', ?6, ?6)",
    ],
    takes: &[0, 1, 2, 3],
};

async fn listen(State(floor): State<Floor>, upgrade: WebSocketUpgrade) -> Response {
    let mut frames = floor.frames.subscribe();
    upgrade.read_buffer_size(4096).write_buffer_size(4096).on_upgrade(async move |mut socket| {
        while let Ok(frame) = frames.recv().await {
            if socket.send(Message::Text(frame)).await.is_err() {
                return;
            }
        }
    })
}

async fn publish(State(floor): State<Floor>, body: String) {
    let _ = floor.frames.send(body.into());
}

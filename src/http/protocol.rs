//! The messages of graphql-transport-ws (graphql-ws, PROTOCOL.md) and its close codes. No I/O.

use async_graphql::Response as Answer;
use serde_json::{Map, Value as Json, json};

use super::{answer, form};
use crate::{
    base::error::{Code, Error},
    config::limits::Rate,
    schema::Asked,
};

/// The name of the sub-protocol.
pub(super) const NAME: &str = "graphql-transport-ws";
/// Bytes of an operation's id: stock clients send a UUID.
const ID_BYTES: usize = 256;
/// Bytes of a ping whose payload is sent back: pongs wait for a reader who need not read.
const PING_BYTES: usize = 1024;
/// Bytes of the reason of a close frame (RFC 6455, section 5.5).
const REASON_BYTES: usize = 123;

/// What a client says.
pub(super) enum Incoming {
    /// `connection_init`, with its payload.
    Init(Map<String, Json>),
    /// `ping`, with its payload, to be sent back unless it is large.
    Ping(Option<Json>),
    /// `pong`.
    Pong,
    /// `subscribe`.
    Subscribe {
        /// The id the client chose.
        id: String,
        /// What to run.
        asked: Box<Asked>,
    },
    /// `complete`: the client wants no more of it.
    Complete(String),
}

/// Why and how a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    /// The code.
    pub(super) code: u16,
    /// The reason.
    pub(super) reason: String,
}

impl Close {
    /// A close frame; a long reason is cut.
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES));
        Self { code, reason }
    }

    /// 4400: not a message of this protocol.
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::new(4400, reason)
    }

    /// 4401: work before `connection_ack`.
    pub(super) fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    /// 4403: who asks may not, or no longer. The reason begins with our code.
    pub(super) fn forbidden(error: &Error) -> Self {
        Self::new(4403, format!("{}: {}", error.code().as_str(), error.message()))
    }

    /// 1013: who asks cannot be found out just now. Stock clients come back by themselves after it.
    pub(super) fn try_again(error: &Error) -> Self {
        Self::new(1013, format!("{}: {}", error.code().as_str(), error.message()))
    }

    /// 1011: something broke on our side.
    pub(super) fn broken(error: &Error) -> Self {
        Self::new(1011, format!("{}: {}", error.code().as_str(), error.message()))
    }

    /// What an error of the whole socket means for it.
    pub(super) fn because(error: &Error) -> Self {
        match error.code() {
            Code::ServiceUnavailable => Self::try_again(error),
            Code::Internal => Self::broken(error),
            _ => Self::forbidden(error),
        }
    }

    /// 4406: another sub-protocol, or none.
    pub(super) fn not_acceptable() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    /// 4408: `connection_init` did not come.
    pub(super) fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    /// 4409: the id is taken.
    pub(super) fn taken(id: &str) -> Self {
        Self::new(4409, format!("Subscriber for {id} already exists"))
    }

    /// 4429: a second `connection_init`.
    pub(super) fn too_many_inits() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }

    /// 4429 as well: too many sockets. Stock clients do not try again by themselves after it, which is what is needed here.
    pub(super) fn too_many_sockets(limit: usize) -> Self {
        Self::new(4429, format!("{}: more than {limit} sockets at once", Code::RateLimitExceeded.as_str()))
    }

    /// 4429 again: a flood of messages.
    pub(super) fn too_many_messages(rate: Rate) -> Self {
        let (code, seconds) = (Code::RateLimitExceeded.as_str(), rate.per.as_secs());
        Self::new(4429, format!("{code}: more than {} messages in {seconds} s", rate.count))
    }

    /// 1001: the server stops. The hint spreads those who come back.
    pub(super) fn going_away(retry_after_ms: u64) -> Self {
        Self::new(1001, format!("The server restarts; retry after {retry_after_ms} ms"))
    }

    /// 1001: it has been open for as long as one may be. Stock clients come back by themselves after it.
    pub(super) fn too_old(retry_after_ms: u64) -> Self {
        Self::new(1001, format!("Open for long enough; retry after {retry_after_ms} ms"))
    }

    /// 1001: nobody answers.
    pub(super) fn silent() -> Self {
        Self::new(1001, "Nothing was heard for too long")
    }
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it, for the reason of a 4400.
pub(super) fn parse(text: &str, nesting: usize) -> Result<Incoming, String> {
    let message = form::json(text, nesting).map_err(|fault| fault.named("The message").message().to_owned())?;
    let Json::Object(mut fields) = message else { return Err("The message is not a JSON object".to_owned()) };
    let kind = match fields.remove("type") {
        Some(Json::String(kind)) => kind,
        _ => return Err("The message has no `type`".to_owned()),
    };
    let payload = fields.remove("payload");
    match kind.as_str() {
        "connection_init" => match payload {
            None | Some(Json::Null) => Ok(Incoming::Init(Map::new())),
            Some(Json::Object(payload)) => Ok(Incoming::Init(payload)),
            Some(_) => Err("connection_init: payload takes an object".to_owned()),
        },
        "ping" | "pong" if !matches!(payload, None | Some(Json::Null | Json::Object(_))) => {
            Err(format!("{kind}: payload takes an object"))
        }
        "ping" => Ok(Incoming::Ping(payload.filter(|_| text.len() <= PING_BYTES))),
        "pong" => Ok(Incoming::Pong),
        "subscribe" => {
            let id = id(&mut fields, "subscribe")?;
            let Some(Json::Object(payload)) = payload else {
                return Err("subscribe: payload takes an object".to_owned());
            };
            let asked = form::from_object(payload).map_err(|error| format!("subscribe: {}", error.message()))?;
            Ok(Incoming::Subscribe { id, asked: Box::new(asked) })
        }
        "complete" => Ok(Incoming::Complete(id(&mut fields, "complete")?)),
        other => Err(format!("Unknown message type {:?}", other.chars().take(32).collect::<String>())),
    }
}

fn id(fields: &mut Map<String, Json>, kind: &str) -> Result<String, String> {
    match fields.remove("id") {
        Some(Json::String(id)) if !id.is_empty() && id.len() <= ID_BYTES => Ok(id),
        Some(Json::String(id)) if !id.is_empty() => Err(format!("{kind}: id takes at most {ID_BYTES} bytes")),
        _ => Err(format!("{kind}: id takes a string that is not empty")),
    }
}

/// `connection_ack`.
pub(super) fn ack() -> String {
    r#"{"type":"connection_ack"}"#.to_owned()
}

/// `pong`, with the payload of the ping.
pub(super) fn pong(payload: Option<Json>) -> String {
    match payload {
        Some(payload @ Json::Object(_)) => json!({ "type": "pong", "payload": payload }).to_string(),
        _ => r#"{"type":"pong"}"#.to_owned(),
    }
}

/// How every `next` of an operation begins.
pub(super) fn next_head(id: &str) -> String {
    format!(r#"{{"id":{},"type":"next","payload":"#, Json::from(id))
}

/// `next`, with a result that is already JSON.
pub(super) fn next(head: &str, result: &str) -> String {
    [head, result, "}"].concat()
}

/// `error`: the operation is over, with these errors.
pub(super) fn error(id: &str, answer: &Answer) -> String {
    let errors = serde_json::to_string(&answer.errors).unwrap_or_else(|_| "[]".to_owned());
    format!(r#"{{"id":{},"type":"error","payload":{errors}}}"#, Json::from(id))
}

/// `complete`: the operation is over.
pub(super) fn complete(id: &str) -> String {
    format!(r#"{{"id":{},"type":"complete"}}"#, Json::from(id))
}

/// The body of `next`.
pub(super) fn result(answer: &Answer) -> String {
    answer::json(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        for (text, named) in [
            ("", "not JSON"),
            ("nonsense", "not JSON"),
            ("[]", "JSON object"),
            ("{}", "type"),
            (r#"{"type":7}"#, "type"),
            (r#"{"type":"start"}"#, "start"),
            (r#"{"type":"connection_ack"}"#, "connection_ack"),
            (r#"{"type":"connection_init","payload":"x"}"#, "payload"),
            (r#"{"type":"ping","payload":7}"#, "payload"),
            (r#"{"type":"subscribe","payload":{"query":"{ version }"}}"#, "id"),
            (r#"{"type":"subscribe","id":"","payload":{"query":"{ version }"}}"#, "id"),
            (r#"{"type":"subscribe","id":7,"payload":{"query":"{ version }"}}"#, "id"),
            (r#"{"type":"subscribe","id":"1"}"#, "payload"),
            (r#"{"type":"subscribe","id":"1","payload":{}}"#, "query"),
            (r#"{"type":"subscribe","id":"1","payload":{"query":"{ version }","variables":[]}}"#, "variables"),
            (r#"{"type":"complete"}"#, "id"),
        ] {
            let why = parse(text, 64).err().unwrap_or_default();
            assert!(why.contains(named), "{text}: {why:?}");
        }
        let nested = format!(r#"{{"type":"ping","payload":{}"#, "{\"a\":".repeat(50_000));
        assert!(parse(&nested, 64).is_err());
    }

    #[test]
    fn messages_are_read_and_written() {
        assert!(
            matches!(parse(r#"{"type":"connection_init"}"#, 64), Ok(Incoming::Init(payload)) if payload.is_empty())
        );
        assert!(matches!(parse(r#"{"type":"connection_init","payload":null}"#, 64), Ok(Incoming::Init(_))));
        assert!(matches!(parse(r#"{"type":"pong","payload":{}}"#, 64), Ok(Incoming::Pong)));
        assert!(matches!(parse(r#"{"id":"1","type":"complete"}"#, 64), Ok(Incoming::Complete(id)) if id == "1"));
        let Ok(Incoming::Ping(payload)) = parse(r#"{"type":"ping","payload":{"a":1}}"#, 64) else { panic!("no ping") };
        assert_eq!(pong(payload), r#"{"payload":{"a":1},"type":"pong"}"#);
        assert_eq!(next(&next_head("a\"b"), "{}"), r#"{"id":"a\"b","type":"next","payload":{}}"#);
    }

    #[test]
    fn a_reason_fits_into_its_frame() {
        let close = Close::new(4400, "ö".repeat(100));
        assert!(close.reason.len() <= 123 && close.reason.chars().all(|c| c == 'ö'));
    }
}

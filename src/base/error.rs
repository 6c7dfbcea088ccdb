//! What went wrong, and what a client may know of it.
//!
//! Which type where: a room has an enum of its own (`domains/<noun>/error.rs`) whose variants turn into [`Error`] with a stable
//! [`Code`]; platform code that only fails for reasons of the machine uses [`Error::internal`]. `graphql/error.rs` turns an
//! [`Error`] into its wire form; nothing else does.
//!
//! [`Error`] does not implement `Display` on purpose: async-graphql turns every displayable error into a message for the client,
//! and an internal one must not get there by a question mark.

use std::{borrow::Cow, fmt, panic::Location, time::Duration};

/// Result with our error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($(#[doc = $doc:literal] $name:ident = $text:literal, $status:literal;)*) => {
        /// The stable code of an error: what a client decides by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $doc] $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it is written on the wire.
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }

            /// The HTTP status that says the same, as a number.
            pub fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }

            /// When it is answered and what to do about it.
            pub fn meaning(self) -> &'static str { match self { $(Self::$name => $doc.trim_ascii(),)* } }
        }
    };
}

codes! {
    /// The document is not GraphQL. Mend the syntax.
    GraphqlParseFailed = "GRAPHQL_PARSE_FAILED", 400;
    /// The document does not fit the schema. Compare it with the schema in the playground.
    GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED", 422;
    /// The request is not a GraphQL request. The message says what is missing.
    BadRequest = "BAD_REQUEST", 400;
    /// An input is out of bounds or malformed. `errors` names each field and what it takes.
    ValidationFailed = "VALIDATION_FAILED", 400;
    /// The document is larger, deeper or dearer than the server runs. Ask for less at once.
    QueryTooComplex = "QUERY_TOO_COMPLEX", 400;
    /// No document of this hash is known here. Send its text and the hash once; stock clients do so by themselves.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND", 400;
    /// This server runs listed documents only, and this is none of them. Add it to the list the front end is built with.
    DocumentNotTrusted = "DOCUMENT_NOT_TRUSTED", 403;
    /// Nobody is signed in. Sign in and send the access token.
    Unauthenticated = "UNAUTHENTICATED", 401;
    /// This server does not tell its schema. Take `schema.graphql`, or ask a server in development.
    IntrospectionDisabled = "INTROSPECTION_DISABLED", 403;
    /// The token is expired, revoked or not ours. Refresh the session or sign in again.
    InvalidToken = "INVALID_TOKEN", 401;
    /// The login and the password do not belong together. Deliberately the same for every reason.
    InvalidCredentials = "INVALID_CREDENTIALS", 401;
    /// The viewer may see this but not do that.
    PermissionDenied = "PERMISSION_DENIED", 403;
    /// One of the two people has blocked the other.
    UserBlocked = "USER_BLOCKED", 403;
    /// The action asks for a recent proof of identity. Sign in again and retry.
    MfaRequired = "MFA_REQUIRED", 403;
    /// A mutation in cookie mode came without its CSRF token. Fetch one and send it in X-CSRF-Token.
    CsrfFailed = "CSRF_FAILED", 403;
    /// There is no such thing, or the viewer may not know of it.
    NotFound = "NOT_FOUND", 404;
    /// There is no such conversation, or the viewer may not know of it.
    RoomNotFound = "ROOM_NOT_FOUND", 404;
    /// The request method is not taken here.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405;
    /// The answer cannot be given in a media type the client accepts.
    NotAcceptable = "NOT_ACCEPTABLE", 406;
    /// Something else already has this name, address or key, or the object changed since it was read.
    ResourceConflict = "RESOURCE_CONFLICT", 409;
    /// The cursor is older than what the log keeps, or of another log. Fetch the list again and follow from its eventCursor.
    CursorExpired = "CURSOR_EXPIRED", 410;
    /// The body or a part of it is too large.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413;
    /// The body is of a media type that is not taken here.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415;
    /// A rule of the domain forbids it. The message says which.
    BusinessRuleViolation = "BUSINESS_RULE_VIOLATION", 422;
    /// The message is longer than a message may be. `details` gives both lengths.
    MessageTooLong = "MESSAGE_TOO_LONG", 422;
    /// Too many requests of this kind. Wait `retryAfter` seconds.
    RateLimitExceeded = "RATE_LIMIT_EXCEEDED", 429;
    /// Something broke on the server; nothing was changed. Quote the request id.
    Internal = "INTERNAL", 500;
    /// The server is starting, draining or short of something it needs. Try again in a moment.
    ServiceUnavailable = "SERVICE_UNAVAILABLE", 503;
    /// The operation took longer than the server allows.
    Timeout = "TIMEOUT", 504;
}

/// A wrong input, by its path from the argument: `input.email`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The path, such as `input.email`.
    pub field: String,
    /// What the field takes, for a person.
    pub message: String,
}

/// What went wrong.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    details: Option<serde_json::Value>,
    retry_after: Option<Duration>,
    places: Vec<(usize, usize)>,
    status: Option<u16>,
    source: Option<std::sync::Arc<dyn std::error::Error + Send + Sync>>,
    location: &'static Location<'static>,
}

impl Error {
    /// An error a client may read in full.
    #[track_caller]
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            fields: Vec::new(),
            details: None,
            retry_after: None,
            places: Vec::new(),
            status: None,
            source: None,
            location: Location::caller(),
        }))
    }

    /// A fault of the server: the client gets a neutral sentence and the request id, the log gets the whole chain.
    #[track_caller]
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut error = Self::new(Code::Internal, "Something went wrong on our side; nothing was changed.");
        error.0.source = Some(source.into().into());
        error
    }

    /// One wrong input.
    #[track_caller]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid_fields(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Several wrong inputs at once.
    #[track_caller]
    pub fn invalid_fields(fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            several => format!("{} inputs are not valid; see errors.", several.len()),
        };
        let mut error = Self::new(Code::ValidationFailed, message);
        error.0.fields = fields;
        error
    }

    /// Nobody is signed in.
    #[track_caller]
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "Sign in to do this: send the access token as `Authorization: Bearer …`.")
    }

    /// The viewer may see the thing but not do this to it.
    #[track_caller]
    pub fn denied(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::PermissionDenied, message)
    }

    /// There is no such thing, as far as the viewer may know.
    #[track_caller]
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// A rule of the domain forbids it.
    #[track_caller]
    pub fn rule(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BusinessRuleViolation, message)
    }

    /// Something else already has it.
    #[track_caller]
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::ResourceConflict, message)
    }

    /// The server cannot do it now.
    #[track_caller]
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::ServiceUnavailable, message)
    }

    /// Keeps what caused it, for the log and for the person at the terminal.
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// Adds facts a program can use, such as a limit and the value that broke it.
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Names the one input that is to blame.
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        let message = self.0.message.to_string();
        self.0.fields = vec![FieldError { field: field.into(), message }];
        self
    }

    /// Says when to try again.
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Points at places in the document: lines and columns, both from 1.
    pub fn with_places(mut self, places: impl IntoIterator<Item = (usize, usize)>) -> Self {
        self.0.places = places.into_iter().collect();
        self
    }

    /// Says by the HTTP status what the code alone leaves open.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The HTTP status that says the same, as a number: its code's unless told otherwise.
    pub fn status(&self) -> u16 {
        self.0.status.unwrap_or_else(|| self.0.code.status())
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence for the client; neutral for an internal error.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The wrong inputs.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// Facts for a program.
    pub fn details(&self) -> Option<&serde_json::Value> {
        self.0.details.as_ref()
    }

    /// When to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Lines and columns of the document, both from 1; empty when the error is of no place in it.
    pub fn places(&self) -> &[(usize, usize)] {
        &self.0.places
    }

    /// The inner error and its causes, for the log only.
    pub fn chain(&self) -> String {
        let mut text = String::new();
        let mut next = self.0.source.as_deref().map(|source| source as &dyn std::error::Error);
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }

    /// Where in our code it was made, for the log only.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.message)?;
        let chain = self.chain();
        if !chain.is_empty() {
            write!(f, " ({chain})")?;
        }
        write!(f, " at {}", self.0.location)
    }
}

//! One operation: who asks, with what, and where it came from. The first parameter of every action.

use std::{net::IpAddr, sync::Arc};

use tokio::sync::watch;

use super::{
    audience::{Audience, Rights},
    viewer::{Person, Viewer},
};
use crate::{
    base::{error::Result, locale::Locale},
    config::Config,
    platform::{Platform, Reader, Tx, buckets::network},
};

/// A connection that carries many operations, as one of them knows it: it can be given a newer proof of who is at its other end.
#[derive(Clone)]
pub struct Connection(watch::Sender<Viewer>);

impl Connection {
    /// `greeted` is who the connection is for; who serves the connection follows it.
    pub fn new(greeted: watch::Sender<Viewer>) -> Self {
        Self(greeted)
    }

    /// Goes on under this sign-in, with this token's time.
    pub fn renew(&self, person: Person) {
        self.0.send_replace(Viewer::Person(person));
    }
}

/// Where an operation came from.
#[derive(Clone, Default)]
pub struct Origin {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The client asked for cookies rather than tokens in the body.
    pub cookie_mode: bool,
    /// The refresh token that came in a cookie.
    pub refresh_cookie: Option<String>,
    /// The WebSocket it came over.
    pub connection: Option<Connection>,
    /// The language the client would rather read, of those the house writes in.
    pub locale: Locale,
}

impl std::fmt::Debug for Origin {
    /// Without the refresh token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ip, user_agent, cookie_mode, locale, refresh_cookie: _, connection: _ } = self;
        let mut text = f.debug_struct("Origin");
        text.field("ip", ip).field("user_agent", user_agent).field("cookie_mode", cookie_mode).field("locale", locale);
        text.finish_non_exhaustive()
    }
}

impl Origin {
    /// Who to count against a limit by address.
    pub fn address(&self) -> String {
        match self.ip.map(network) {
            Some(IpAddr::V6(network)) => format!("{network}/64"),
            Some(ip) => ip.to_string(),
            None => "unknown".to_owned(),
        }
    }
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Op {
    /// Who asks.
    pub viewer: Viewer,
    /// Everything outside.
    pub platform: Platform,
    /// Settings.
    pub config: Arc<Config>,
    /// Where it came from.
    pub origin: Origin,
    /// Its id, in the answer and in the log.
    pub request_id: Arc<str>,
    reader: Reader,
}

impl Op {
    /// An operation of a client.
    pub fn new(viewer: Viewer, platform: Platform, config: Arc<Config>, origin: Origin, request_id: Arc<str>) -> Self {
        Self { reader: platform.database.read(), viewer, platform, config, origin, request_id }
    }

    /// An operation of the system itself, called by the name of its part.
    pub fn system(name: &'static str, platform: Platform, config: Arc<Config>) -> Self {
        let request_id = platform.ids.uuid().to_string().into();
        Self::new(Viewer::System(name), platform, config, Origin::default(), request_id)
    }

    /// The door for reading.
    pub fn read(&self) -> &Reader {
        &self.reader
    }

    /// Writes, see [`Platform::write`].
    pub async fn write<T>(&self, work: impl AsyncFnOnce(&Tx) -> Result<T>) -> Result<T> {
        self.platform.write(work).await
    }

    /// The same operation for everybody with these rights: nothing of the one who asked is left but their language.
    pub fn for_audience(&self, rights: Rights) -> (Self, Audience) {
        let audience = Audience::new(rights);
        let origin = Origin { locale: self.origin.locale, ..Origin::default() };
        (Self { viewer: Viewer::Audience(audience.clone()), origin, ..self.clone() }, audience)
    }

    /// The same operation for another viewer.
    #[must_use]
    pub fn with_viewer(&self, viewer: Viewer) -> Self {
        Self { viewer, ..self.clone() }
    }
}

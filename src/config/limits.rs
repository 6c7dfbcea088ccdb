//! Every ceiling, with its reason.

use std::time::Duration;

pub use super::rates::{Allowance, Rate, Requests};
use super::{Env, app::App, rates::Rates};

/// How large a page is when nobody says, and at most.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Without `first` or `last`.
    pub default: usize,
    /// At most; asking for more is VALIDATION_FAILED.
    pub max: usize,
}

/// Every ceiling.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request body: a long document with its variables is a tenth of it.
    pub body_bytes: usize,
    /// `MAX_BATCH`: requests in one body; 0 for no batches. Browsers send several requests at once over one connection anyway.
    pub batch: usize,
    /// Bytes of one document. The largest our own playground sends (introspection) is 3 KB.
    pub document_bytes: usize,
    /// Lexical tokens of one document; parsing costs time for each.
    pub document_tokens: usize,
    /// Brackets inside brackets in a document. The parser recurses on them, and its stack ends near 1,500.
    pub document_nesting: usize,
    /// Aliases in a document: they multiply the work of a field without making the document much longer.
    pub aliases: usize,
    /// Directives in a document.
    pub directives: usize,
    /// Levels of fields. Introspection as GraphiQL asks for it takes 15.
    pub depth: usize,
    /// Cost units of an operation: about one for every field of every row that could come back.
    pub complexity: usize,
    /// Values given to the arguments of a document, a variable's as often as it is used; 64 characters of a text are one.
    pub input_values: usize,
    /// Lists, unless said otherwise.
    pub page: PageLimits,
    /// People, when they are searched for.
    pub search_page: PageLimits,
    /// Conversations, members and messages.
    pub long_page: PageLimits,
    /// Rows reckoned for a list without pages, such as the roles of a person: such lists are short by nature.
    pub list: usize,
    /// Ids in one `nodes`.
    pub nodes: usize,
    /// A request may take this long; subscriptions are exempt.
    pub request_timeout: Duration,
    /// Bytes of one frame a client sends over a socket: same as a body.
    pub frame_bytes: usize,
    /// Operations at once on a socket.
    pub socket_operations: usize,
    /// Sockets at once of one person, or of one address when nobody is signed in.
    pub sockets_per_viewer: usize,
    /// How long the headers of a request may take to arrive, and an idle connection may stay open: longer than the 60 seconds for which
    /// common proxies keep theirs, or they would send a request into one that is just being closed.
    pub header_timeout: Duration,
    /// How long an answer, an event or a frame may wait for its reader to take any of it before the connection is cut.
    pub write_timeout: Duration,
    /// How long a socket may wait before `connection_init`.
    pub init_timeout: Duration,
    /// How often the server pings; a socket that does not answer twice is closed.
    pub ping_interval: Duration,
    /// Answers of one operation that leave a socket together before the others have their turn.
    pub socket_turn: usize,
    /// How long a socket or an event stream may live at the most. Its client comes back by itself and resumes; without an end they
    /// would stay with the process that took them first, however many were started since.
    pub socket_lifetime: Duration,
    /// `DRAIN_DELAY_SECONDS`: how long a stopping server still takes connections while `/readyz` answers 503, so that whoever sends
    /// traffic here notices. None on a laptop.
    pub drain_delay: Duration,
    /// How long the sockets get to leave when the server stops.
    pub drain: Duration,
    /// Characters of a message from a person.
    pub message_chars: usize,
    /// How long somebody counts as typing without saying so again.
    pub typing: Duration,
    /// How long somebody counts as here after they were last seen.
    pub online: Duration,
    /// How often somebody whose subscription runs is seen again: a third of `online`, so that one lost beat shows nowhere.
    pub presence_beat: Duration,
    /// Members a room may have at the most.
    pub room_members: i32,
    /// What every request has to pass, whatever it asks for.
    pub requests: Requests,
    /// New accounts from one address.
    pub sign_up: Rate,
    /// Sign-ins from one address.
    pub sign_in_by_address: Rate,
    /// Sign-ins for one login from one address.
    pub sign_in_by_login: Rate,
    /// Sign-ins to one account, by whichever login, from wherever: against guessing from many addresses. Ample, because whoever fills
    /// it keeps the owner out too, until they choose a new password.
    pub sign_in_by_account: Rate,
    /// Refreshes of one sign-in; and, by address, attempts with tokens that nobody was given.
    pub refresh: Rate,
    /// Mailed links (verification, reset) from one address.
    pub mail_by_address: Rate,
    /// New addresses of mail one account asks to move to.
    pub mail_by_account: Rate,
    /// Mailed links to one address of mail, verification and reset each.
    pub mail_by_recipient: Rate,
    /// Attempts to use a mailed token from one address.
    pub token_attempts: Rate,
    /// Usernames asked for from one address: somebody who types looks at a handful, who asks for more wants a list of people.
    pub username_check: Rate,
    /// Look ahead and load edges for whole lists. Off only in the test that compares both ways.
    pub prefetch: bool,
    /// Whether identical subscriptions share their executions: the same is told either way.
    pub sharing: bool,
    /// Every rate as it was read, by the name of its setting.
    rates: Vec<(&'static str, Rate)>,
}

impl Limits {
    pub(super) fn read(env: &mut Env, app: &App) -> Self {
        // Tests and laptops share one address among everybody.
        let lenient = if app.environment == super::Environment::Development { 100 } else { 1 };
        let mut rates = Rates::new(env, lenient);
        let requests = Requests::read(&mut rates);
        let sign_up = rates.read("RATE_LIMIT_SIGN_UP", 5, 3600);
        let sign_in_by_address = rates.read("RATE_LIMIT_SIGN_IN_ADDRESS", 30, 60);
        let sign_in_by_login = rates.read("RATE_LIMIT_SIGN_IN_LOGIN", 10, 60);
        let sign_in_by_account = rates.read("RATE_LIMIT_SIGN_IN_ACCOUNT", 100, 3600);
        let refresh = rates.read("RATE_LIMIT_REFRESH", 60, 60);
        let mail_by_address = rates.read("RATE_LIMIT_MAIL_ADDRESS", 10, 3600);
        let mail_by_account = rates.read("RATE_LIMIT_MAIL_ACCOUNT", 5, 3600);
        let mail_by_recipient = rates.read("RATE_LIMIT_MAIL_RECIPIENT", 3, 3600);
        let username_check = rates.read("RATE_LIMIT_USERNAME_CHECK", 30, 60);
        let token_attempts = rates.read("RATE_LIMIT_MAILED_TOKEN", 30, 3600);
        let rates = rates.finish();
        Self {
            body_bytes: env.number("MAX_BODY_BYTES", 1024 * 1024, 1024..=64 * 1024 * 1024),
            batch: env.number("MAX_BATCH", 0, 0..=100),
            document_bytes: 64 * 1024,
            document_tokens: 15_000,
            document_nesting: 64,
            aliases: 64,
            directives: 64,
            depth: 16,
            complexity: env.number("MAX_COMPLEXITY", 10_000, 100..=1_000_000),
            input_values: 20_000,
            page: PageLimits { default: 20, max: 100 },
            search_page: PageLimits { default: 10, max: 100 },
            long_page: PageLimits { default: 50, max: 100 },
            list: 10,
            nodes: 100,
            request_timeout: Duration::from_secs(env.number("REQUEST_TIMEOUT_SECONDS", 30, 1..=3600)),
            frame_bytes: 256 * 1024,
            socket_operations: 100,
            sockets_per_viewer: env.number("SOCKETS_PER_VIEWER", 50, 1..=1_000_000),
            header_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            init_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(30),
            socket_turn: 16,
            socket_lifetime: Duration::from_secs(24 * 3600),
            drain_delay: Duration::from_secs(env.number(
                "DRAIN_DELAY_SECONDS",
                if lenient == 1 { 5 } else { 0 },
                0..=300,
            )),
            drain: Duration::from_secs(10),
            message_chars: 2000,
            typing: Duration::from_secs(6),
            online: Duration::from_secs(60),
            presence_beat: Duration::from_secs(20),
            room_members: 10_000,
            requests,
            sign_up,
            sign_in_by_address,
            sign_in_by_login,
            sign_in_by_account,
            refresh,
            mail_by_address,
            mail_by_account,
            mail_by_recipient,
            token_attempts,
            username_check,
            prefetch: true,
            sharing: true,
            rates,
        }
    }

    /// What an operation of this cost counts as in the limits of its viewer: one, and one more for every further tenth of the dearest
    /// that is run, so that ten of those count as a hundred small ones.
    pub fn weight(&self, cost: usize) -> u32 {
        let unit = (self.complexity / 10).max(1);
        u32::try_from(cost.div_ceil(unit)).unwrap_or(u32::MAX).max(1)
    }

    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("MAX_BODY_BYTES", self.body_bytes.to_string()),
            ("MAX_BATCH", self.batch.to_string()),
            ("MAX_COMPLEXITY", self.complexity.to_string()),
            ("SOCKETS_PER_VIEWER", self.sockets_per_viewer.to_string()),
            ("REQUEST_TIMEOUT_SECONDS", self.request_timeout.as_secs().to_string()),
            ("DRAIN_DELAY_SECONDS", self.drain_delay.as_secs().to_string()),
        ];
        lines.extend(self.rates.iter().map(|(name, rate)| (*name, rate.to_string())));
        lines
    }
}

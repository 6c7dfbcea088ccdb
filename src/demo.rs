//! Demo data: a handful of people who talk. The same on every machine, ids included, so that examples can name them.
//!
//! It is written through the rooms' own actions, by a platform whose clock stands and whose chance is seeded.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use entity::{
    conversation::Visibility,
    conversation_receipt as receipt, credential,
    ids::{ConversationId, MessageId, UserId},
    milestone, role, user,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter};

use crate::{
    access::{Op, Person, Roles, Viewer},
    base::{
        clock::Clock,
        error::{Error, Result},
        random::Random,
    },
    config::Config,
    domains::{
        auth::{self, NewRole, Vouched},
        conversations::{NewMessage, NewRoom, add_reaction, create_room, mark, open_direct, send_message, set_pinned},
    },
    platform::{Chosen, Database, Platform, database, exclusive, passwords::Comparison},
};

/// The demo people's usernames. `alice` is an administrator, `bob` a moderator.
pub const USERNAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
/// The password of every one of them.
pub const PASSWORD: &str = "polyphony-demo";

const PEOPLE: [(&str, &str, &str); 5] = [
    ("alice", "Alice Amati", "Luthier and room keeper. Ask me about spruce."),
    ("bob", "Bob Bergonzi", "Plays the cello, slowly."),
    ("carol", "Carol Costa", "Mixes live records in a barn."),
    ("dave", "Dave Dvořák", "Composer of waiting-room music."),
    ("erin", "Erin Érard", "New here. Harpist."),
];

/// The milestones of filling.
const BEGUN: &str = "demo.begun";
const COMPLETE: &str = "demo.complete";

/// A role nobody holds.
const ROLE: (&str, &str, &str) = ("STAGEHAND", "Stagehand", "Carries things. Nobody does any more.");

/// What examples call things by, and their ids: `user:alice`, `role:MODERATOR`, `conversation:General`, `message:General:1`.
pub type DemoIds = BTreeMap<String, String>;

/// When the demo begins.
fn beginning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 16, 9, 0, 0).single().unwrap_or_default()
}

/// How far the demo data of a database has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Nobody is in it.
    Empty,
    /// Somebody began to fill it and was stopped; nobody but demo people is in it.
    Half,
    /// It is filled, or it is somebody's own.
    Settled,
}

async fn progress(config: &Config) -> Result<Progress> {
    let database = Database::open(&config.database).await?;
    database.require_migrated(&config.database).await?;
    let reader = database.read();
    let reached: Vec<String> =
        milestone::Entity::find().all(&reader).await?.into_iter().map(|milestone| milestone.name).collect();
    let has = |name: &str| reached.iter().any(|reached| reached == name);
    let name = user::Column::Username;
    let others = user::Entity::find().filter(name.is_null().or(name.is_not_in(USERNAMES))).count(&reader).await?;
    let progress = match (has(BEGUN), has(COMPLETE), others) {
        (true, false, 0) => Progress::Half,
        (false, false, 0) if user::Entity::find().count(&reader).await? == 0 => Progress::Empty,
        _ => Progress::Settled,
    };
    database.close().await;
    Ok(progress)
}

/// Fills the database when nobody is in it. False when somebody is.
///
/// Of several processes that start together one does it and the others wait. What a killed one left half done is done anew: until
/// it is complete no server takes requests, so there is nothing in it that anybody could miss.
pub async fn fill_if_empty(config: &Arc<Config>) -> Result<bool> {
    if progress(config).await? == Progress::Settled {
        return Ok(false);
    }
    exclusive::exclusively(&config.database, async || {
        match progress(config).await? {
            Progress::Settled => return Ok(false),
            Progress::Half => {
                tracing::warn!("the demo data was left half filled; starting afresh");
                database::start_afresh(&config.database).await?;
            }
            Progress::Empty => {}
        }
        fill(config).await?;
        Ok(true)
    })
    .await
}

/// Makes sure that nobody can sign in as a demo person with the password everybody knows.
///
/// # Errors
/// Who is open, and what to do.
pub async fn refuse_open_accounts(platform: &Platform) -> Result<()> {
    let reader = platform.database.read();
    let people = user::Entity::find().filter(user::Column::Username.is_in(USERNAMES)).all(&reader).await?;
    let mut open = Vec::new();
    for person in people {
        let Some(credential) = credential::Entity::find_by_id(person.id).one(&reader).await? else { continue };
        if platform.passwords.compare(PASSWORD, Some(&credential.password_hash), None).await? != Comparison::Different {
            open.extend(person.username);
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    Err(Error::internal(format!(
        "the demo accounts {} are open to everybody with the demo password, and production does not start with them; take a \
         database without demo data (DATABASE_URL), or sign in as each with APP_ENV=staging and change its password",
        open.join(", ")
    )))
}

async fn reach(platform: &Platform, name: &str) -> Result<()> {
    platform
        .write(async |tx| {
            let row = milestone::ActiveModel { name: Set(name.to_owned()), reached_at: Set(tx.now()) };
            row.insert(tx).await?;
            Ok(())
        })
        .await
}

/// Fills an empty database and gives the ids.
pub async fn fill(config: &Arc<Config>) -> Result<DemoIds> {
    let chosen = Chosen { clock: Some(Clock::standing(beginning())), random: Some(Random::seeded(20_261_116)) };
    let platform = Platform::open(config, chosen).await?;
    let op = Op::system("demo", platform.clone(), config.clone());
    reach(&platform, BEGUN).await?;
    let (mut ids, mut people) = (DemoIds::new(), BTreeMap::new());
    let hash = platform.passwords.hash(PASSWORD).await?;
    for (username, display_name, bio) in PEOPLE {
        let email = format!("{username}@demo.polyphony.localhost");
        let account = Vouched { username, email: &email, display_name, bio, password_hash: &hash };
        let user = auth::create_vouched_account(&op, account).await?;
        ids.insert(format!("user:{username}"), user.id.to_string());
        people.insert(username, user.id);
    }
    auth::grant_by_name(&op, "alice", "ADMIN").await?;
    auth::grant_by_name(&op, "bob", "MODERATOR").await?;
    let (name, display_name, about) = ROLE;
    let role = NewRole {
        name: name.into(),
        display_name: display_name.into(),
        description: Some(about.into()),
        permissions: Vec::new(),
    };
    auth::create_role(&op, role).await?;
    for role in role::Entity::find().all(&platform.database.read()).await? {
        ids.insert(format!("role:{}", role.name), role.id.to_string());
    }
    Conversations { op, people, ids: &mut ids }.fill().await?;
    reach(&platform, COMPLETE).await?;
    platform.close().await;
    Ok(ids)
}

struct Conversations<'a> {
    op: Op,
    people: BTreeMap<&'static str, UserId>,
    ids: &'a mut DemoIds,
}

impl Conversations<'_> {
    async fn fill(&mut self) -> Result<()> {
        self.room("Attic", "Left over from the move. Somebody should clear it.", Visibility::Private, &["dave"])
            .await?;
        let general =
            self.room("General", "Everything and nothing. Come in!", Visibility::Public, &["bob", "carol"]).await?;
        let studio = self.room("Studio", "Wednesday's recording.", Visibility::Private, &["bob", "carol"]).await?;
        let direct = open_direct(&self.as_person("alice"), self.people["bob"]).await?.row.id;
        self.ids.insert("conversation:alice-bob".to_owned(), direct.to_string());
        let general_ids = self.talk("General", general, GENERAL).await?;
        let studio_ids = self.talk("Studio", studio, STUDIO).await?;
        self.talk("alice-bob", direct, DIRECT).await?;
        add_reaction(&self.as_person("bob"), general_ids[0], "👋").await?;
        add_reaction(&self.as_person("carol"), general_ids[0], "👋").await?;
        add_reaction(&self.as_person("carol"), general_ids[2], "🎻").await?;
        add_reaction(&self.as_person("alice"), studio_ids[1], "👍").await?;
        set_pinned(&self.as_person("alice"), studio_ids[0], true).await?;
        mark(&self.as_person("bob"), general, receipt::Kind::Read, general_ids[3]).await?;
        Ok(())
    }

    /// A person as they act.
    fn as_person(&self, username: &str) -> Op {
        self.op.platform.clock.advance(TimeDelta::seconds(97));
        let person = Person {
            id: self.people[username],
            session: self.op.platform.ids.new_id(),
            roles: Roles::default(),
            token_version: 0,
            is_freshly_proved: true,
            token_expires_at: self.op.platform.clock.now() + TimeDelta::minutes(15),
            only: None,
        };
        self.op.with_viewer(Viewer::Person(person))
    }

    async fn room(
        &mut self,
        name: &str,
        description: &str,
        visibility: Visibility,
        members: &[&str],
    ) -> Result<ConversationId> {
        let new = NewRoom {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            visibility,
            max_members: None,
            member_ids: members.iter().map(|username| self.people[username]).collect(),
            metadata: None,
        };
        let room = create_room(&self.as_person("alice"), new).await?.row.id;
        self.ids.insert(format!("conversation:{name}"), room.to_string());
        Ok(room)
    }

    async fn talk(&mut self, name: &str, conversation: ConversationId, lines: &[Line]) -> Result<Vec<MessageId>> {
        let mut ids = Vec::new();
        for (number, (username, content, reply_to)) in lines.iter().enumerate() {
            let new = NewMessage {
                conversation,
                content: (*content).to_owned(),
                reply_to: reply_to.and_then(|earlier: usize| ids.get(earlier - 1).copied()),
                client_id: None,
                metadata: None,
            };
            let sent = send_message(&self.as_person(username), new).await?;
            ids.push(sent.message.id);
            self.ids.insert(format!("message:{name}:{}", number + 1), sent.message.id.to_string());
        }
        Ok(ids)
    }
}

/// Who says what, perhaps in reply to which earlier line.
type Line = (&'static str, &'static str, Option<usize>);

const GENERAL: &[Line] = &[
    ("alice", "Welcome, everybody! This room is for everything that has no room of its own.", None),
    ("bob", "Thank you, @alice. Is there cake?", None),
    ("alice", "There is a cello in the hall with your name on it, @bob.", None),
    ("carol", "The barn is free on Saturday. Bring microphones and warm socks.", None),
    ("bob", "Saturday is good. I bring the socks.", Some(4)),
    ("carol", "Then we are three. @alice brings the cake.", Some(4)),
    ("alice", "Settled: Saturday, ten o'clock, cake.", None),
];

const STUDIO: &[Line] = &[
    ("alice", "Wednesday: set up at nine, first take at eleven.", None),
    ("carol", "Two pairs of ribbons, one spot. I'll bring the stands.", None),
    ("bob", "The second movement needs the long room.", None),
    ("alice", "You get the long room.", Some(3)),
];

const DIRECT: &[Line] = &[
    ("alice", "Did the new bridge settle?", None),
    ("bob", "It did, and the A string stopped complaining.", None),
    ("alice", "Good. Bring it in once more before the concert.", None),
    ("bob", "Thursday? I have a basket of plums for you.", None),
];

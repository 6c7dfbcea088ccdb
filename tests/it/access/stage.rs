//! The people and things the documents name.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Role;
use crate::house::{Caller, Person, World};

/// A room with its people, a message, and whoever tries.
pub struct Stage {
    names: BTreeMap<&'static str, String>,
    people: Vec<(Role, Caller)>,
}

impl Stage {
    /// Sets a fresh stage; `number` tells its people from those of the stages before.
    pub async fn set(world: &World, number: usize) -> Self {
        let person = async |name: &str| world.person(&format!("{name}-{number}")).await;
        let admin = world.admin().await;
        let (owner, moderator, member, stranger, guest, target) = tokio::join!(
            person("owner"),
            person("keeper"),
            person("member"),
            person("stranger"),
            person("guest"),
            person("target"),
        );
        let room = owner.create_room_with(&format!("Room {number}"), &[&member, &target]).await;
        owner.add_member(&room, &moderator, "MODERATOR").await;
        let message = owner.send(&room, "hello").await;
        let deleted = owner.send(&room, "gone").await;
        owner.try_delete(&deleted.id).await.ok();
        // What a moderator took from a member, and what was taken back where there are only two.
        let yard = owner.create_room_with(&format!("Yard {number}"), &[&member]).await;
        owner.add_member(&yard, &moderator, "MODERATOR").await;
        let removed = member.send(&yard, "out of place").await;
        moderator.try_delete(&removed.id).await.ok();
        let direct = owner.open_direct(&member).await;
        let taken_back = owner.send(&direct, "taken back").await;
        owner.try_delete(&taken_back.id).await.ok();
        let hall = guest.create_room(&format!("Hall {number}"), "PUBLIC").await;
        let role = create_role(&admin, number).await;
        let names = [
            ("room", &room),
            ("yard", &yard),
            ("hall", &hall),
            ("message", &message.id),
            ("deleted", &deleted.id),
            ("removed", &removed.id),
            ("taken-back", &taken_back.id),
            ("owner", &owner.id),
            ("member", &member.id),
            ("target", &target.id),
            ("guest", &guest.id),
            ("session", &owner.session),
            ("role", &role),
        ];
        let mut names: BTreeMap<_, _> = names.into_iter().map(|(name, id)| (name, id.clone())).collect();
        names.insert("number", number.to_string());
        names.insert("owner-name", owner.username.clone());
        names.insert("refresh", guest.refresh_token.clone());
        names.insert("guest-name", guest.username.clone());
        names.insert("guest-email", guest.email.clone());
        let caller = |person: &Person| (**person).clone();
        let people = vec![
            (Role::Anonymous, world.anonymous()),
            (Role::Stranger, caller(&stranger)),
            (Role::Member, caller(&member)),
            (Role::Moderator, caller(&moderator)),
            (Role::Owner, caller(&owner)),
            (Role::Admin, caller(&admin)),
        ];
        world.run_jobs().await;
        Self { names, people }
    }

    /// Whoever has this role.
    pub fn as_role(&self, role: Role) -> &Caller {
        let found = self.people.iter().find(|(known, _)| *known == role);
        &found.unwrap_or_else(|| panic!("nobody is {role:?}")).1
    }

    /// A document with the stage's names in it.
    pub fn fill(&self, document: &str) -> String {
        let filled =
            self.names.iter().fold(document.to_owned(), |text, (name, id)| text.replace(&format!("<{name}>"), id));
        assert!(!filled.contains('<'), "the stage has no such name: {filled}");
        filled
    }
}

async fn create_role(admin: &Person, number: usize) -> String {
    let query =
        "mutation($name: String!) { createRole(input: { name: $name, displayName: \"Curator\" }) { role { id } } }";
    let variables: Value = json!({ "name": format!("CURATOR_{number}") });
    admin.ask(query, variables).await.text("createRole.role.id")
}

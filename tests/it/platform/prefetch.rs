//! Looking ahead changes how rows are loaded, never what is answered: generated documents, asked of a server that looks ahead and of one
//! that leaves everything to the loaders, on the same rows.

use serde_json::{Value, json};

use crate::house::Caller;

/// A small generator of documents over the rooms' graph.
struct Writer {
    state: u64,
    fragments: String,
    count: usize,
}

impl Writer {
    fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, fragments: String::new(), count: 0 }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % limit
    }

    fn some(&mut self, choices: &[&str]) -> String {
        let count = 1 + self.below(3);
        (0..count).map(|_| choices[self.below(choices.len() as u64) as usize].to_owned() + " ").collect()
    }

    /// A selection, as it stands, in an inline fragment, or in a named one.
    fn wrapped(&mut self, on: &str, selection: String) -> String {
        match self.below(6) {
            0 => format!("... on {on} {{ {selection} }}"),
            1 => {
                self.count += 1;
                let name = format!("F{}", self.count);
                self.fragments += &format!(" fragment {name} on {on} {{ {selection} }}");
                format!("...{name}")
            }
            2 => format!("... @include(if: true) {{ {selection} }}"),
            _ => selection,
        }
    }

    /// A name of its own: two uses of one name would have to have the same arguments.
    fn alias(&mut self) -> String {
        self.count += 1;
        format!("a{}: ", self.count)
    }

    /// For an edge without arguments: now and then it stands there under its own name, and what is asked of it in several places has to
    /// be put together.
    fn perhaps_alias(&mut self) -> String {
        if self.below(3) == 0 { String::new() } else { self.alias() }
    }

    fn page(&mut self) -> &'static str {
        ["first: 1", "first: 2", "last: 2", "last: 3", "first: 0"][self.below(5) as usize]
    }

    fn rows(&mut self, node: String, also: &str) -> String {
        match self.below(5) {
            0 => format!("{{ nodes {{ {node} }} pageInfo {{ hasNextPage startCursor }} }}"),
            1 => format!("{{ nodes {{ {also} }} pageInfo {{ hasNextPage }} nodes {{ {node} }} }}"),
            2 => format!("{{ edges {{ cursor }} edges {{ node {{ {also} }} node {{ {node} }} }} }}"),
            3 => format!("{{ edges {{ cursor node {{ {node} }} }} totalCount }}"),
            _ => format!("{{ totalCount nodes {{ {also} }} edges {{ node {{ {node} }} }} }}"),
        }
    }

    fn user(&mut self) -> String {
        let selection = self.some(&[
            "username",
            "displayName",
            "bio",
            "isPublic",
            "avatarUrl",
            "bannerUrl",
            "location",
            "statusMessage",
            "socialLinks",
            "role",
            "isBlocked",
            "createdAt",
            "name: displayName",
            "displayName name: displayName",
            "__typename",
        ]);
        let on = ["User", "Node"][self.below(2) as usize];
        let selection = format!("... on {on} {{ id }} {selection}");
        self.wrapped("User", selection)
    }

    fn message(&mut self, depth: u32) -> String {
        let mut selection = "id ".to_owned()
            + &self.some(&[
                "seq",
                "content",
                "isPinned",
                "reactionCount",
                "threadCount",
                "version",
                "readCount",
                "deliveredCount",
                "role type",
                "isEdited editCount editedAt",
                "isDeleted deletedAt",
                "pinnedAt",
                "metadata clientId",
                "createdAt updatedAt",
                "sender { id } sender { username }",
                "__typename what: __typename",
            ]);
        if depth > 0 {
            for _ in 0..=self.below(3) {
                let (alias, perhaps) = (self.alias(), self.perhaps_alias());
                selection += &match self.below(8) {
                    0 | 1 => format!("{perhaps}sender {{ {} }} ", self.user()),
                    2 => format!("{perhaps}replyTo {{ {} }} ", self.message(depth - 1)),
                    3 => format!("{perhaps}conversation {{ {} }} ", self.conversation(depth - 1)),
                    4 => {
                        let (page, user) = (self.page(), self.user());
                        format!(
                            "{alias}reactions {{ emoji count viewerReacted people({page}) {{ nodes {{ reactedAt user {{ {user} }} }} totalCount }} }} "
                        )
                    }
                    5 => format!("{perhaps}mentions {{ {} }} ", self.user()),
                    6 => {
                        let (page, user) = (self.page(), self.user());
                        let rows = self.rows(format!("readAt deliveredAt user {{ {user} }}"), "readAt");
                        format!("{alias}receipts({page}) {rows} ")
                    }
                    _ => {
                        let (page, message) = (self.page(), self.message(depth - 1));
                        let rows = self.rows(message, "id");
                        // Different pages of one field need names of their own.
                        self.count += 1;
                        format!("r{}: replies({page}) {rows} ", self.count)
                    }
                };
            }
        }
        self.wrapped("Message", selection)
    }

    fn conversation(&mut self, depth: u32) -> String {
        let mut selection = "id ".to_owned()
            + &self.some(&[
                "kind",
                "name",
                "memberCount",
                "unreadCount",
                "viewerRole",
                "isBlocked",
                "description visibility maxMembers",
                "messageCount lastActivityAt",
                "isArchived metadata version createdAt",
                "viewerMembership { conversationId userId role joinedAt lastReadSeq lastDeliveredSeq mutedUntil }",
                "__typename",
            ]);
        if depth > 0 {
            for _ in 0..=self.below(3) {
                let perhaps = self.perhaps_alias();
                self.count += 1;
                let own = self.count;
                selection += &match self.below(6) {
                    0 => format!("{perhaps}lastMessage {{ {} }} ", self.message(depth - 1)),
                    1 => format!("{perhaps}otherUser {{ {} }} ", self.user()),
                    2 => format!("{perhaps}owner {{ {} }} ", self.user()),
                    3 => {
                        let (page, user) = (self.page(), self.user());
                        format!("m{own}: members({page}) {{ totalCount nodes {{ role user {{ {user} }} }} }} ")
                    }
                    _ => {
                        let (page, message) = (self.page(), self.message(depth - 1));
                        let threads = ["", ", includeThreads: true", ", pinnedOnly: true"][self.below(3) as usize];
                        let rows = self.rows(message, "id");
                        format!("c{own}: messages({page}{threads}) {rows} ")
                    }
                };
            }
        }
        self.wrapped("Conversation", selection)
    }

    fn document(mut self) -> String {
        let conversation = self.conversation(3);
        let rows = self.rows(conversation, "id");
        format!("{{ conversations(first: 6) {rows} }}{}", self.fragments)
    }
}

async fn ask(caller: &Caller, document: &str) -> Value {
    caller.ask(document, json!({})).await.body
}

both! {
    /// 200 generated documents answer the same with and without looking ahead, and once they are known to be valid.
    async fn looking_ahead_answers_the_same(world) {
        let ahead = world.first();
        polyphony::demo::fill(&ahead.config).await.unwrap();
        let plain = world.instance(|config| config.limits.prefetch = false).await;
        let token = world.anonymous().try_sign_in("alice", polyphony::demo::PASSWORD).await.text("signIn.accessToken");
        let (ahead, plain) =
            (world.anonymous().with_token(Some(&token)), world.anonymous().at(&plain).with_token(Some(&token)));
        let mut compared = 0;
        for seed in 1..=200 {
            let document = Writer::new(seed).document();
            let (one, other) = (ask(&ahead, &document).await, ask(&plain, &document).await);
            let code = one["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned();
            if code == "QUERY_TOO_COMPLEX" {
                continue;
            }
            assert_eq!(code, "", "seed {seed}\n{document}\n{one:#}");
            assert_eq!(one["data"], other["data"], "seed {seed}\n{document}");
            assert_eq!(one["data"], ask(&ahead, &document).await["data"], "seed {seed}, known to be valid\n{document}");
            compared += 1;
        }
        assert!(compared >= 120, "only {compared} documents were within the ceiling of cost");
    }
}

once! {
    /// What is asked of one object in several places is put together, the first time and once the document is known to be valid.
    async fn one_object_asked_for_in_several_places(world) {
        let alice = world.person("alice").await;
        let id = alice.create_room("Studio", "PRIVATE").await;
        let sent = alice.send(&id, "hello").await;
        let me = json!({ "id": alice.id, "username": "alice" });
        let message = json!({ "id": sent.id, "seq": 1, "sender": me });
        for (document, expected) in [
            ("query($id: ID!) { me { id } me { username } node(id: $id) { id } }", json!({ "me": me, "node": { "id": id } })),
            (
                "query($id: ID!) { conversation(id: $id) { name } ...Card }
                 fragment Card on Query { conversation(id: $id) { id messages { nodes { seq } ...Rows } } }
                 fragment Rows on MessageConnection { nodes { id ...One ...Two } }
                 fragment One on Message { sender { id } }
                 fragment Two on Message { sender { username } }",
                json!({ "conversation": { "name": "Studio", "id": id, "messages": { "nodes": [message] } } }),
            ),
            (
                "query($id: ID!) { node(id: $id) { ... on Conversation { messages { edges { node { id } } } }
                 ... on Conversation { messages { edges { node { seq sender { id } } node { sender { username } } } } } } }",
                json!({ "node": { "messages": { "edges": [{ "node": message }] } } }),
            ),
        ] {
            for _ in 0..3 {
                let answer = alice.ask(document, json!({ "id": id })).await;
                assert_eq!(answer.ok(), &expected, "{answer}");
            }
        }
    }
}

//! People who have an account, and what they do.

use serde_json::{Value, json};

use super::{Answer, Caller, Instance, Subscription};

/// Everybody's password.
pub const PASSWORD: &str = "Seven-horns-and-a-drum";

/// A person, signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub(super) caller: Caller,
    /// Their global id.
    pub id: String,
    /// Their username.
    pub username: String,
    /// Their address.
    pub email: String,
    /// The session of this sign-in.
    pub session: String,
    /// Its refresh token.
    pub refresh_token: String,
}

/// A message as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its global id.
    pub id: String,
    /// Its number in the conversation.
    pub seq: i64,
    /// Its text.
    pub content: String,
}

impl Message {
    /// From a value with `id seq content`.
    #[track_caller]
    pub fn of(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned();
        let seq = value["seq"].as_i64().unwrap_or_else(|| panic!("no seq in {value}"));
        Self { id: text("id"), seq, content: text("content") }
    }
}

/// Everything of a conversation.
pub const MESSAGE_EVENTS: &str = "subscription($id: ID!, $after: String) {
    messageEvents(conversationId: $id, after: $after) {
        __typename
        ... on MessageSent { cursor message { id seq content sender { username } } }
        ... on MessageEdited { cursor message { id seq content editCount } }
        ... on MessageDeleted { cursor message { id seq isDeleted content } }
        ... on MessagePinned { cursor message { id seq isPinned } }
        ... on ReactionsChanged { cursor message { id seq reactions { emoji count } } }
        ... on ReceiptMoved { cursor }
    }
}";

impl Person {
    /// Signs up with this name.
    pub async fn sign_up(caller: Caller, name: &str) -> Self {
        let email = format!("{name}@example.org");
        let answer = caller
            .ask(
                "mutation($input: SignUpInput!) {
                    signUp(input: $input) { user { id } session { id } accessToken refreshToken expiresIn }
                }",
                json!({ "input": { "username": name, "email": email, "password": PASSWORD, "displayName": name } }),
            )
            .await;
        Self::signed_in(&caller, name, &email, &answer, "signUp")
    }

    #[track_caller]
    fn signed_in(caller: &Caller, name: &str, email: &str, answer: &Answer, field: &str) -> Self {
        let text = |path: &str| answer.text(&format!("{field}.{path}"));
        Self {
            caller: caller.with_token(Some(&text("accessToken"))),
            id: text("user.id"),
            username: name.to_owned(),
            email: email.to_owned(),
            session: text("session.id"),
            refresh_token: text("refreshToken"),
        }
    }

    /// The same person on another device: a session of its own.
    pub async fn sign_in(&self) -> Self {
        let caller = self.caller.with_token(None);
        let answer = caller.try_sign_in(&self.username, PASSWORD).await;
        Self::signed_in(&caller, &self.username, &self.email, &answer, "signIn")
    }

    /// The same person with another access token.
    pub fn with_tokens(&self, access_token: &str) -> Self {
        Self { caller: self.caller.with_token(Some(access_token)), ..self.clone() }
    }

    /// The same sign-in at another server.
    pub fn at(&self, instance: &Instance) -> Self {
        Self { caller: self.caller.at(instance), ..self.clone() }
    }

    // --- Conversations

    /// Opens a room; `visibility` is `PUBLIC` or `PRIVATE`. Gives its id.
    pub async fn create_room(&self, name: &str, visibility: &str) -> String {
        let input = json!({ "kind": "ROOM", "name": name, "visibility": visibility });
        self.try_create_conversation(input).await.text("createConversation.conversation.id")
    }

    /// Opens a room with these members. Gives its id.
    pub async fn create_room_with(&self, name: &str, members: &[&Person]) -> String {
        let ids: Vec<_> = members.iter().map(|person| &person.id).collect();
        let input = json!({ "kind": "ROOM", "name": name, "visibility": "PRIVATE", "memberIds": ids });
        self.try_create_conversation(input).await.text("createConversation.conversation.id")
    }

    /// The direct conversation with somebody. Gives its id.
    pub async fn open_direct(&self, other: &Person) -> String {
        self.try_open_direct(&other.id).await.text("openDirectConversation.conversation.id")
    }

    /// Sends a message.
    pub async fn send(&self, conversation: &str, content: &str) -> Message {
        Message::of(self.try_send(conversation, content).await.data("sendMessage.message"))
    }

    /// Sends a message with a key of the client's making.
    pub async fn send_once(&self, conversation: &str, content: &str, client_id: &str) -> Message {
        let answer = self
            .try_send_with(json!({ "conversationId": conversation, "content": content, "clientId": client_id }))
            .await;
        Message::of(answer.data("sendMessage.message"))
    }

    /// Answers a message.
    pub async fn reply(&self, conversation: &str, to: &Message, content: &str) -> Message {
        let answer =
            self.try_send_with(json!({ "conversationId": conversation, "content": content, "replyToId": to.id })).await;
        Message::of(answer.data("sendMessage.message"))
    }

    /// Enters a public room.
    pub async fn join(&self, conversation: &str) {
        self.try_join(conversation).await.ok();
    }

    /// Leaves a conversation.
    pub async fn leave(&self, conversation: &str) {
        self.try_leave(conversation).await.ok();
    }

    /// Lets somebody in.
    pub async fn add_member(&self, conversation: &str, person: &Person, role: &str) {
        self.try_add_member(conversation, person, role).await.ok();
    }

    /// Shows somebody out.
    pub async fn remove_member(&self, conversation: &str, person: &Person) {
        self.try_remove_member(conversation, person).await.ok();
    }

    /// Reacts to a message.
    pub async fn react(&self, message: &Message, emoji: &str) {
        self.try_react(&message.id, emoji).await.ok();
    }

    /// Blocks somebody.
    pub async fn block(&self, other: &Person) {
        self.try_block(&other.id).await.ok();
    }

    /// Says how far one has read.
    pub async fn mark_read(&self, conversation: &str, up_to: &Message) {
        self.try_mark_read(conversation, &up_to.id).await.ok();
    }

    /// The newest messages, oldest first.
    pub async fn messages(&self, conversation: &str) -> Vec<Message> {
        let answer = self
            .ask(
                "query($id: ID!) { conversation(id: $id) { messages(last: 100) { nodes { id seq content } } } }",
                json!({ "id": conversation }),
            )
            .await;
        answer.data("conversation.messages.nodes").as_array().unwrap().iter().map(Message::of).collect()
    }

    /// How many messages of a conversation are unread.
    pub async fn unread(&self, conversation: &str) -> i64 {
        let query = "query($id: ID!) { conversation(id: $id) { unreadCount } }";
        self.ask(query, json!({ "id": conversation })).await.number("conversation.unreadCount")
    }

    /// The place in the stream that belongs to what is there now.
    pub async fn event_cursor(&self, conversation: &str) -> String {
        let query = "query($id: ID!) { conversation(id: $id) { messages(last: 1) { eventCursor } } }";
        self.ask(query, json!({ "id": conversation })).await.text("conversation.messages.eventCursor")
    }

    /// Follows a conversation after a cursor.
    pub async fn listen(&self, conversation: &str, after: Option<&str>) -> Subscription {
        self.subscribe(MESSAGE_EVENTS, json!({ "id": conversation, "after": after })).await
    }

    /// Follows a conversation from what is there now: whatever is sent after this call arrives.
    pub async fn listen_from_now(&self, conversation: &str) -> Subscription {
        let cursor = self.event_cursor(conversation).await;
        self.listen(conversation, Some(&cursor)).await
    }
}

/// What may be refused: the answer as it came.
impl Caller {
    /// Signs in.
    pub async fn try_sign_in(&self, login: &str, password: &str) -> Answer {
        self.ask(
            "mutation($input: SignInInput!) {
                signIn(input: $input) { user { id } session { id } accessToken refreshToken expiresIn }
            }",
            json!({ "input": { "login": login, "password": password } }),
        )
        .await
    }

    /// Exchanges a refresh token.
    pub async fn try_refresh(&self, refresh_token: &str) -> Answer {
        self.ask(
            "mutation($token: String) { refreshSession(input: { refreshToken: $token }) { accessToken refreshToken session { id } } }",
            json!({ "token": refresh_token }),
        )
        .await
    }

    /// Who the server thinks this is.
    pub async fn me(&self) -> Answer {
        self.ask("{ me { id username } }", json!({})).await
    }

    async fn change(&self, field: &str, kind: &str, selection: &str, input: Value) -> Answer {
        let query = format!("mutation($input: {kind}!) {{ {field}(input: $input) {{ {selection} }} }}");
        self.ask(&query, json!({ "input": input })).await
    }

    /// Opens a conversation.
    pub async fn try_create_conversation(&self, input: Value) -> Answer {
        self.change(
            "createConversation",
            "CreateConversationInput",
            "conversation { id name memberCount viewerRole }",
            input,
        )
        .await
    }

    /// Changes a room.
    pub async fn try_update_conversation(&self, input: Value) -> Answer {
        let selection = "conversation { id name description visibility maxMembers version }";
        self.change("updateConversation", "UpdateConversationInput", selection, input).await
    }

    /// Takes a conversation away.
    pub async fn try_delete_conversation(&self, conversation: &str) -> Answer {
        let input = json!({ "conversationId": conversation });
        self.change("deleteConversation", "DeleteConversationInput", "__typename", input).await
    }

    /// Opens a direct conversation.
    pub async fn try_open_direct(&self, user: &str) -> Answer {
        let input = json!({ "userId": user });
        self.change(
            "openDirectConversation",
            "OpenDirectConversationInput",
            "conversation { id kind isBlocked }",
            input,
        )
        .await
    }

    /// Sends a message.
    pub async fn try_send(&self, conversation: &str, content: &str) -> Answer {
        self.try_send_with(json!({ "conversationId": conversation, "content": content })).await
    }

    /// Sends a message with everything the input takes.
    pub async fn try_send_with(&self, input: Value) -> Answer {
        self.change(
            "sendMessage",
            "SendMessageInput",
            "message { id seq content clientId mentions { username } }",
            input,
        )
        .await
    }

    /// Corrects a message.
    pub async fn try_edit(&self, message: &str, content: &str) -> Answer {
        let input = json!({ "messageId": message, "content": content, "reason": "a slip" });
        self.change("editMessage", "EditMessageInput", "message { id seq content isEdited editCount }", input).await
    }

    /// Takes a message away.
    pub async fn try_delete(&self, message: &str) -> Answer {
        let input = json!({ "messageId": message, "reason": "a slip" });
        self.change("deleteMessage", "DeleteMessageInput", "message { id seq content isDeleted }", input).await
    }

    /// Pins a message, or takes the pin out.
    pub async fn try_pin(&self, message: &str, pinned: bool) -> Answer {
        let input = json!({ "messageId": message, "pinned": pinned });
        self.change("setMessagePinned", "SetMessagePinnedInput", "message { id isPinned }", input).await
    }

    /// Reacts to a message.
    pub async fn try_react(&self, message: &str, emoji: &str) -> Answer {
        let input = json!({ "messageId": message, "emoji": emoji });
        let selection = "message { id reactionCount reactions { emoji count viewerReacted } }";
        self.change("addReaction", "AddReactionInput", selection, input).await
    }

    /// Takes a reaction back.
    pub async fn try_unreact(&self, message: &str, emoji: &str) -> Answer {
        let input = json!({ "messageId": message, "emoji": emoji });
        let selection = "message { id reactionCount reactions { emoji count viewerReacted } }";
        self.change("removeReaction", "RemoveReactionInput", selection, input).await
    }

    /// Enters a public room.
    pub async fn try_join(&self, conversation: &str) -> Answer {
        let input = json!({ "conversationId": conversation });
        self.change("joinConversation", "JoinConversationInput", "conversation { id memberCount viewerRole }", input)
            .await
    }

    /// Leaves a conversation.
    pub async fn try_leave(&self, conversation: &str) -> Answer {
        let input = json!({ "conversationId": conversation });
        self.change("leaveConversation", "LeaveConversationInput", "__typename", input).await
    }

    /// Lets somebody in.
    pub async fn try_add_member(&self, conversation: &str, person: &Person, role: &str) -> Answer {
        let input = json!({ "conversationId": conversation, "userId": person.id, "role": role });
        self.change("addConversationMember", "AddConversationMemberInput", "conversation { id memberCount }", input)
            .await
    }

    /// Gives a member another role.
    pub async fn try_update_member(&self, conversation: &str, person: &Person, role: &str) -> Answer {
        let input = json!({ "conversationId": conversation, "userId": person.id, "role": role });
        self.change("updateConversationMember", "UpdateConversationMemberInput", "conversation { id }", input).await
    }

    /// Shows somebody out.
    pub async fn try_remove_member(&self, conversation: &str, person: &Person) -> Answer {
        let input = json!({ "conversationId": conversation, "userId": person.id });
        self.change(
            "removeConversationMember",
            "RemoveConversationMemberInput",
            "conversation { id memberCount }",
            input,
        )
        .await
    }

    /// Says how far one has read.
    pub async fn try_mark_read(&self, conversation: &str, message: &str) -> Answer {
        let input = json!({ "conversationId": conversation, "upToMessageId": message });
        self.change("markConversationRead", "MarkConversationReadInput", "conversation { id unreadCount }", input).await
    }

    /// Says that one is writing.
    pub async fn try_type(&self, conversation: &str, typing: bool) -> Answer {
        self.change(
            "setTyping",
            "SetTypingInput",
            "__typename",
            json!({ "conversationId": conversation, "typing": typing }),
        )
        .await
    }

    /// Blocks somebody.
    pub async fn try_block(&self, user: &str) -> Answer {
        self.change("blockUser", "BlockUserInput", "user { id }", json!({ "userId": user })).await
    }

    /// Lets somebody back in.
    pub async fn try_unblock(&self, user: &str) -> Answer {
        self.change("unblockUser", "UnblockUserInput", "user { id }", json!({ "userId": user })).await
    }

    /// Changes one's profile.
    pub async fn try_update_profile(&self, input: Value) -> Answer {
        self.change("updateProfile", "UpdateProfileInput", "user { id username displayName email bio version }", input)
            .await
    }
}

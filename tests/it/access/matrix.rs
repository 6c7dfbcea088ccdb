//! The table. A row is a field, one way to it, and what each of `Anonymous Stranger Member Moderator Owner Admin` gets.

use super::{
    Outcome::{self, Code, Null, Yes},
    Row,
};

const ANON: Outcome = Code("UNAUTHENTICATED");
const DENIED: Outcome = Code("PERMISSION_DENIED");
const GONE: Outcome = Code("NOT_FOUND");
const NO_ROOM: Outcome = Code("ROOM_NOT_FOUND");
const RULE: Outcome = Code("BUSINESS_RULE_VIOLATION");

macro_rules! rows {
    ($($field:literal: $document:literal => [$($outcome:expr),* $(,)?];)*) => {
        /// Every row.
        pub const ROWS: &[Row] = &[$(Row { field: $field, document: $document, outcomes: [$($outcome),*] },)*];
    };
}

rows! {
    // --- People
    "Query.me": "{ me { id } }" => [Null, Yes, Yes, Yes, Yes, Yes];
    "Query.user": "{ user(id: \"<owner>\") { username } }" => [Yes, Yes, Yes, Yes, Yes, Yes];
    "Query.usernameAvailability": "{ usernameAvailability(username: \"somebody\") { isAvailable } }" => [Yes, Yes, Yes, Yes, Yes, Yes];
    "Query.users": "{ users(first: 1) { totalCount } }" => [Yes, Yes, Yes, Yes, Yes, Yes];
    "Query.node": "{ node(id: \"<owner>\") { id } }" => [Yes, Yes, Yes, Yes, Yes, Yes];
    "Query.node": "{ node(id: \"<session>\") { id } }" => [Null, Null, Null, Null, Yes, Null];
    "Query.node": "{ node(id: \"<room>\") { id } }" => [Null, Null, Yes, Yes, Yes, Null];
    "Query.node": "{ node(id: \"<message>\") { id } }" => [Null, Null, Yes, Yes, Yes, Null];
    "Query.nodes": "{ nodes(ids: [\"<message>\"]) { id } }" => [Null, Null, Yes, Yes, Yes, Null];
    "User.email": "{ user(id: \"<owner>\") { email } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.email": "{ node(id: \"<owner>\") { ... on User { email } } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.email": "{ nodes(ids: [\"<owner>\"]) { ... on User { email } } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.email": "{ conversation(id: \"<room>\") { owner { email } } }" => [ANON, NO_ROOM, DENIED, DENIED, Yes, NO_ROOM];
    "User.emailVerifiedAt": "{ user(id: \"<owner>\") { emailVerifiedAt } }" => [ANON, DENIED, DENIED, DENIED, Null, DENIED];
    "User.pendingEmail": "{ user(id: \"<owner>\") { pendingEmail } }" => [ANON, DENIED, DENIED, DENIED, Null, DENIED];
    "User.firstName": "{ user(id: \"<owner>\") { firstName } }" => [ANON, DENIED, DENIED, DENIED, Null, DENIED];
    "User.lastName": "{ user(id: \"<owner>\") { lastName } }" => [ANON, DENIED, DENIED, DENIED, Null, DENIED];
    "User.birthdate": "{ user(id: \"<owner>\") { birthdate } }" => [ANON, DENIED, DENIED, DENIED, Null, DENIED];
    "User.gender": "{ user(id: \"<owner>\") { gender } }" => [ANON, DENIED, DENIED, DENIED, Null, DENIED];
    "User.subscriptionPlan": "{ user(id: \"<owner>\") { subscriptionPlan } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.xportalAddress": "{ user(id: \"<owner>\") { xportalAddress } }" => [ANON, DENIED, DENIED, DENIED, Null, DENIED];
    "User.githubUsername": "{ user(id: \"<owner>\") { githubUsername } }" => [ANON, DENIED, DENIED, DENIED, Null, DENIED];
    "User.lastLoginAt": "{ user(id: \"<owner>\") { lastLoginAt } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.passwordChangedAt": "{ user(id: \"<owner>\") { passwordChangedAt } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.preferences": "{ user(id: \"<owner>\") { preferences } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.version": "{ user(id: \"<owner>\") { version } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.blockedUsers": "{ user(id: \"<owner>\") { blockedUsers { totalCount } } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.sessions": "{ user(id: \"<owner>\") { sessions { totalCount } } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.sessionStats": "{ user(id: \"<owner>\") { sessionStats { active } } }" => [ANON, DENIED, DENIED, DENIED, Yes, DENIED];
    "User.roles": "{ user(id: \"<owner>\") { roles { expiresAt } } }" => [ANON, DENIED, DENIED, DENIED, Yes, Yes];
    "Mutation.updateProfile": "mutation { updateProfile(input: { bio: \"x\" }) { user { id } } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Mutation.blockUser": "mutation { blockUser(input: { userId: \"<guest>\" }) { user { id } } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Mutation.unblockUser": "mutation { unblockUser(input: { userId: \"<guest>\" }) { user { id } } }" => [ANON, Yes, Yes, Yes, Yes, Yes];

    // --- Signing in
    "Mutation.signUp": "mutation { signUp(input: { username: \"new-<number>\", email: \"new-<number>@example.org\", password: \"Seven-horns-and-a-drum\" }) { user { id } } }"
        => [Yes, Yes, Yes, Yes, Yes, Yes];
    "Mutation.issueScopedToken": "mutation { issueScopedToken(input: { scope: CHAT }) { token } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Mutation.signIn": "mutation { signIn(input: { login: \"<guest-name>\", password: \"Seven-horns-and-a-drum\" }) { user { id } } }"
        => [Yes, Yes, Yes, Yes, Yes, Yes];
    "Mutation.signIn": "mutation { signIn(input: { login: \"<guest-name>\", password: \"Eight-horns-and-a-drum\" }) { user { id } } }"
        => [Code("INVALID_CREDENTIALS"), Code("INVALID_CREDENTIALS"), Code("INVALID_CREDENTIALS"), Code("INVALID_CREDENTIALS"), Code("INVALID_CREDENTIALS"), Code("INVALID_CREDENTIALS")];
    "Mutation.refreshSession": "mutation { refreshSession(input: { refreshToken: \"<refresh>\" }) { user { id } } }" => [Yes, Yes, Yes, Yes, Yes, Yes];
    "Mutation.renewConnection": "mutation { renewConnection(input: { accessToken: \"nonsense\" }) { expiresAt } }" => [ANON, RULE, RULE, RULE, RULE, RULE];
    "Mutation.signOut": "mutation { signOut(input: { scope: CURRENT }) { sessionsEnded } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Mutation.revokeSession": "mutation { revokeSession(input: { sessionId: \"<session>\" }) { sessionId } }" => [ANON, GONE, GONE, GONE, Yes, GONE];
    "Mutation.verifyEmail": "mutation { verifyEmail(input: { token: \"nonsense\" }) { user { id } } }"
        => [Code("INVALID_TOKEN"), Code("INVALID_TOKEN"), Code("INVALID_TOKEN"), Code("INVALID_TOKEN"), Code("INVALID_TOKEN"), Code("INVALID_TOKEN")];
    "Mutation.resendVerificationEmail": "mutation { resendVerificationEmail(input: { email: \"<guest-email>\" }) { accepted } }" => [Yes, Yes, Yes, Yes, Yes, Yes];
    "Mutation.requestPasswordReset": "mutation { requestPasswordReset(input: { email: \"<guest-email>\" }) { accepted } }" => [Yes, Yes, Yes, Yes, Yes, Yes];
    "Mutation.resetPassword": "mutation { resetPassword(input: { token: \"nonsense\", newPassword: \"Nine-horns-and-a-drum\" }) { user { id } } }"
        => [Code("INVALID_TOKEN"), Code("INVALID_TOKEN"), Code("INVALID_TOKEN"), Code("INVALID_TOKEN"), Code("INVALID_TOKEN"), Code("INVALID_TOKEN")];

    // --- Roles
    "Query.roles": "{ roles { totalCount } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Query.permissions": "{ permissions { name } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Query.role": "{ role(id: \"<role>\") { name } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Mutation.createRole": "mutation { createRole(input: { name: \"NEW_<number>\", displayName: \"New\" }) { role { id } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, Yes];
    "Mutation.updateRole": "mutation { updateRole(input: { roleId: \"<role>\", displayName: \"New\" }) { role { id } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, Yes];
    "Mutation.deleteRole": "mutation { deleteRole(input: { roleId: \"<role>\" }) { roleId } }" => [ANON, DENIED, DENIED, DENIED, DENIED, Yes];
    "Mutation.assignRole": "mutation { assignRole(input: { userId: \"<owner>\", roleId: \"<role>\" }) { user { id } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, Yes];
    "Mutation.revokeRole": "mutation { revokeRole(input: { userId: \"<owner>\", roleId: \"<role>\" }) { user { id } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, Yes];

    // --- Operations
    "Query.adminJobs": "{ adminJobs { totalCount } }" => [ANON, DENIED, DENIED, DENIED, DENIED, Yes];
    "Mutation.retryJob": "mutation { retryJob(input: { jobId: \"job_00000000000000000000000000\" }) { job { id } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, GONE];

    // --- Conversations, read
    "Conversation.messages": "{ conversation(id: \"<room>\") { messages { totalCount } } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Conversation.messages": "{ conversation(id: \"<hall>\") { messages { totalCount } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, DENIED];
    "Conversation.members": "{ conversation(id: \"<hall>\") { members { totalCount } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, DENIED];
    "Conversation.members": "{ conversation(id: \"<room>\") { members { totalCount } } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Conversation.lastMessage": "{ conversation(id: \"<hall>\") { lastMessage { id } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, DENIED];
    "Conversation.lastMessage": "{ conversation(id: \"<room>\") { lastMessage { id } } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Conversation.unreadCount": "{ conversation(id: \"<hall>\") { unreadCount } }" => [ANON, DENIED, DENIED, DENIED, DENIED, DENIED];
    "Conversation.unreadCount": "{ conversation(id: \"<room>\") { unreadCount } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Conversation.metadata": "{ conversation(id: \"<hall>\") { metadata } }" => [ANON, DENIED, DENIED, DENIED, DENIED, DENIED];
    "Conversation.metadata": "{ conversation(id: \"<room>\") { metadata } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Message.deletionReason": "{ node(id: \"<deleted>\") { ... on Message { deletionReason } } }" => [Null, Null, DENIED, Yes, Yes, Null];
    "Message.deletionReason": "{ node(id: \"<removed>\") { ... on Message { deletionReason } } }" => [Null, Null, Yes, Yes, Yes, Null];
    "Message.deletionReason": "{ node(id: \"<taken-back>\") { ... on Message { deletionReason } } }" => [Null, Null, Yes, Null, Yes, Null];
    "Mutation.markMessagesDelivered": "mutation { markMessagesDelivered(input: { conversationId: \"<room>\", upToMessageId: \"<message>\" }) { conversation { id } } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Query.conversations": "{ conversations { totalCount } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Query.conversation": "{ conversation(id: \"<room>\") { name } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Query.conversation": "{ conversation(id: \"<hall>\") { name } }" => [ANON, Yes, Yes, Yes, Yes, Yes];

    "Query.messageEvents": "{ messageEvents(conversationId: \"<room>\") { pageInfo { endCursor } } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Query.messageEvents": "{ messageEvents(conversationId: \"<hall>\") { pageInfo { endCursor } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, DENIED];
    "Query.inboxEvents": "{ inboxEvents { pageInfo { endCursor } } }" => [ANON, Yes, Yes, Yes, Yes, Yes];

    // --- Conversations, changed
    "Mutation.createConversation": "mutation { createConversation(input: { kind: ROOM, name: \"New\", visibility: PRIVATE }) { conversation { id } } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Mutation.openDirectConversation": "mutation { openDirectConversation(input: { userId: \"<guest>\" }) { conversation { id } } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Mutation.updateConversation": "mutation { updateConversation(input: { conversationId: \"<room>\", name: \"New\" }) { conversation { id } } }" => [ANON, NO_ROOM, DENIED, Yes, Yes, NO_ROOM];
    "Mutation.updateConversation": "mutation { updateConversation(input: { conversationId: \"<hall>\", name: \"New\" }) { conversation { id } } }" => [ANON, DENIED, DENIED, DENIED, DENIED, DENIED];
    "Mutation.updateConversation": "mutation { updateConversation(input: { conversationId: \"<room>\", visibility: PUBLIC }) { conversation { id } } }" => [ANON, NO_ROOM, DENIED, DENIED, Yes, NO_ROOM];
    "Mutation.updateConversation": "mutation { updateConversation(input: { conversationId: \"<room>\", visibility: PRIVATE }) { conversation { id } } }" => [ANON, NO_ROOM, DENIED, Yes, Yes, NO_ROOM];
    "Mutation.setConversationArchived": "mutation { setConversationArchived(input: { conversationId: \"<room>\", archived: true }) { conversation { id } } }" => [ANON, NO_ROOM, DENIED, DENIED, Yes, NO_ROOM];
    "Mutation.muteConversation": "mutation { muteConversation(input: { conversationId: \"<room>\", until: \"2030-01-01T00:00:00Z\" }) { conversation { id } } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Mutation.deleteConversation": "mutation { deleteConversation(input: { conversationId: \"<room>\" }) { __typename } }" => [ANON, NO_ROOM, DENIED, DENIED, Yes, NO_ROOM];
    "Mutation.joinConversation": "mutation { joinConversation(input: { conversationId: \"<hall>\" }) { conversation { id } } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
    "Mutation.joinConversation": "mutation { joinConversation(input: { conversationId: \"<room>\" }) { conversation { id } } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Mutation.leaveConversation": "mutation { leaveConversation(input: { conversationId: \"<room>\" }) { __typename } }" => [ANON, NO_ROOM, Yes, Yes, RULE, NO_ROOM];
    "Mutation.addConversationMember": "mutation { addConversationMember(input: { conversationId: \"<room>\", userId: \"<guest>\", role: MEMBER }) { conversation { id } } }" => [ANON, NO_ROOM, DENIED, Yes, Yes, NO_ROOM];
    "Mutation.updateConversationMember": "mutation { updateConversationMember(input: { conversationId: \"<room>\", userId: \"<target>\", role: MODERATOR }) { conversation { id } } }" => [ANON, NO_ROOM, DENIED, DENIED, Yes, NO_ROOM];
    "Mutation.removeConversationMember": "mutation { removeConversationMember(input: { conversationId: \"<room>\", userId: \"<target>\" }) { conversation { id } } }" => [ANON, NO_ROOM, DENIED, Yes, Yes, NO_ROOM];
    "Mutation.sendMessage": "mutation { sendMessage(input: { conversationId: \"<room>\", content: \"hello\" }) { message { id } } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Mutation.editMessage": "mutation { editMessage(input: { messageId: \"<message>\", content: \"hello!\" }) { message { id } } }" => [ANON, GONE, DENIED, DENIED, Yes, GONE];
    "Mutation.deleteMessage": "mutation { deleteMessage(input: { messageId: \"<message>\" }) { message { id } } }" => [ANON, GONE, DENIED, Yes, Yes, GONE];
    "Mutation.setMessagePinned": "mutation { setMessagePinned(input: { messageId: \"<message>\", pinned: true }) { message { id } } }" => [ANON, GONE, DENIED, Yes, Yes, GONE];
    "Mutation.addReaction": "mutation { addReaction(input: { messageId: \"<message>\", emoji: \"👍\" }) { message { id } } }" => [ANON, GONE, Yes, Yes, Yes, GONE];
    "Mutation.removeReaction": "mutation { removeReaction(input: { messageId: \"<message>\", emoji: \"👍\" }) { message { id } } }" => [ANON, GONE, Yes, Yes, Yes, GONE];
    "Mutation.markConversationRead": "mutation { markConversationRead(input: { conversationId: \"<room>\", upToMessageId: \"<message>\" }) { conversation { id } } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Mutation.setTyping": "mutation { setTyping(input: { conversationId: \"<room>\", typing: true }) { __typename } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];

    // --- Conversations, live
    "Subscription.messageEvents": "subscription { messageEvents(conversationId: \"<room>\") { __typename } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Subscription.typingChanged": "subscription { typingChanged(conversationId: \"<room>\") { typing } }" => [ANON, NO_ROOM, Yes, Yes, Yes, NO_ROOM];
    "Subscription.inboxChanged": "subscription { inboxChanged { cursor } }" => [ANON, Yes, Yes, Yes, Yes, Yes];
}

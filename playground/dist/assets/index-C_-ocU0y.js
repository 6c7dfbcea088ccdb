import{a as e}from"./rolldown-runtime-BWaJ3C7D.js";import{_r as t,c as n,d as r,gr as i,hr as a,i as o,m as s,mr as c,n as l,pr as ee,r as te,s as u,t as ne,u as re,vr as ie}from"./libraries-WW5R0zZx.js";(function(){let e=document.createElement(`link`).relList;if(e&&e.supports&&e.supports(`modulepreload`))return;for(let e of document.querySelectorAll(`link[rel="modulepreload"]`))n(e);new MutationObserver(e=>{for(let t of e)if(t.type===`childList`)for(let e of t.addedNodes)e.tagName===`LINK`&&e.rel===`modulepreload`&&n(e)}).observe(document,{childList:!0,subtree:!0});function t(e){let t={};return e.integrity&&(t.integrity=e.integrity),e.referrerPolicy&&(t.referrerPolicy=e.referrerPolicy),t.credentials=e.crossOrigin===`use-credentials`?`include`:e.crossOrigin===`anonymous`?`omit`:`same-origin`,t}function n(e){if(e.ep)return;e.ep=!0;let n=t(e);fetch(e.href,n)}})();var ae=t();globalThis.MonacoEnvironment={getWorker(e,t){return t===`json`?new a:t===`graphql`?new c:new i}};var d=e(ie(),1),oe=`# as: alice
# The roles that can be granted on this server, and what a role can be given to allow.
# Everybody signed in sees them. What follows here is for administrators who signed in a short while ago.
query Roles($first: Int) {
  roles(first: $first) {
    totalCount
    nodes {
      id
      name
      displayName
      description
      isSystem
      isActive
      permissions {
        name
      }
    }
  }
  permissions {
    id
    name
    description
  }
}
`,se=`# as: alice
# One role.
query Role($id: ID!) {
  role(id: $id) {
    name
    displayName
    description
    permissions {
      name
    }
  }
}
`,ce=`# as: alice
# Make a role.
# Run it twice: the name is taken, and the answer is RESOURCE_CONFLICT.
mutation CreateRole($input: CreateRoleInput!) {
  createRole(input: $input) {
    role {
      id
      name
      displayName
    }
  }
}
`,le=`# as: alice
# Change how a role reads.
# The system's own keep their names and stay active: isActive: false is BUSINESS_RULE_VIOLATION here.
mutation UpdateRole($input: UpdateRoleInput!) {
  updateRole(input: $input) {
    role {
      name
      displayName
      description
    }
  }
}
`,ue=`# as: alice
# Give somebody a role until a day, and take it away again.
# Each of the two ends Erin's open connections: they come back with her new rights.
mutation GrantAndRevokeRole($userId: ID!, $roleId: ID!, $expiresAt: DateTime) {
  assignRole(input: { userId: $userId, roleId: $roleId, expiresAt: $expiresAt }) {
    user {
      username
      roles {
        role {
          name
        }
        expiresAt
        assignedBy {
          username
        }
      }
    }
  }
  revokeRole(input: { userId: $userId, roleId: $roleId }) {
    user {
      username
      roles {
        role {
          name
        }
      }
    }
  }
}
`,de=`# as: alice
# Take a role away; who held it holds it no more.
# The system's own stay.
mutation DeleteRole($roleId: ID!) {
  deleteRole(input: { roleId: $roleId }) {
    roleId
  }
}
`,fe=`# as: alice
# What the server does beside: jobs that wait, run or have failed. A finished one is gone.
# Try "FAILED" for the status; retryJob runs such a job again.
query Jobs($filter: JobFilter, $first: Int, $after: String) {
  adminJobs(filter: $filter, first: $first, after: $after) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    nodes {
      id
      kind
      status
      runAt
      attempts
      maxAttempts
      lastError
    }
  }
}
`,pe=`# as: alice
# Start here: who you are and what waits for you.
# Click "Alice" at the top, then press the play button or Ctrl-Enter.
# Every example on the left runs as it stands; its first line says whom it is for.
# Each browser tab has its own person: what Bob writes in a second one, Alice sees live.
query Welcome {
  me {
    username
    displayName
  }
  conversations(first: 5) {
    totalCount
    nodes {
      id
      kind
      name
      otherUser {
        username
      }
      unreadCount
      lastMessage {
        content
        sender {
          username
        }
      }
    }
  }
}
`,me=`# as: alice
# The rooms you belong to, most recently active first.
# Try "DIRECT" for $kind, or take it out for everything.
# To turn the page, put pageInfo.endCursor into $after.
query MyConversations($kind: ConversationKind, $search: String, $first: Int, $after: String) {
  conversations(kind: $kind, search: $search, first: $first, after: $after) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      cursor
      node {
        id
        name
        description
        visibility
        memberCount
        messageCount
        unreadCount
        lastActivityAt
        viewerRole
      }
    }
  }
}
`,he=`# as: alice
# One room with its members, and who of them is here.
# Dave is not in the Studio: sign in as him and this private room does not exist.
query Room($id: ID!) {
  conversation(id: $id) {
    name
    visibility
    memberCount
    maxMembers
    viewerRole
    owner {
      username
    }
    members(first: 10) {
      totalCount
      nodes {
        role
        isOnline
        lastSeenAt
        user {
          username
          displayName
        }
      }
    }
  }
}
`,ge=`# as: alice
# The newest messages of a room.
# To scroll up, put pageInfo.startCursor into $before: pages never overlap or skip, also while people write.
query ReadMessages($id: ID!, $last: Int, $before: String) {
  conversation(id: $id) {
    name
    unreadCount
    messages(last: $last, before: $before) {
      pageInfo {
        hasPreviousPage
        startCursor
      }
      nodes {
        id
        seq
        content
        sender {
          username
        }
        isEdited
        isDeleted
        isPinned
        threadCount
        reactions {
          emoji
          count
          viewerReacted
        }
        mentions {
          username
        }
        createdAt
      }
    }
  }
}
`,_e=`# as: bob
# Write to a room.
# Have MessageEvents running as Alice in a second browser tab, and it shows up there.
# A name with @ is a mention.
mutation SendMessage($conversationId: ID!, $content: String!) {
  sendMessage(input: { conversationId: $conversationId, content: $content }) {
    message {
      id
      seq
      content
      mentions {
        username
      }
      createdAt
    }
  }
}
`,ve=`# as: alice
# Write with an id of the client's making, so that a retry cannot post twice.
# Run it again: the same message comes back, isDuplicate is true, and there is still only one.
mutation SendMessageOnce($conversationId: ID!, $content: String!, $clientId: String!) {
  sendMessage(input: { conversationId: $conversationId, content: $content, clientId: $clientId }) {
    message {
      id
      seq
      clientId
    }
    isDuplicate
  }
}
`,ye=`# as: bob
# Answer a message.
# The first message's threadCount goes up.
# Replies stay out of the room's own list unless it asks for includeThreads: true.
mutation ReplyToMessage($conversationId: ID!, $replyToId: ID!, $content: String!) {
  sendMessage(input: { conversationId: $conversationId, replyToId: $replyToId, content: $content }) {
    message {
      id
      content
      replyTo {
        seq
        content
        threadCount
      }
    }
  }
}
`,be=`# as: alice
# Correct a message of your own.
# Run it again with another text and watch editCount; edits has the earlier texts.
mutation EditMessage($messageId: ID!, $content: String!, $reason: String) {
  editMessage(input: { messageId: $messageId, content: $content, reason: $reason }) {
    message {
      seq
      content
      isEdited
      editCount
      editedAt
      edits {
        nodes {
          content
          reason
        }
      }
    }
  }
}
`,xe=`# as: alice
# Take a message away: its author, a moderator or the owner may.
# The text is gone, the place and its number stay, so nobody's list has a hole.
mutation DeleteMessage($messageId: ID!, $reason: String) {
  deleteMessage(input: { messageId: $messageId, reason: $reason }) {
    message {
      seq
      isDeleted
      content
    }
  }
}
`,Se=`# as: alice
# Pin a message for everybody: the owner and moderators may.
mutation PinMessage($messageId: ID!, $pinned: Boolean!) {
  setMessagePinned(input: { messageId: $messageId, pinned: $pinned }) {
    message {
      seq
      content
      isPinned
    }
  }
}
`,Ce=`# as: bob
# Only what is pinned in a room.
query PinnedMessages($id: ID!) {
  conversation(id: $id) {
    messages(first: 20, pinnedOnly: true) {
      totalCount
      nodes {
        seq
        content
        sender {
          username
        }
      }
    }
  }
}
`,we=`# as: bob
# React with an emoji, once a person and emoji.
# Look at count and viewerReacted, and run it again: nothing is counted twice.
mutation AddReaction($messageId: ID!, $emoji: String!) {
  addReaction(input: { messageId: $messageId, emoji: $emoji }) {
    message {
      seq
      reactionCount
      reactions {
        emoji
        count
        viewerReacted
        people(first: 3) {
          nodes {
            user {
              username
            }
          }
        }
      }
    }
  }
}
`,Te=`# as: carol
# Two mutations in one document run one after the other.
# Compare reactionCount in the two answers.
mutation ReactAndTakeBack($messageId: ID!, $emoji: String!) {
  react: addReaction(input: { messageId: $messageId, emoji: $emoji }) {
    message {
      reactionCount
    }
  }
  takeBack: removeReaction(input: { messageId: $messageId, emoji: $emoji }) {
    message {
      reactionCount
    }
  }
}
`,Ee=`# as: bob
# Say how far you have read: unreadCount goes down.
# Marking an older message does not bring it up again.
mutation MarkRead($conversationId: ID!, $upToMessageId: ID!) {
  markConversationRead(input: { conversationId: $conversationId, upToMessageId: $upToMessageId }) {
    conversation {
      name
      unreadCount
    }
  }
}
`,De=`# as: alice
# Open a room and bring people along.
# You become its owner; the others see it at once in InboxChanged.
mutation CreateRoom($name: String!, $description: String, $memberIds: [ID!]) {
  createConversation(
    input: {
      kind: ROOM
      name: $name
      description: $description
      visibility: PRIVATE
      maxMembers: 20
      memberIds: $memberIds
    }
  ) {
    conversation {
      id
      name
      memberCount
      viewerRole
    }
  }
}
`,Oe=`# as: alice
# The direct conversation with somebody: made the first time, found ever after.
# Run it again: the id stays the same.
mutation OpenDirectConversation($userId: ID!) {
  openDirectConversation(input: { userId: $userId }) {
    conversation {
      id
      kind
      otherUser {
        username
      }
      isBlocked
      lastMessage {
        content
      }
    }
  }
}
`,f=`# as: erin
# Enter a public room, and leave it again.
# The fields run in their order: look at memberCount and viewerRole.
mutation JoinAndLeave($conversationId: ID!) {
  joinConversation(input: { conversationId: $conversationId }) {
    conversation {
      name
      memberCount
      viewerRole
    }
  }
  leaveConversation(input: { conversationId: $conversationId }) {
    conversation {
      memberCount
      viewerRole
    }
  }
}
`,p=`# as: alice
# Let Dave into the private Studio, and show him out again.
# Take the second field out, and Dave can follow MessageEvents of the Studio; removing him ends his stream at once.
mutation AddAndRemoveMember($conversationId: ID!, $userId: ID!) {
  addConversationMember(input: { conversationId: $conversationId, userId: $userId, role: MEMBER }) {
    conversation {
      memberCount
    }
  }
  removeConversationMember(input: { conversationId: $conversationId, userId: $userId }) {
    conversation {
      memberCount
    }
  }
}
`,m=`# as: alice
# Give a member more rights: only an owner may.
mutation MakeModerator($conversationId: ID!, $userId: ID!) {
  updateConversationMember(input: { conversationId: $conversationId, userId: $userId, role: MODERATOR }) {
    conversation {
      name
      members(role: MODERATOR, first: 5) {
        nodes {
          user {
            username
          }
        }
      }
    }
  }
}
`,h=`# as: erin
# Public rooms by a part of the name, joined or not.
# Erin is no member: lastMessage and messages are not for her until she has joined.
query FindRooms($search: String, $first: Int) {
  conversations(filter: PUBLIC, search: $search, first: $first) {
    nodes {
      id
      name
      description
      memberCount
      viewerRole
      owner {
        username
      }
    }
  }
}
`,g=`# as: alice
# A message with its replies.
# A reply to a reply stands under the first message: threads have one level.
query Thread($id: ID!, $last: Int) {
  node(id: $id) {
    ... on Message {
      content
      threadCount
      replies(last: $last) {
        nodes {
          seq
          content
          sender {
            username
          }
        }
      }
    }
  }
}
`,_=`# as: carol
# Say how far messages have reached you, read or not.
# The senders see it in receipts, and live as ReceiptMoved.
mutation MarkDelivered($conversationId: ID!, $upToMessageId: ID!) {
  markMessagesDelivered(input: { conversationId: $conversationId, upToMessageId: $upToMessageId }) {
    conversation {
      name
      unreadCount
    }
  }
}
`,v=`# as: alice
# Who has received and read the newest message, and when.
# Run MarkRead as Bob, then this again. Who came into the room later is not in the list.
query Receipts($id: ID!, $first: Int, $after: String) {
  conversation(id: $id) {
    lastMessage {
      seq
      content
      deliveredCount
      readCount
      receipts(first: $first, after: $after) {
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          user {
            username
          }
          deliveredAt
          readAt
        }
      }
    }
  }
}
`,y=`# as: alice
# Change a room: moderators and the owner may. What you leave out stays as it is.
# Send the version you have seen as expectedVersion, and nobody's change is overwritten: RESOURCE_CONFLICT.
mutation UpdateRoom($conversationId: ID!, $description: String) {
  updateConversation(input: { conversationId: $conversationId, description: $description }) {
    conversation {
      name
      description
      version
    }
  }
}
`,b=`# as: alice
# Take a room away, with its members and messages: only an owner may.
# Run it twice: the second answer is ROOM_NOT_FOUND.
mutation DeleteRoom($conversationId: ID!) {
  deleteConversation(input: { conversationId: $conversationId }) {
    conversationId
  }
}
`,x=`# as: alice
# Put a room aside, and take it out again: only an owner may.
# Take the second field out, and nothing can be said in it until it is taken out; conversations(archived: true) lists it.
mutation ArchiveRoom($conversationId: ID!) {
  archive: setConversationArchived(input: { conversationId: $conversationId, archived: true }) {
    conversation {
      name
      isArchived
    }
  }
  takeOut: setConversationArchived(input: { conversationId: $conversationId, archived: false }) {
    conversation {
      isArchived
    }
  }
}
`,S=`# as: bob
# Silence a conversation for yourself: nobody else learns of it.
# null for $until ends the silence.
mutation MuteConversation($conversationId: ID!, $until: DateTime) {
  muteConversation(input: { conversationId: $conversationId, until: $until }) {
    conversation {
      name
      viewerMembership {
        mutedUntil
      }
    }
  }
}
`,C=`# as: bob
# Who reacted to a message with what, and when.
# To see more people behind an emoji, put its pageInfo.endCursor into $after.
query WhoReacted($id: ID!, $first: Int, $after: String) {
  node(id: $id) {
    ... on Message {
      content
      reactionCount
      reactions {
        emoji
        count
        firstReactedAt
        people(first: $first, after: $after) {
          pageInfo {
            hasNextPage
            endCursor
          }
          nodes {
            reactedAt
            user {
              username
            }
          }
        }
      }
    }
  }
}
`,w=`# as: alice
# Everything that happens in a room, as it happens.
# Press the play button, then write as Bob from a second browser tab (SendMessage, AddReaction).
# Sending also reads: after MessageSent comes the sender's ReceiptMoved.
# Every event has a cursor: give the last one seen as $after, and a broken line costs you nothing.
# The playground does so by itself when it has to reconnect.
subscription MessageEvents($conversationId: ID!, $after: String) {
  messageEvents(conversationId: $conversationId, after: $after) {
    __typename
    ... on MessageSent {
      cursor
      message {
        id
        seq
        content
        sender {
          username
        }
      }
    }
    ... on MessageEdited {
      cursor
      message {
        seq
        content
        editCount
      }
    }
    ... on MessageDeleted {
      cursor
      message {
        seq
        isDeleted
      }
    }
    ... on MessagePinned {
      cursor
      message {
        seq
        isPinned
      }
    }
    ... on ReactionsChanged {
      cursor
      message {
        seq
        reactions {
          emoji
          count
        }
      }
    }
    ... on ReceiptMoved {
      cursor
      kind
      seq
      user {
        username
      }
    }
  }
}
`,T=`# as: alice
# The state and the place in the stream, together.
# Take eventCursor as $after of MessageEvents: you get what came after this answer, with nothing missed and nothing twice.
query Snapshot($id: ID!) {
  conversation(id: $id) {
    messages(last: 3) {
      eventCursor
      nodes {
        seq
        content
        sender {
          username
        }
      }
    }
  }
}
`,ke=`# as: bob
# Changes over all of your conversations: what a list of chats needs.
# Run SendMessageOnce, CreateRoom or AddAndRemoveMember as Alice in a second browser tab.
subscription InboxChanged($after: String) {
  inboxChanged(after: $after) {
    __typename
    cursor
    conversation {
      id
      name
      unreadCount
      lastMessage {
        content
      }
    }
    ... on MemberJoined {
      user {
        username
      }
    }
    ... on MemberLeft {
      user {
        username
      }
      removed
    }
    ... on ConversationRemoved {
      conversationId
    }
  }
}
`,Ae=`# as: alice
# Who is writing just now.
# Run SetTyping as Bob in a second browser tab.
# A signal of the moment: it has no cursor and is not kept.
subscription TypingChanged($conversationId: ID!) {
  typingChanged(conversationId: $conversationId) {
    typing
    expiresAt
    user {
      username
    }
  }
}
`,je=`# as: bob
# Say that you are writing.
# It ends by itself after six seconds unless said again.
mutation SetTyping($conversationId: ID!, $typing: Boolean!) {
  setTyping(input: { conversationId: $conversationId, typing: $typing }) {
    typing
    expiresAt
  }
}
`,Me=`# as: alice
# The log without a subscription: what MessageEvents would have told behind a cursor, a page at a time.
# Take an eventCursor of Snapshot as $after, say something as Bob in a second browser tab, and run this.
# pageInfo.endCursor goes on: as $after of the next page, or of MessageEvents.
query MissedEvents($id: ID!, $after: String) {
  messageEvents(conversationId: $id, after: $after) {
    nodes {
      __typename
      cursor
      ... on MessageSent {
        message {
          seq
          content
          sender {
            username
          }
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,Ne=`# as: bob
# The same for InboxChanged: what has changed over all of your conversations behind a cursor.
query MissedInbox($after: String) {
  inboxEvents(after: $after) {
    nodes {
      __typename
      cursor
      conversation {
        name
        unreadCount
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,Pe=`# as: alice
# Yourself, with what only you may see.
# Sign out and run it again: me is null.
query Me {
  me {
    id
    username
    displayName
    bio
    email
    emailVerifiedAt
    roles {
      role {
        name
      }
      expiresAt
    }
    version
    createdAt
  }
}
`,Fe=`# as: alice
# Search people by name, newest first.
query FindPeople($search: String, $first: Int, $after: String) {
  users(search: $search, orderBy: NEWEST, first: $first, after: $after) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    nodes {
      id
      username
      displayName
      bio
    }
  }
}
`,Ie=`# as: alice
# One person by username; by id works as well.
# The email address is Bob's own: add email, and the answer has it null with PERMISSION_DENIED beside it.
query PersonByUsername($username: String) {
  user(username: $username) {
    id
    username
    displayName
    bio
    avatarUrl
    createdAt
  }
}
`,Le=`# as: alice
# Every object has one id that says what it is; node and nodes find it.
# The last id is nobody's: its place in the list is null. So is that of an object you may not know of.
query AnythingById($id: ID!, $ids: [ID!]!) {
  node(id: $id) {
    __typename
    id
  }
  nodes(ids: $ids) {
    __typename
    ... on User {
      username
    }
    ... on Conversation {
      name
    }
    ... on Message {
      seq
      content
    }
  }
}
`,Re=`# as: carol
# Change your own profile.
# What you leave out stays as it is.
mutation UpdateProfile($displayName: String, $bio: String, $statusMessage: String) {
  updateProfile(input: { displayName: $displayName, bio: $bio, statusMessage: $statusMessage }) {
    user {
      username
      displayName
      bio
      statusMessage
      version
    }
  }
}
`,ze=`# as: erin
# Keep somebody away from you, and change your mind.
# While blocked, neither can write to the other directly (USER_BLOCKED).
mutation BlockAndUnblock($userId: ID!) {
  blockUser(input: { userId: $userId }) {
    user {
      username
      isBlocked
    }
  }
  unblockUser(input: { userId: $userId }) {
    user {
      username
      isBlocked
    }
  }
}
`,Be=`# as: erin
# Whom you keep away: nobody else sees this list.
# It is empty until you run BlockAndUnblock without its second field.
query BlockedPeople {
  me {
    blockedUsers(first: 10) {
      totalCount
      nodes {
        id
        username
      }
    }
  }
}
`,Ve=`# as: nobody
# Sign in with a username or an email address.
# The bar at the top takes over the tokens you get here.
# The accessToken goes into the header "Authorization: Bearer …", or into connection_init on a WebSocket.
# It ends expiresIn seconds from now; refreshToken gets the next one, once.
mutation SignIn($input: SignInInput!) {
  signIn(input: $input) {
    user {
      id
      username
      displayName
    }
    session {
      id
    }
    accessToken
    refreshToken
    expiresIn
  }
}
`,He=`# as: nobody
# Make an account, and be signed in at once.
# Run it twice: the second answer is RESOURCE_CONFLICT, as the name is taken.
# Change the name and the address to go on.
mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) {
    user {
      id
      username
      displayName
    }
    session {
      id
    }
    accessToken
    refreshToken
    expiresIn
  }
}
`,Ue=`# as: alice
# Where you are signed in.
# Every browser tab of the playground in which you sign in is one more; revokeSession ends one by its id.
query MySessions {
  me {
    sessionStats {
      active
      devices
      revoked
    }
    sessions(first: 10) {
      totalCount
      nodes {
        id
        device
        createdAt
        lastUsedAt
        isCurrent
      }
    }
  }
}
`,We=`# as: erin
# End every session of yours but this one.
# Erin's other browser tabs are signed out within a second, their subscriptions too.
mutation SignOutOthers {
  signOut(input: { scope: OTHERS }) {
    sessionsEnded
  }
}
`,Ge=`# as: nobody
# Ask for a link to choose a new password.
# The answer is the same for an address nobody has: it never tells who has an account.
# On a laptop, mails are files in data/mail. The link in them carries the token for resetPassword.
mutation ResetPasswordMail($email: String!) {
  requestPasswordReset(input: { email: $email }) {
    accepted
  }
}
`,Ke=`# as: nobody
# Ask for the mail that proves an address once more.
# Only an account whose address is not proved yet gets one: try it after SignUp.
mutation VerificationMail($email: String!) {
  resendVerificationEmail(input: { email: $email }) {
    accepted
  }
}
`,qe=`# as: carol
# A token for the address of an EventSource.
# It follows subscriptions and does nothing else: open /graphql?query=subscription…&access_token=… as an EventSource.
mutation ScopedToken {
  issueScopedToken(input: { scope: CHAT }) {
    token
    scope
    expiresIn
  }
}
`,Je=`# as: nobody
# Ask while somebody is still typing; alice has hers already, so others like it are suggested.
query UsernameAvailability($username: String!) {
  usernameAvailability(username: $username) {
    username
    isAvailable
    problem
    suggestions
  }
}
`,Ye=`{
  "first": 10
}
`,Xe=`{
  "id": "{{role:MODERATOR}}"
}
`,Ze=`{
  "input": {
    "name": "PAGE_TURNER",
    "displayName": "Page turner",
    "description": "Sits beside the piano."
  }
}
`,Qe=`{
  "input": {
    "roleId": "{{role:CREATOR}}",
    "description": "May publish tracks and sell them."
  }
}
`,$e=`{
  "userId": "{{user:erin}}",
  "roleId": "{{role:CREATOR}}",
  "expiresAt": "2099-12-31T23:59:59Z"
}
`,et=`{
  "roleId": "{{role:STAGEHAND}}"
}
`,tt=`{
  "filter": {
    "status": "PENDING"
  },
  "first": 10,
  "after": null
}
`,nt=`{
  "kind": "ROOM",
  "search": null,
  "first": 10,
  "after": null
}
`,rt=`{
  "id": "{{conversation:Studio}}"
}
`,it=`{
  "id": "{{conversation:General}}",
  "last": 5,
  "before": null
}
`,at=`{
  "conversationId": "{{conversation:General}}",
  "content": "Hello from the playground, @alice!"
}
`,ot=`{
  "conversationId": "{{conversation:General}}",
  "content": "Sent once, however often the network fails.",
  "clientId": "playground-retry-1"
}
`,st=`{
  "conversationId": "{{conversation:General}}",
  "replyToId": "{{message:General:1}}",
  "content": "I was thinking the same."
}
`,ct=`{
  "messageId": "{{message:General:3}}",
  "content": "There is a cello in the hall with your name on it, @bob, and a bow.",
  "reason": "forgot the bow"
}
`,lt=`{
  "messageId": "{{message:General:6}}",
  "reason": "the cake is a secret"
}
`,ut=`{
  "messageId": "{{message:General:2}}",
  "pinned": true
}
`,dt=`{
  "id": "{{conversation:Studio}}"
}
`,ft=`{
  "messageId": "{{message:General:1}}",
  "emoji": "🎶"
}
`,pt=`{
  "messageId": "{{message:General:2}}",
  "emoji": "👀"
}
`,mt=`{
  "conversationId": "{{conversation:General}}",
  "upToMessageId": "{{message:General:7}}"
}
`,ht=`{
  "name": "Mixing desk",
  "description": "Levels, takes and opinions",
  "memberIds": [
    "{{user:bob}}",
    "{{user:carol}}"
  ]
}
`,gt=`{
  "userId": "{{user:bob}}"
}
`,_t=`{
  "conversationId": "{{conversation:General}}"
}
`,vt=`{
  "conversationId": "{{conversation:Studio}}",
  "userId": "{{user:dave}}"
}
`,yt=`{
  "conversationId": "{{conversation:Studio}}",
  "userId": "{{user:bob}}"
}
`,bt=`{
  "search": "gen",
  "first": 10
}
`,xt=`{
  "id": "{{message:General:4}}",
  "last": 10
}
`,St=`{
  "conversationId": "{{conversation:General}}",
  "upToMessageId": "{{message:General:7}}"
}
`,Ct=`{
  "id": "{{conversation:General}}",
  "first": 10,
  "after": null
}
`,wt=`{
  "conversationId": "{{conversation:General}}",
  "description": "Everything and nothing. Saturday: cake."
}
`,Tt=`{
  "conversationId": "{{conversation:Attic}}"
}
`,Et=`{
  "conversationId": "{{conversation:Studio}}"
}
`,Dt=`{
  "conversationId": "{{conversation:Studio}}",
  "until": "2100-01-01T00:00:00Z"
}
`,Ot=`{
  "id": "{{message:General:1}}",
  "first": 10,
  "after": null
}
`,kt=`{
  "conversationId": "{{conversation:General}}"
}
`,At=`{
  "id": "{{conversation:General}}"
}
`,jt=`{
  "conversationId": "{{conversation:General}}"
}
`,Mt=`{
  "conversationId": "{{conversation:General}}",
  "typing": true
}
`,Nt=`{
  "id": "{{conversation:General}}"
}
`,Pt=`{
  "search": "a",
  "first": 3,
  "after": null
}
`,Ft=`{
  "username": "bob"
}
`,It=`{
  "id": "{{conversation:Studio}}",
  "ids": [
    "{{user:carol}}",
    "{{conversation:General}}",
    "{{message:General:1}}",
    "user_00000000000000000000000000"
  ]
}
`,Lt=`{
  "displayName": "Carol Costa",
  "bio": "Mixes live records in a barn, and fixes the cables.",
  "statusMessage": "In the studio until six"
}
`,Rt=`{
  "userId": "{{user:dave}}"
}
`,zt=`{
  "input": {
    "login": "alice",
    "password": "polyphony-demo",
    "device": "Playground"
  }
}
`,Bt=`{
  "input": {
    "username": "frank",
    "email": "frank@example.com",
    "password": "Seven-horns-and-a-drum",
    "displayName": "Frank"
  }
}
`,Vt=`{
  "email": "erin@demo.polyphony.localhost"
}
`,Ht=`{
  "email": "frank@example.com"
}
`,Ut=`{
  "username": "Alice"
}
`,Wt={"conversation:Attic":`conversation_01m7hseab8e2jvker5c5gvdrg1`,"conversation:General":`conversation_01m7hsh92ge3aadn60jdjvmj92`,"conversation:Studio":`conversation_01m7hsm7sre0pa4exg0qgzxm7b`,"conversation:alice-bob":`conversation_01m7hsq6h0e0f85rrv1bxtjfnw`,"message:General:1":`message_01m7hst588e3yt8grb64617zfq`,"message:General:2":`message_01m7hsx3zge01a50c8g69ghkzz`,"message:General:3":`message_01m7ht02pre24r7gmhv16zthyk`,"message:General:4":`message_01m7ht31e0e0erkvh3p5vqdt4x`,"message:General:5":`message_01m7ht6058e3wv2ydkd07kwzhv`,"message:General:6":`message_01m7ht8ywge0t8tgms6jz103g7`,"message:General:7":`message_01m7htbxkre3taxchyc7dd8z77`,"message:Studio:1":`message_01m7htewb0e1nae7mtw201dc49`,"message:Studio:2":`message_01m7hthv28e09bbdft7thxyhzd`,"message:Studio:3":`message_01m7htmssge0db0m5q5e9at5xx`,"message:Studio:4":`message_01m7htqrgre12v2zzsyh9t2qc8`,"message:alice-bob:1":`message_01m7httq80e21t3vxjfmgprbre`,"message:alice-bob:2":`message_01m7htxnz8e07v1k5avxvfsq1v`,"message:alice-bob:3":`message_01m7hv0mpge3tr2w3ahm4zrpnt`,"message:alice-bob:4":`message_01m7hv3kdre27be3kcn09h9hs8`,"role:ADMIN":`role_0000000000e008000000000004`,"role:CREATOR":`role_0000000000e008000000000002`,"role:MODERATOR":`role_0000000000e008000000000003`,"role:STAGEHAND":`role_01m7hsbbm0e1vvnhxhkv5wzcy4`,"role:USER":`role_0000000000e008000000000001`,"user:alice":`user_01m7hsbbm0e1mtj8dr5j3mc2s4`,"user:bob":`user_01m7hsbbm0e1nsygg1azja5abg`,"user:carol":`user_01m7hsbbm0e1ptadbvbc790ng8`,"user:dave":`user_01m7hsbbm0e1qt4kpywvr99207`,"user:erin":`user_01m7hsbbm0e1rrnxs25crj616f`},E=Object.assign({"../examples/administration/01-Roles.graphql":oe,"../examples/administration/02-Role.graphql":se,"../examples/administration/03-CreateRole.graphql":ce,"../examples/administration/04-UpdateRole.graphql":le,"../examples/administration/05-GrantAndRevokeRole.graphql":ue,"../examples/administration/06-DeleteRole.graphql":de,"../examples/administration/07-Jobs.graphql":fe,"../examples/conversations/01-Welcome.graphql":pe,"../examples/conversations/02-MyConversations.graphql":me,"../examples/conversations/03-Room.graphql":he,"../examples/conversations/04-ReadMessages.graphql":ge,"../examples/conversations/05-SendMessage.graphql":_e,"../examples/conversations/06-SendMessageOnce.graphql":ve,"../examples/conversations/07-ReplyToMessage.graphql":ye,"../examples/conversations/08-EditMessage.graphql":be,"../examples/conversations/09-DeleteMessage.graphql":xe,"../examples/conversations/10-PinMessage.graphql":Se,"../examples/conversations/11-PinnedMessages.graphql":Ce,"../examples/conversations/12-AddReaction.graphql":we,"../examples/conversations/13-ReactAndTakeBack.graphql":Te,"../examples/conversations/14-MarkRead.graphql":Ee,"../examples/conversations/15-CreateRoom.graphql":De,"../examples/conversations/16-OpenDirectConversation.graphql":Oe,"../examples/conversations/17-JoinAndLeave.graphql":f,"../examples/conversations/18-AddAndRemoveMember.graphql":p,"../examples/conversations/19-MakeModerator.graphql":m,"../examples/conversations/20-FindRooms.graphql":h,"../examples/conversations/21-Thread.graphql":g,"../examples/conversations/22-MarkDelivered.graphql":_,"../examples/conversations/23-Receipts.graphql":v,"../examples/conversations/24-UpdateRoom.graphql":y,"../examples/conversations/25-DeleteRoom.graphql":b,"../examples/conversations/26-ArchiveRoom.graphql":x,"../examples/conversations/27-MuteConversation.graphql":S,"../examples/conversations/28-WhoReacted.graphql":C,"../examples/live/01-MessageEvents.graphql":w,"../examples/live/02-Snapshot.graphql":T,"../examples/live/03-InboxChanged.graphql":ke,"../examples/live/04-TypingChanged.graphql":Ae,"../examples/live/05-SetTyping.graphql":je,"../examples/live/06-MissedEvents.graphql":Me,"../examples/live/07-MissedInbox.graphql":Ne,"../examples/people/01-Me.graphql":Pe,"../examples/people/02-FindPeople.graphql":Fe,"../examples/people/03-PersonByUsername.graphql":Ie,"../examples/people/04-AnythingById.graphql":Le,"../examples/people/05-UpdateProfile.graphql":Re,"../examples/people/06-BlockAndUnblock.graphql":ze,"../examples/people/07-BlockedPeople.graphql":Be,"../examples/sign-in/01-SignIn.graphql":Ve,"../examples/sign-in/02-SignUp.graphql":He,"../examples/sign-in/03-MySessions.graphql":Ue,"../examples/sign-in/04-SignOutOthers.graphql":We,"../examples/sign-in/05-ResetPasswordMail.graphql":Ge,"../examples/sign-in/06-VerificationMail.graphql":Ke,"../examples/sign-in/07-ScopedToken.graphql":qe,"../examples/sign-in/07-UsernameAvailability.graphql":Je}),Gt=Object.assign({"../examples/administration/01-Roles.json":Ye,"../examples/administration/02-Role.json":Xe,"../examples/administration/03-CreateRole.json":Ze,"../examples/administration/04-UpdateRole.json":Qe,"../examples/administration/05-GrantAndRevokeRole.json":$e,"../examples/administration/06-DeleteRole.json":et,"../examples/administration/07-Jobs.json":tt,"../examples/conversations/01-Welcome.json":`{}
`,"../examples/conversations/02-MyConversations.json":nt,"../examples/conversations/03-Room.json":rt,"../examples/conversations/04-ReadMessages.json":it,"../examples/conversations/05-SendMessage.json":at,"../examples/conversations/06-SendMessageOnce.json":ot,"../examples/conversations/07-ReplyToMessage.json":st,"../examples/conversations/08-EditMessage.json":ct,"../examples/conversations/09-DeleteMessage.json":lt,"../examples/conversations/10-PinMessage.json":ut,"../examples/conversations/11-PinnedMessages.json":dt,"../examples/conversations/12-AddReaction.json":ft,"../examples/conversations/13-ReactAndTakeBack.json":pt,"../examples/conversations/14-MarkRead.json":mt,"../examples/conversations/15-CreateRoom.json":ht,"../examples/conversations/16-OpenDirectConversation.json":gt,"../examples/conversations/17-JoinAndLeave.json":_t,"../examples/conversations/18-AddAndRemoveMember.json":vt,"../examples/conversations/19-MakeModerator.json":yt,"../examples/conversations/20-FindRooms.json":bt,"../examples/conversations/21-Thread.json":xt,"../examples/conversations/22-MarkDelivered.json":St,"../examples/conversations/23-Receipts.json":Ct,"../examples/conversations/24-UpdateRoom.json":wt,"../examples/conversations/25-DeleteRoom.json":Tt,"../examples/conversations/26-ArchiveRoom.json":Et,"../examples/conversations/27-MuteConversation.json":Dt,"../examples/conversations/28-WhoReacted.json":Ot,"../examples/live/01-MessageEvents.json":kt,"../examples/live/02-Snapshot.json":At,"../examples/live/03-InboxChanged.json":`{}
`,"../examples/live/04-TypingChanged.json":jt,"../examples/live/05-SetTyping.json":Mt,"../examples/live/06-MissedEvents.json":Nt,"../examples/live/07-MissedInbox.json":`{}
`,"../examples/people/01-Me.json":`{}
`,"../examples/people/02-FindPeople.json":Pt,"../examples/people/03-PersonByUsername.json":Ft,"../examples/people/04-AnythingById.json":It,"../examples/people/05-UpdateProfile.json":Lt,"../examples/people/06-BlockAndUnblock.json":Rt,"../examples/people/07-BlockedPeople.json":`{}
`,"../examples/sign-in/01-SignIn.json":zt,"../examples/sign-in/02-SignUp.json":Bt,"../examples/sign-in/03-MySessions.json":`{}
`,"../examples/sign-in/04-SignOutOthers.json":`{}
`,"../examples/sign-in/05-ResetPasswordMail.json":Vt,"../examples/sign-in/06-VerificationMail.json":Ht,"../examples/sign-in/07-ScopedToken.json":`{}
`,"../examples/sign-in/07-UsernameAvailability.json":Ut}),D=[`conversations`,`live`,`people`,`sign-in`,`administration`],Kt=[`Welcome`,`SignIn`,`SendMessage`,`MessageEvents`],O=Object.keys(E).map(Jt).sort((e,t)=>A(e)-A(t)||(e.path<t.path?-1:1)),qt=Kt.map(e=>O.find(t=>t.name===e));function Jt(e){let[,t,n]=e.match(/([^/]+)\/\d+-([^/]+)\.graphql$/),r=k(E[e]).trimEnd(),i=r.match(/^(#.*\n)*/)[0].replace(/^# ?/gm,``);return{path:e,domain:t,name:n,query:r,variables:k(Gt[e.replace(/graphql$/,`json`)]??``).trim().replace(/^\{\s*\}$/,``),kind:r.match(/^(query|mutation|subscription)\b/m)?.[1]??`query`,as:i.match(/^as: (\w+)/)?.[1]??`nobody`,about:i.replace(/^as: .*\n/,``).trim()}}function k(e){return e.replace(/\{\{([^{}]+)\}\}/g,(e,t)=>Wt[t]??e)}function A({domain:e}){let t=D.indexOf(e);return t<0?D.length:t}var Yt=[`alice`,`bob`,`carol`,`dave`,`erin`],Xt=`polyphony-demo`,j=`/graphql`;async function M(e,t,n={}){let r=new Headers({"Content-Type":`application/json`,Accept:`application/graphql-response+json, application/json`});t&&r.set(`Authorization`,`Bearer ${t}`);for(let[e,t]of Object.entries(n))r.set(e,t);let i=await fetch(j,{method:`POST`,headers:r,body:JSON.stringify(e)}),a=await i.text(),o;try{o=JSON.parse(a)}catch{o={errors:[{message:`The server answered ${i.status} ${i.statusText}: ${a.slice(0,500)}`}]}}return{result:o,status:i.status,bytes:new Blob([a]).size}}function N(e){let t=new Set,n=e=>(t.add(e),()=>t.delete(e));return{get:()=>e,set(n){let r=e;e=n,t.forEach(e=>e(n,r))},subscribe:n,use:()=>(0,d.useSyncExternalStore)(n,()=>e)}}var P=`polyphony:session`,Zt=({expiresAt:e,lifetime:t})=>e-Math.min(6e4,t/4),Qt=({expiresAt:e,lifetime:t})=>e-Math.min(1e4,t/8),F=`{ id username displayName }`,$t=`mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { accessToken refreshToken expiresIn user ${F} }
}`,en=`mutation RefreshSession($refreshToken: String!) {
  refreshSession(input: { refreshToken: $refreshToken }) { accessToken refreshToken expiresIn }
}`,tn=`mutation SignOut { signOut(input: { scope: CURRENT }) { sessionsEnded } }`,nn=`query Me { me ${F} }`,I=N(sn()),L=N(``);I.subscribe(e=>{e?sessionStorage.setItem(P,JSON.stringify(e)):sessionStorage.removeItem(P),G()});var R=new BroadcastChannel(P);R.onmessage=({data:{used:e,next:t}})=>{I.get()?.refreshToken===e&&I.set(t)},G();async function z(e,t){L.set(``);try{H((await J($t,{input:{login:e,password:t,device:`Playground`}})).signIn)}catch(e){L.set(e.message)}}async function rn(){L.set(``);let e=await B();I.set(null),e&&await J(tn,{},e).catch(()=>{})}async function B(){let e=I.get();return e&&Date.now()>Qt(e)&&await K(),I.get()?.accessToken??null}async function an(e,t){let n=e?.selectionSet.selections.map(e=>e.name?.value)??[];if(e?.operation!==`mutation`||!t?.data)return;let r=Object.values(t.data).find(e=>e?.accessToken);if(r){let e=r.user?.username?r.user:await V(r.accessToken);e&&H({...r,user:e})}else n.includes(`signOut`)&&I.get()&&!await V(I.get().accessToken)&&I.set(null)}async function V(e){return J(nn,{},e).then(e=>e.me,()=>null)}function H({user:e,accessToken:t,refreshToken:n,expiresIn:r}){let i=(r??900)*1e3;L.set(``),I.set({user:e,accessToken:t,refreshToken:n,lifetime:i,expiresAt:Date.now()+i})}var U,W;function G(){clearTimeout(W);let e=I.get();e&&(W=setTimeout(K,Math.max(0,Zt(e)-Date.now())))}function K(){let{refreshToken:e}=I.get()??{},t=()=>I.get()?.refreshToken===e&&on();return U??=(navigator.locks?.request(P,t)??Promise.resolve(t())).finally(()=>U=void 0),U}async function on(){let{refreshToken:e,user:t}=I.get()??{};if(t)try{if(!e)throw new q(`The session has ended.`);let n=await J(en,{refreshToken:e});if(I.get()?.refreshToken!==e)return;H({user:t,...n.refreshSession}),R.postMessage({used:e,next:I.get()}),await new Promise(e=>setTimeout(e,100))}catch(t){if(I.get()?.refreshToken!==e)return;t instanceof q?(I.set(null),L.set(`Signed out: ${t.message}`)):W=setTimeout(K,5e3)}}var q=class extends Error{};async function J(e,t,n){let{result:r,status:i}=await M({query:e,variables:t},n);if(r.errors?.length){let{message:e}=r.errors[0];throw i>=500||i===429?Error(e):new q(e)}return r.data}function sn(){try{return JSON.parse(sessionStorage.getItem(P))}catch{return null}}var Y=ee(),X={title:`Examples`,icon:dn,content:cn};function cn(){let[e,t]=(0,d.useState)(``),n=un(),r=e.toLowerCase().split(/\s+/).filter(Boolean),i=O.filter(e=>{let t=`${e.domain} ${e.kind} ${e.name} ${e.query}`.toLowerCase();return r.every(e=>t.includes(e))});return(0,Y.jsxs)(`section`,{className:`examples`,"aria-label":`Examples`,children:[(0,Y.jsx)(`div`,{className:`graphiql-doc-explorer-title`,children:`Examples`}),(0,Y.jsx)(`input`,{type:`search`,"data-testid":`examples-search`,"aria-label":`Search the examples`,placeholder:`Search names, fields, comments`,value:e,onChange:e=>t(e.target.value)}),[...Map.groupBy(i,({domain:e})=>e)].map(([e,t])=>(0,Y.jsxs)(`section`,{"aria-labelledby":`examples-${e}`,children:[(0,Y.jsx)(`h2`,{id:`examples-${e}`,children:e}),(0,Y.jsx)(`ul`,{children:t.map(e=>(0,Y.jsx)(ln,{example:e,onOpen:n&&(()=>n(e))},e.path))})]},e)),i.length===0&&(0,Y.jsx)(`p`,{className:`quiet`,children:`No example has all of these words.`})]})}function ln({example:{name:e,kind:t,as:n,about:r},onOpen:i}){let a=I.use()?.user.username;return(0,Y.jsxs)(`li`,{children:[(0,Y.jsxs)(`button`,{type:`button`,className:`example`,"data-testid":`example-${e}`,disabled:!i,onClick:i,children:[(0,Y.jsx)(`span`,{className:`kind ${t}`,role:`img`,"aria-label":t,children:t[0].toUpperCase()}),(0,Y.jsxs)(`span`,{children:[(0,Y.jsx)(`b`,{children:e}),(0,Y.jsx)(`span`,{className:`about`,children:r.split(`
`)[0]})]})]}),n!==`nobody`&&(0,Y.jsx)(`button`,{type:`button`,className:`as`,"aria-pressed":a===n,"aria-label":`Sign in as ${n}, whom this example is for`,title:a===n?`You are signed in as ${n}`:`This example is for ${n}: click to sign in`,onClick:()=>a!==n&&z(n,`polyphony-demo`),children:n})]})}function un(){let{addTab:e,changeTab:t,updateActiveTabValues:r}=n(),{tabs:i,queryEditor:a,variableEditor:o,responseEditor:s}=u(({tabs:e,queryEditor:t,variableEditor:n,responseEditor:r})=>({tabs:e,queryEditor:t,variableEditor:n,responseEditor:r}));return!a||!o||!s?null:({query:n,variables:s})=>{let c=i.findIndex(e=>e.query===n);c>=0?t(c):(e(),a.setValue(n),o.setValue(s),r({query:n,variables:s,response:null,operationName:null}))}}function dn(e){return(0,Y.jsxs)(`svg`,{height:`1em`,viewBox:`0 0 24 24`,fill:`none`,stroke:`currentColor`,strokeWidth:`1.5`,strokeLinecap:`round`,...e,children:[(0,Y.jsx)(`path`,{d:`M4 5.5A2.5 2.5 0 0 1 6.5 3H20v18H6.5A2.5 2.5 0 0 1 4 18.5z`}),(0,Y.jsx)(`path`,{d:`M4 18.5A2.5 2.5 0 0 1 6.5 16H20M9 7.5h7M9 11h5`})]})}re();var Z=N(``);function fn(e,{headers:t}={}){let n=pn(e),r=n?{...e,operationName:n.name?.value}:e;return n?.operation===`subscription`?gn(r,n):mn(r,n,t)}function pn({query:e,operationName:t}){try{let n=s(e);return r(n,t)??r(n)}catch{return null}}async function mn(e,t,n){let r=await B(),i=performance.now(),{result:a,status:o,bytes:s}=await M(e,r,n);return t&&t.name?.value!==`IntrospectionQuery`&&(Z.set(`HTTP ${o} · ${Math.round(performance.now()-i)} ms · ${vn(s)}`),await an(t,a)),a}var hn=`earlier events, newest first`,Q=20,$=ne({url:()=>new URL(j,window.location.href).href.replace(/^http/,`ws`),connectionParams:async()=>{let e=await B();return e?{authorization:`Bearer ${e}`}:{}},retryAttempts:8,retryWait:e=>new Promise(t=>setTimeout(t,e&&Math.min(500*2**e,15e3)))});I.subscribe((e,t)=>{e?.accessToken!==t?.accessToken&&$.terminate()});function gn(e,t){let n=t.variableDefinitions.some(({variable:e})=>e.name.value===`after`),r={...e,variables:{...e.variables}},i=0,a=[],o=!1,s=()=>`${i} ${i===1?`event`:`events`}`,c=e=>{o||Z.set(e),o=!0};return{subscribe(e){Z.set(`Listening…`);let t=$.subscribe(r,{next(t){t.data&&(i+=1),Z.set(`${s()} · last at ${new Date().toLocaleTimeString()}`);let o=Object.values(t.data??{})[0]?.cursor;n&&o&&(r.variables.after=o),e.next(a.length?{...t,[hn]:a}:t),t.data&&(a=[t.data,...a].slice(0,Q))},error(t){c(`${s()} · ended with an error`),e.error(t instanceof Event?Error(_n(t)):t)},complete(){c(`${s()} · ended`),e.complete()}});return{unsubscribe(){c(`${s()} · stopped`),t()}}}}}function _n({code:e,reason:t}){return e?`The socket was closed with ${e}${t&&`: ${t}`}`:`The socket could not be opened.`}function vn(e){return e<1024?`${e} B`:`${(e/1024).toFixed(1)} kB`}function yn(){let e=I.use()?.user,t=L.use(),[n,r]=(0,d.useState)(!1);async function i(e){r(!0),await e,r(!1)}return(0,Y.jsxs)(`header`,{className:`bar`,"aria-busy":n,children:[(0,Y.jsxs)(`h1`,{children:[(0,Y.jsx)(`img`,{src:`/playground/favicon.svg`,alt:``,width:`20`,height:`20`}),` Polyphony`]}),(0,Y.jsxs)(`div`,{className:`people`,role:`group`,"aria-labelledby":`signin-people`,children:[(0,Y.jsx)(`span`,{id:`signin-people`,children:e?`Switch to`:`Sign in as`}),Yt.map(t=>(0,Y.jsx)(`button`,{type:`button`,"data-testid":`signin-${t}`,"aria-label":`Sign in as ${t}`,"aria-pressed":e?.username===t,disabled:n,onClick:()=>i(z(t,Xt)),children:t},t))]}),e?(0,Y.jsx)(xn,{user:e,busy:n,onSignOut:()=>i(rn())}):(0,Y.jsx)(bn,{busy:n,onSubmit:(e,t)=>i(z(e,t))}),(0,Y.jsx)(`p`,{className:`notice`,role:`alert`,"data-testid":`signin-error`,children:t})]})}function bn({busy:e,onSubmit:t}){function n(e){e.preventDefault();let n=new FormData(e.currentTarget);t(n.get(`login`),n.get(`password`))}return(0,Y.jsxs)(`form`,{onSubmit:n,"aria-label":`Sign in with a password`,children:[(0,Y.jsx)(`input`,{name:`login`,"data-testid":`signin-username`,"aria-label":`Username or email`,placeholder:`Username or email`,autoComplete:`username`,autoCapitalize:`none`,spellCheck:`false`,required:!0}),(0,Y.jsx)(`input`,{name:`password`,type:`password`,"data-testid":`signin-password`,"aria-label":`Password`,placeholder:`Password`,autoComplete:`current-password`,required:!0}),(0,Y.jsx)(`button`,{type:`submit`,className:`primary`,"data-testid":`signin-submit`,disabled:e,children:`Sign in`})]})}function xn({user:e,busy:t,onSignOut:n}){return(0,Y.jsxs)(`div`,{className:`signed-in`,children:[(0,Y.jsxs)(`span`,{role:`status`,"data-testid":`signed-in-as`,children:[`Signed in as `,(0,Y.jsx)(`b`,{children:e.displayName}),` `,(0,Y.jsxs)(`span`,{className:`quiet`,children:[`@`,e.username]})]}),(0,Y.jsx)(`button`,{type:`button`,"data-testid":`signout`,disabled:t,onClick:n,children:`Sign out`})]})}var Sn=[X,o({showAttribution:!1}),te],Cn=qt.map(({query:e,variables:t})=>({query:e,variables:t})),wn=localStorage.getItem(`graphiql:tabState`)?void 0:X;function Tn(){return(0,Y.jsxs)(Y.Fragment,{children:[(0,Y.jsx)(yn,{}),(0,Y.jsx)(`main`,{children:(0,Y.jsxs)(l,{fetcher:fn,plugins:Sn,visiblePlugin:wn,defaultTabs:Cn,defaultEditorToolsVisibility:`variables`,children:[(0,Y.jsx)(l.Logo,{children:(0,Y.jsx)(Y.Fragment,{})}),(0,Y.jsxs)(l.Footer,{children:[(0,Y.jsx)(En,{}),(0,Y.jsx)(Dn,{})]})]})})]})}function En(){let e=u(e=>e.tabs[e.activeTabIndex]?.id);return(0,d.useEffect)(()=>Z.set(``),[e]),(0,Y.jsx)(`output`,{className:`last-answer`,"data-testid":`last-answer`,children:Z.use()})}function Dn(){let e=u(e=>e.queryEditor),t=u(e=>e.variableEditor);return(0,d.useEffect)(()=>{for(let n of[e,t])n?.updateOptions({wordWrap:`on`})},[e,t]),null}(0,ae.createRoot)(document.getElementById(`root`)).render((0,Y.jsx)(Tn,{}));
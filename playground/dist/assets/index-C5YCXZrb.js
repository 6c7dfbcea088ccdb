import{a as e}from"./rolldown-runtime-BWaJ3C7D.js";import{c as t,d as n,dr as r,fr as i,gr as a,hr as o,i as s,mr as c,n as l,pr as ee,r as te,s as u,t as ne,u as re}from"./libraries-DdpOzQvw.js";(function(){let e=document.createElement(`link`).relList;if(e&&e.supports&&e.supports(`modulepreload`))return;for(let e of document.querySelectorAll(`link[rel="modulepreload"]`))n(e);new MutationObserver(e=>{for(let t of e)if(t.type===`childList`)for(let e of t.addedNodes)e.tagName===`LINK`&&e.rel===`modulepreload`&&n(e)}).observe(document,{childList:!0,subtree:!0});function t(e){let t={};return e.integrity&&(t.integrity=e.integrity),e.referrerPolicy&&(t.referrerPolicy=e.referrerPolicy),t.credentials=e.crossOrigin===`use-credentials`?`include`:e.crossOrigin===`anonymous`?`omit`:`same-origin`,t}function n(e){if(e.ep)return;e.ep=!0;let n=t(e);fetch(e.href,n)}})();var ie=o();globalThis.MonacoEnvironment={getWorker(e,t){return t===`json`?new ee:t===`graphql`?new i:new c}};var d=e(a(),1),ae=`# as: alice
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
`,oe=`# as: alice
# The rooms you can see, most recently active first.
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
`,se=`# as: alice
# One room with its members.
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
        user {
          username
          displayName
        }
      }
    }
  }
}
`,ce=`# as: alice
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
`,le=`# as: alice
# Write to a room.
# Have MessageEvents running in a second browser tab and it shows up there.
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
`,ue=`# as: alice
# Write with an id of the client's making, so that a retry cannot post twice.
# Run it again: the same message comes back, and there is still only one.
mutation SendMessageOnce($conversationId: ID!, $content: String!, $clientId: String!) {
  sendMessage(input: { conversationId: $conversationId, content: $content, clientId: $clientId }) {
    message {
      id
      seq
      clientId
    }
  }
}
`,de=`# as: bob
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
`,fe=`# as: alice
# Correct a message of your own.
# Run it again with another text and watch editCount.
mutation EditMessage($messageId: ID!, $content: String!, $reason: String) {
  editMessage(input: { messageId: $messageId, content: $content, reason: $reason }) {
    message {
      seq
      content
      isEdited
      editCount
      editedAt
    }
  }
}
`,pe=`# as: alice
# Take a message away: the author or a moderator may.
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
`,me=`# as: alice
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
`,he=`# as: bob
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
`,ge=`# as: bob
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
        users(first: 3) {
          nodes {
            username
          }
        }
      }
    }
  }
}
`,_e=`# as: carol
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
`,ve=`# as: bob
# Say how far you have read. unreadCount goes down; it never goes back up by marking an older message.
mutation MarkRead($conversationId: ID!, $upToMessageId: ID!) {
  markConversationRead(input: { conversationId: $conversationId, upToMessageId: $upToMessageId }) {
    conversation {
      name
      unreadCount
    }
  }
}
`,ye=`# as: alice
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
`,be=`# as: alice
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
`,xe=`# as: erin
# Enter a public room freely, and leave it again.
# The order of the fields is the order in which they run: look at memberCount.
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
`,Se=`# as: alice
# Let Dave into the private Studio, and show him out again.
# With MessageEvents running as Dave on the Studio, the second field ends it.
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
`,Ce=`# as: alice
# Give a member more rights: only the owner may.
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
`,we=`# as: alice
# Everything that happens in a room, as it happens.
# Press the play button, then write as Bob from a second browser tab (SendMessage, AddReaction, PinMessage).
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
    }
  }
}
`,Te=`# as: alice
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
`,Ee=`# as: bob
# Changes over all of your conversations: what a list of chats needs.
# Run SendMessage or CreateRoom as Alice in a second browser tab.
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
  }
}
`,De=`# as: alice
# Who is writing just now.
# Run SetTyping as Bob in a second browser tab.
# A signal of the moment: it has no cursor and is not kept.
subscription TypingChanged($conversationId: ID!) {
  typingChanged(conversationId: $conversationId) {
    typing
    user {
      username
    }
  }
}
`,Oe=`# as: bob
# Say that you are writing.
# It ends by itself after a few seconds.
mutation SetTyping($conversationId: ID!, $typing: Boolean!) {
  setTyping(input: { conversationId: $conversationId, typing: $typing }) {
    __typename
  }
}
`,f=`# as: alice
# Yourself, with what only you may see.
# Sign out and run it again: me is null.
query Me {
  me {
    id
    username
    displayName
    bio
    email
    createdAt
  }
}
`,p=`# as: alice
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
`,m=`# as: alice
# One person by username; by id works as well.
# The e-mail address is Bob's own: asking for it here is refused.
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
`,h=`# as: alice
# Every object has one id that says what it is; node and nodes find it.
# The last id is nobody's: its place in the list is null.
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
`,g=`# as: carol
# Change your own card.
# What you leave out stays as it is.
mutation UpdateProfile($displayName: String, $bio: String, $statusMessage: String) {
  updateProfile(input: { displayName: $displayName, bio: $bio, statusMessage: $statusMessage }) {
    user {
      username
      displayName
      bio
    }
  }
}
`,_=`# as: erin
# Keep somebody away from you, and change your mind.
# While blocked, neither can write to the other directly (USER_BLOCKED).
mutation BlockAndUnblock($userId: ID!) {
  blockUser(input: { userId: $userId }) {
    user {
      username
    }
  }
  unblockUser(input: { userId: $userId }) {
    user {
      username
    }
  }
}
`,v=`# as: erin
# Whom you have blocked: nobody else can see this list.
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
`,y=`# as: alice
# The roles that can be granted on this server.
query Roles($first: Int) {
  roles(first: $first) {
    totalCount
    nodes {
      id
      name
      displayName
      description
    }
  }
}
`,b=`# as: nobody
# Sign in with a username or an e-mail address.
# The bar at the top takes over the tokens you get here.
# The accessToken goes into the header "Authorization: Bearer …", or into connection_init on a WebSocket.
# The end is expiresIn seconds away.
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
`,x=`# as: nobody
# Make an account, and be signed in at once.
# Run it twice: the second answer shows an error with its code and field.
# Change the name and the address to go on.
mutation SignUp($username: String!, $email: String!, $password: String!, $displayName: String) {
  signUp(input: { username: $username, email: $email, password: $password, displayName: $displayName }) {
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
`,S=`# as: alice
# Where you are signed in.
# Every browser tab of the playground in which you sign in is one more.
query MySessions {
  me {
    sessions(first: 10) {
      totalCount
      nodes {
        id
        device
        createdAt
        lastUsedAt
      }
    }
  }
}
`,C=`# as: erin
# End every session of yours but this one.
# Erin's other browser tabs are signed out within a second, their subscriptions too.
mutation SignOutOthers {
  signOut(input: { scope: OTHERS }) {
    sessionsEnded
  }
}
`,w=`{
  "kind": "ROOM",
  "search": null,
  "first": 10,
  "after": null
}
`,T=`{
  "id": "{{conversation:Studio}}"
}
`,ke=`{
  "id": "{{conversation:General}}",
  "last": 5,
  "before": null
}
`,Ae=`{
  "conversationId": "{{conversation:General}}",
  "content": "Hello from the playground, @bob!"
}
`,je=`{
  "conversationId": "{{conversation:General}}",
  "content": "Sent once, however often the network fails.",
  "clientId": "playground-retry-1"
}
`,Me=`{
  "conversationId": "{{conversation:General}}",
  "replyToId": "{{message:General:1}}",
  "content": "I was thinking the same."
}
`,Ne=`{
  "messageId": "{{message:General:3}}",
  "content": "Rehearsal starts at eight, not at seven.",
  "reason": "wrong time"
}
`,Pe=`{
  "messageId": "{{message:General:4}}",
  "reason": "posted in the wrong room"
}
`,Fe=`{
  "messageId": "{{message:General:2}}",
  "pinned": true
}
`,Ie=`{
  "id": "{{conversation:General}}"
}
`,Le=`{
  "messageId": "{{message:General:1}}",
  "emoji": "🎶"
}
`,Re=`{
  "messageId": "{{message:General:2}}",
  "emoji": "👀"
}
`,ze=`{
  "conversationId": "{{conversation:General}}",
  "upToMessageId": "{{message:General:3}}"
}
`,Be=`{
  "name": "Mixing desk",
  "description": "Levels, takes and opinions",
  "memberIds": [
    "{{user:bob}}",
    "{{user:carol}}"
  ]
}
`,Ve=`{
  "userId": "{{user:bob}}"
}
`,He=`{
  "conversationId": "{{conversation:General}}"
}
`,Ue=`{
  "conversationId": "{{conversation:Studio}}",
  "userId": "{{user:dave}}"
}
`,We=`{
  "conversationId": "{{conversation:Studio}}",
  "userId": "{{user:bob}}"
}
`,Ge=`{
  "conversationId": "{{conversation:General}}"
}
`,Ke=`{
  "id": "{{conversation:General}}"
}
`,qe=`{
  "conversationId": "{{conversation:General}}"
}
`,Je=`{
  "conversationId": "{{conversation:General}}",
  "typing": true
}
`,Ye=`{
  "search": "a",
  "first": 3,
  "after": null
}
`,Xe=`{
  "username": "bob"
}
`,Ze=`{
  "id": "{{conversation:Studio}}",
  "ids": [
    "{{user:carol}}",
    "{{conversation:General}}",
    "{{message:General:1}}",
    "user_00000000000000000000000000"
  ]
}
`,Qe=`{
  "displayName": "Carol",
  "bio": "Plays the viola and fixes the cables.",
  "statusMessage": "In the studio until six"
}
`,$e=`{
  "userId": "{{user:dave}}"
}
`,et=`{
  "first": 10
}
`,tt=`{
  "input": {
    "login": "alice",
    "password": "polyphony-demo",
    "device": "Playground"
  }
}
`,nt=`{
  "username": "frank",
  "email": "frank@example.com",
  "password": "Seven-horns-and-a-drum",
  "displayName": "Frank"
}
`,rt={"conversation:General":`conversation_01ja7kmq00e408000j6hb7h45b`,"conversation:Studio":`conversation_01ja7kmq01e40r000j6hb7hbwt`,"message:General:1":`message_01ja7kmq02e418000j6hb7hkm9`,"message:General:2":`message_01ja7kmq03e41r000j6hb7hvbr`,"message:General:3":`message_01ja7kmq04e428000j6hb7j337`,"message:General:4":`message_01ja7kmq05e42r000j6hb7jatp`,"user:bob":`user_01ja7kmq06e438000j6hb7jjj5`,"user:carol":`user_01ja7kmq07e43r000j6hb7jt9m`,"user:dave":`user_01ja7kmq08e448000j6hb7k213`},E=Object.assign({"../examples/conversations/01-Welcome.graphql":ae,"../examples/conversations/02-MyConversations.graphql":oe,"../examples/conversations/03-Room.graphql":se,"../examples/conversations/04-ReadMessages.graphql":ce,"../examples/conversations/05-SendMessage.graphql":le,"../examples/conversations/06-SendMessageOnce.graphql":ue,"../examples/conversations/07-ReplyToMessage.graphql":de,"../examples/conversations/08-EditMessage.graphql":fe,"../examples/conversations/09-DeleteMessage.graphql":pe,"../examples/conversations/10-PinMessage.graphql":me,"../examples/conversations/11-PinnedMessages.graphql":he,"../examples/conversations/12-AddReaction.graphql":ge,"../examples/conversations/13-ReactAndTakeBack.graphql":_e,"../examples/conversations/14-MarkRead.graphql":ve,"../examples/conversations/15-CreateRoom.graphql":ye,"../examples/conversations/16-OpenDirectConversation.graphql":be,"../examples/conversations/17-JoinAndLeave.graphql":xe,"../examples/conversations/18-AddAndRemoveMember.graphql":Se,"../examples/conversations/19-MakeModerator.graphql":Ce,"../examples/live/01-MessageEvents.graphql":we,"../examples/live/02-Snapshot.graphql":Te,"../examples/live/03-InboxChanged.graphql":Ee,"../examples/live/04-TypingChanged.graphql":De,"../examples/live/05-SetTyping.graphql":Oe,"../examples/people/01-Me.graphql":f,"../examples/people/02-FindPeople.graphql":p,"../examples/people/03-PersonByUsername.graphql":m,"../examples/people/04-AnythingById.graphql":h,"../examples/people/05-UpdateProfile.graphql":g,"../examples/people/06-BlockAndUnblock.graphql":_,"../examples/people/07-BlockedPeople.graphql":v,"../examples/people/08-Roles.graphql":y,"../examples/sign-in/01-SignIn.graphql":b,"../examples/sign-in/02-SignUp.graphql":x,"../examples/sign-in/03-MySessions.graphql":S,"../examples/sign-in/04-SignOutOthers.graphql":C}),it=Object.assign({"../examples/conversations/01-Welcome.json":`{}
`,"../examples/conversations/02-MyConversations.json":w,"../examples/conversations/03-Room.json":T,"../examples/conversations/04-ReadMessages.json":ke,"../examples/conversations/05-SendMessage.json":Ae,"../examples/conversations/06-SendMessageOnce.json":je,"../examples/conversations/07-ReplyToMessage.json":Me,"../examples/conversations/08-EditMessage.json":Ne,"../examples/conversations/09-DeleteMessage.json":Pe,"../examples/conversations/10-PinMessage.json":Fe,"../examples/conversations/11-PinnedMessages.json":Ie,"../examples/conversations/12-AddReaction.json":Le,"../examples/conversations/13-ReactAndTakeBack.json":Re,"../examples/conversations/14-MarkRead.json":ze,"../examples/conversations/15-CreateRoom.json":Be,"../examples/conversations/16-OpenDirectConversation.json":Ve,"../examples/conversations/17-JoinAndLeave.json":He,"../examples/conversations/18-AddAndRemoveMember.json":Ue,"../examples/conversations/19-MakeModerator.json":We,"../examples/live/01-MessageEvents.json":Ge,"../examples/live/02-Snapshot.json":Ke,"../examples/live/03-InboxChanged.json":`{}
`,"../examples/live/04-TypingChanged.json":qe,"../examples/live/05-SetTyping.json":Je,"../examples/people/01-Me.json":`{}
`,"../examples/people/02-FindPeople.json":Ye,"../examples/people/03-PersonByUsername.json":Xe,"../examples/people/04-AnythingById.json":Ze,"../examples/people/05-UpdateProfile.json":Qe,"../examples/people/06-BlockAndUnblock.json":$e,"../examples/people/07-BlockedPeople.json":`{}
`,"../examples/people/08-Roles.json":et,"../examples/sign-in/01-SignIn.json":tt,"../examples/sign-in/02-SignUp.json":nt,"../examples/sign-in/03-MySessions.json":`{}
`,"../examples/sign-in/04-SignOutOthers.json":`{}
`}),D=[`conversations`,`live`,`people`,`sign-in`],at=[`Welcome`,`SignIn`,`SendMessage`,`MessageEvents`],O=Object.keys(E).map(st).sort((e,t)=>A(e)-A(t)||(e.path<t.path?-1:1)),ot=at.map(e=>O.find(t=>t.name===e));function st(e){let[,t,n]=e.match(/([^/]+)\/\d+-([^/]+)\.graphql$/),r=k(E[e]).trimEnd(),i=r.match(/^(#.*\n)*/)[0].replace(/^# ?/gm,``);return{path:e,domain:t,name:n,query:r,variables:k(it[e.replace(/graphql$/,`json`)]??``).trim().replace(/^\{\s*\}$/,``),kind:r.match(/^(query|mutation|subscription)\b/m)?.[1]??`query`,as:i.match(/^as: (\w+)/)?.[1]??`nobody`,about:i.replace(/^as: .*\n/,``).trim()}}function k(e){return e.replace(/\{\{([^{}]+)\}\}/g,(e,t)=>rt[t]??e)}function A({domain:e}){let t=D.indexOf(e);return t<0?D.length:t}var ct=[`alice`,`bob`,`carol`,`dave`,`erin`],lt=`polyphony-demo`,j=`/graphql`;async function M(e,t,n={}){let r=new Headers({"Content-Type":`application/json`,Accept:`application/graphql-response+json, application/json`});t&&r.set(`Authorization`,`Bearer ${t}`);for(let[e,t]of Object.entries(n))r.set(e,t);let i=await fetch(j,{method:`POST`,headers:r,body:JSON.stringify(e)}),a=await i.text(),o;try{o=JSON.parse(a)}catch{o={errors:[{message:`The server answered ${i.status} ${i.statusText}: ${a.slice(0,500)}`}]}}return{result:o,status:i.status,bytes:new Blob([a]).size}}function N(e){let t=new Set,n=e=>(t.add(e),()=>t.delete(e));return{get:()=>e,set(n){let r=e;e=n,t.forEach(e=>e(n,r))},subscribe:n,use:()=>(0,d.useSyncExternalStore)(n,()=>e)}}var P=`polyphony:session`,ut=({expiresAt:e,lifetime:t})=>e-Math.min(6e4,t/4),dt=({expiresAt:e,lifetime:t})=>e-Math.min(1e4,t/8),F=`{ id username displayName }`,ft=`mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { accessToken refreshToken expiresIn user ${F} }
}`,pt=`mutation RefreshSession($refreshToken: String!) {
  refreshSession(input: { refreshToken: $refreshToken }) { accessToken refreshToken expiresIn }
}`,mt=`mutation SignOut { signOut(input: { scope: CURRENT }) { sessionsEnded } }`,ht=`query Me { me ${F} }`,I=N(yt()),L=N(``);I.subscribe(e=>{e?sessionStorage.setItem(P,JSON.stringify(e)):sessionStorage.removeItem(P),G()});var R=new BroadcastChannel(P);R.onmessage=({data:{used:e,next:t}})=>{I.get()?.refreshToken===e&&I.set(t)},G();async function z(e,t){L.set(``);try{H((await J(ft,{input:{login:e,password:t,device:`Playground`}})).signIn)}catch(e){L.set(e.message)}}async function gt(){L.set(``);let e=await B();I.set(null),e&&await J(mt,{},e).catch(()=>{})}async function B(){let e=I.get();return e&&Date.now()>dt(e)&&await K(),I.get()?.accessToken??null}async function _t(e,t){let n=e?.selectionSet.selections.map(e=>e.name?.value)??[];if(e?.operation!==`mutation`||!t?.data)return;let r=Object.values(t.data).find(e=>e?.accessToken);if(r){let e=r.user?.username?r.user:await V(r.accessToken);e&&H({...r,user:e})}else n.includes(`signOut`)&&I.get()&&!await V(I.get().accessToken)&&I.set(null)}async function V(e){return J(ht,{},e).then(e=>e.me,()=>null)}function H({user:e,accessToken:t,refreshToken:n,expiresIn:r}){let i=(r??900)*1e3;L.set(``),I.set({user:e,accessToken:t,refreshToken:n,lifetime:i,expiresAt:Date.now()+i})}var U,W;function G(){clearTimeout(W);let e=I.get();e&&(W=setTimeout(K,Math.max(0,ut(e)-Date.now())))}function K(){let{refreshToken:e}=I.get()??{},t=()=>I.get()?.refreshToken===e&&vt();return U??=(navigator.locks?.request(P,t)??Promise.resolve(t())).finally(()=>U=void 0),U}async function vt(){let{refreshToken:e,user:t}=I.get()??{};if(t)try{if(!e)throw new q(`The session has ended.`);let n=await J(pt,{refreshToken:e});if(I.get()?.refreshToken!==e)return;H({user:t,...n.refreshSession}),R.postMessage({used:e,next:I.get()}),await new Promise(e=>setTimeout(e,100))}catch(t){if(I.get()?.refreshToken!==e)return;t instanceof q?(I.set(null),L.set(`Signed out: ${t.message}`)):W=setTimeout(K,5e3)}}var q=class extends Error{};async function J(e,t,n){let{result:r,status:i}=await M({query:e,variables:t},n);if(r.errors?.length){let{message:e}=r.errors[0];throw i>=500||i===429?Error(e):new q(e)}return r.data}function yt(){try{return JSON.parse(sessionStorage.getItem(P))}catch{return null}}var Y=r(),X={title:`Examples`,icon:Ct,content:bt};function bt(){let[e,t]=(0,d.useState)(``),n=St(),r=e.toLowerCase().split(/\s+/).filter(Boolean),i=O.filter(e=>{let t=`${e.domain} ${e.kind} ${e.name} ${e.query}`.toLowerCase();return r.every(e=>t.includes(e))});return(0,Y.jsxs)(`section`,{className:`examples`,"aria-label":`Examples`,children:[(0,Y.jsx)(`div`,{className:`graphiql-doc-explorer-title`,children:`Examples`}),(0,Y.jsx)(`input`,{type:`search`,"data-testid":`examples-search`,"aria-label":`Search the examples`,placeholder:`Search names, fields, comments`,value:e,onChange:e=>t(e.target.value)}),[...Map.groupBy(i,({domain:e})=>e)].map(([e,t])=>(0,Y.jsxs)(`section`,{"aria-labelledby":`examples-${e}`,children:[(0,Y.jsx)(`h2`,{id:`examples-${e}`,children:e}),(0,Y.jsx)(`ul`,{children:t.map(e=>(0,Y.jsx)(xt,{example:e,onOpen:()=>n(e)},e.path))})]},e)),i.length===0&&(0,Y.jsx)(`p`,{className:`quiet`,children:`No example has all of these words.`})]})}function xt({example:{name:e,kind:t,as:n,about:r},onOpen:i}){let a=I.use()?.user.username;return(0,Y.jsxs)(`li`,{children:[(0,Y.jsxs)(`button`,{type:`button`,className:`example`,"data-testid":`example-${e}`,onClick:i,children:[(0,Y.jsx)(`span`,{className:`kind ${t}`,role:`img`,"aria-label":t,children:t[0].toUpperCase()}),(0,Y.jsxs)(`span`,{children:[(0,Y.jsx)(`b`,{children:e}),(0,Y.jsx)(`span`,{className:`about`,children:r.split(`
`)[0]})]})]}),n!==`nobody`&&(0,Y.jsx)(`button`,{type:`button`,className:`as`,"aria-pressed":a===n,"aria-label":`Sign in as ${n}, whom this example is for`,title:a===n?`You are signed in as ${n}`:`This example is for ${n}: click to sign in`,onClick:()=>a!==n&&z(n,`polyphony-demo`),children:n})]})}function St(){let{addTab:e,changeTab:n,updateActiveTabValues:r}=t(),{tabs:i,queryEditor:a,variableEditor:o}=u(({tabs:e,queryEditor:t,variableEditor:n})=>({tabs:e,queryEditor:t,variableEditor:n}));return({query:t,variables:s})=>{let c=i.findIndex(e=>e.query===t);c>=0?n(c):(e(),a.setValue(t),o.setValue(s),r({query:t,variables:s,response:null,operationName:null}))}}function Ct(e){return(0,Y.jsxs)(`svg`,{height:`1em`,viewBox:`0 0 24 24`,fill:`none`,stroke:`currentColor`,strokeWidth:`1.5`,strokeLinecap:`round`,...e,children:[(0,Y.jsx)(`path`,{d:`M4 5.5A2.5 2.5 0 0 1 6.5 3H20v18H6.5A2.5 2.5 0 0 1 4 18.5z`}),(0,Y.jsx)(`path`,{d:`M4 18.5A2.5 2.5 0 0 1 6.5 16H20M9 7.5h7M9 11h5`})]})}re();var Z=N(``);function wt(e,{documentAST:t,headers:r}={}){let i=t&&n(t,e.operationName??void 0);return i?.operation===`subscription`?Et(e,i):Tt(e,i,r)}async function Tt(e,t,n){let r=await B(),i=performance.now(),{result:a,status:o,bytes:s}=await M(e,r,n);return t&&(Z.set(`HTTP ${o} · ${Math.round(performance.now()-i)} ms · ${Dt(s)}`),await _t(t,a)),a}var Q=ne({url:()=>new URL(j,window.location.href).href.replace(/^http/,`ws`),connectionParams:async()=>{let e=await B();return e?{authorization:`Bearer ${e}`}:{}},retryAttempts:8,retryWait:e=>new Promise(t=>setTimeout(t,e&&Math.min(500*2**e,15e3)))});I.subscribe((e,t)=>{e?.accessToken!==t?.accessToken&&Q.terminate()});function Et(e,t){let n=t.variableDefinitions.some(({variable:e})=>e.name.value===`after`),r={...e,variables:{...e.variables}},i=0,a=!1,o=()=>`${i} ${i===1?`event`:`events`}`,s=e=>{a||Z.set(e),a=!0};return{subscribe(e){Z.set(`Listening…`);let t=Q.subscribe(r,{next(t){t.data&&(i+=1),Z.set(`${o()} · last at ${new Date().toLocaleTimeString()}`);let a=Object.values(t.data??{})[0]?.cursor;n&&a&&(r.variables.after=a),e.next(t)},error(t){s(`${o()} · ended with an error`),e.error(t instanceof Event?Error($(t)):t)},complete(){s(`${o()} · ended`),e.complete()}});return{unsubscribe(){s(`${o()} · stopped`),t()}}}}}function $({code:e,reason:t}){return e?`The socket was closed with ${e}${t&&`: ${t}`}`:`The socket could not be opened.`}function Dt(e){return e<1024?`${e} B`:`${(e/1024).toFixed(1)} kB`}function Ot(){let e=I.use()?.user,t=L.use(),[n,r]=(0,d.useState)(!1);async function i(e){r(!0),await e,r(!1)}return(0,Y.jsxs)(`header`,{className:`bar`,"aria-busy":n,children:[(0,Y.jsxs)(`h1`,{children:[(0,Y.jsx)(`img`,{src:`/playground/favicon.svg`,alt:``,width:`20`,height:`20`}),` Polyphony`]}),(0,Y.jsxs)(`div`,{className:`people`,role:`group`,"aria-labelledby":`signin-people`,children:[(0,Y.jsx)(`span`,{id:`signin-people`,children:e?`Switch to`:`Sign in as`}),ct.map(t=>(0,Y.jsx)(`button`,{type:`button`,"data-testid":`signin-${t}`,"aria-label":`Sign in as ${t}`,"aria-pressed":e?.username===t,disabled:n,onClick:()=>i(z(t,lt)),children:t},t))]}),e?(0,Y.jsx)(At,{user:e,busy:n,onSignOut:()=>i(gt())}):(0,Y.jsx)(kt,{busy:n,onSubmit:(e,t)=>i(z(e,t))}),(0,Y.jsx)(`p`,{className:`notice`,role:`alert`,"data-testid":`signin-error`,children:t})]})}function kt({busy:e,onSubmit:t}){function n(e){e.preventDefault();let n=new FormData(e.currentTarget);t(n.get(`login`),n.get(`password`))}return(0,Y.jsxs)(`form`,{onSubmit:n,"aria-label":`Sign in with a password`,children:[(0,Y.jsx)(`input`,{name:`login`,"data-testid":`signin-username`,"aria-label":`Username or e-mail`,placeholder:`Username or e-mail`,autoComplete:`username`,autoCapitalize:`none`,spellCheck:`false`,required:!0}),(0,Y.jsx)(`input`,{name:`password`,type:`password`,"data-testid":`signin-password`,"aria-label":`Password`,placeholder:`Password`,autoComplete:`current-password`,required:!0}),(0,Y.jsx)(`button`,{type:`submit`,className:`primary`,"data-testid":`signin-submit`,disabled:e,children:`Sign in`})]})}function At({user:e,busy:t,onSignOut:n}){return(0,Y.jsxs)(`div`,{className:`signed-in`,children:[(0,Y.jsxs)(`span`,{role:`status`,"data-testid":`signed-in-as`,children:[`Signed in as `,(0,Y.jsx)(`b`,{children:e.displayName}),` `,(0,Y.jsxs)(`span`,{className:`quiet`,children:[`@`,e.username]})]}),(0,Y.jsx)(`button`,{type:`button`,"data-testid":`signout`,disabled:t,onClick:n,children:`Sign out`})]})}var jt=[X,s({showAttribution:!1}),te],Mt=ot.map(({query:e,variables:t})=>({query:e,variables:t})),Nt=localStorage.getItem(`graphiql:tabState`)?void 0:X;function Pt(){return(0,Y.jsxs)(Y.Fragment,{children:[(0,Y.jsx)(Ot,{}),(0,Y.jsx)(`main`,{children:(0,Y.jsxs)(l,{fetcher:wt,plugins:jt,visiblePlugin:Nt,defaultTabs:Mt,defaultEditorToolsVisibility:`variables`,children:[(0,Y.jsx)(l.Logo,{children:(0,Y.jsx)(Y.Fragment,{})}),(0,Y.jsxs)(l.Footer,{children:[(0,Y.jsx)(Ft,{}),(0,Y.jsx)(It,{})]})]})})]})}function Ft(){let e=u(e=>e.tabs[e.activeTabIndex]?.id);return(0,d.useEffect)(()=>Z.set(``),[e]),(0,Y.jsx)(`output`,{className:`last-answer`,"data-testid":`last-answer`,children:Z.use()})}function It(){let e=u(e=>e.queryEditor);return(0,d.useEffect)(()=>e?.updateOptions({wordWrap:`on`}),[e]),null}(0,ie.createRoot)(document.getElementById(`root`)).render((0,Y.jsx)(Pt,{}));
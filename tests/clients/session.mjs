// One person's session with a stock client: sign in, show a list, follow it, write, lose the line again and again, outlive a token.
// What is heard is what was said, once and in order, whichever server tells it. Arguments: the client, the conversation, the servers.
import assert from 'node:assert/strict'
import { clients } from './clients.mjs'
import { SIGN_IN, Session, advance, ask, pause, until } from './house.mjs'
import { line } from './line.mjs'

const [kind, room, ...servers] = process.argv.slice(2)
const [server] = servers
const password = 'Seven-horns-and-a-drum'
const client = clients[kind]
const wire = await line(servers)

const SNAPSHOT = 'query Snapshot($id: ID!) { conversation(id: $id) { messages(last: 50) { eventCursor nodes { seq content } } } }'
const EVENTS = `subscription Events($id: ID!, $after: String) { messageEvents(conversationId: $id, after: $after) {
  __typename cursor ... on MessageSent { message { seq content sender { username } } }
} }`
const SEND = `mutation Send($id: ID!, $content: String!, $clientId: String) {
  sendMessage(input: { conversationId: $id, content: $content, clientId: $clientId }) { message { seq } }
}`

// Alice talks to the first server directly.
const alice = new Session(server, (await ask(server, SIGN_IN, { login: 'alice', password })).signIn)
const say = async (content) => ask(server, SEND, { id: room, content }, { authorization: `Bearer ${await alice.token()}` })

const session = await client.signIn(server, { login: 'bob', password })
const bob = client.open({ url: wire.url, session })
const shown = (await bob.query(SNAPSHOT, { id: room })).conversation.messages
assert.deepEqual(shown.nodes.map(({ content }) => content), ['before'])

const heard = []
let failure
const stop = bob.subscribe(EVENTS, { id: room, after: shown.eventCursor }, {
  next: ({ data }) => data.messageEvents.__typename === 'MessageSent' && heard.push(data.messageEvents.message),
  error: (error) => (failure = error),
  complete: () => (failure = new Error('the subscription ended')),
})
const said = ['before']
const all = (what) => until(() => `${what}; heard ${heard.length} of ${said.length - 1}, ${JSON.stringify(failure)}`, () => failure || heard.length >= said.length - 1)

// Bob's own words go over the same line: cut on their way, they are said again under the same client id, and count once.
async function insist(content) {
  for (let tries = 0; ; tries++) {
    try {
      return await bob.mutate(SEND, { id: room, content, clientId: content })
    } catch (error) {
      if (tries > 50) throw error
      await pause(20)
    }
  }
}

for (let round = 0; round < 6; round++) {
  for (let number = 0; number < 8; number++) {
    said.push(`alice ${round} ${number}`)
    await say(said.at(-1))
    if (number === 3) wire.cut()
    await pause(Math.random() * 20)
  }
  said.push(`bob ${round}`)
  const insisting = insist(said.at(-1))
  if (round % 2) wire.cut()
  await insisting
  if (round % 2) await all('the end of a round')
}
await all('everything')
await pause(200)

if (kind === 'graphql-ws alone') {
  assert.ok(heard.length > said.length - 1, 'without the recipe, what was heard before is heard again')
  process.exit(0)
}

// The token ends. Where the connection is ended with it, the client comes back with the next.
await advance(16)
session.isOver = alice.isOver = true
for (let number = 0; number < 5; number++) {
  said.push(`later ${number}`)
  await say(said.at(-1))
}
await all('what was said after the token had ended')

// Renewed in time, nothing is ended at all.
if (bob.renew) {
  await until(() => `4403, closed with ${bob.counts.closed}`, () => bob.counts.closed.includes(4403))
  const closed = bob.counts.closed.length
  for (let number = 0; number < 3; number++) {
    await session.refresh()
    await alice.refresh()
    await bob.renew(session.tokens.accessToken)
    await advance(10)
    said.push(`renewed ${number}`)
    await say(said.at(-1))
    await all('what was said under a renewed token')
  }
  // The server looks at what has ended by the clock at least every two seconds.
  await pause(2500)
  assert.equal(bob.counts.closed.length, closed, `closed with ${bob.counts.closed}`)
}

await pause(200)
assert.equal(failure, undefined)
assert.deepEqual([...shown.nodes, ...heard].map(({ content }) => content), said)
assert.deepEqual([...shown.nodes, ...heard].map(({ seq }) => seq), said.map((_, index) => index + 1))
assert.ok(bob.counts.opened >= 4, `only ${bob.counts.opened} connections`)

// Who stops hears no more.
stop()
await say('unheard')
await pause(200)
assert.equal(heard.length, said.length - 1)
bob.close()
wire.close()
console.log(`heard ${heard.length} over ${bob.counts.opened} connections`)
process.exit(0)

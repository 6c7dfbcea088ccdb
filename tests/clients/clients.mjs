// The stock clients, each wired as its recipe says: how it signs in, asks, changes and follows. No option is set but for what a script
// has to have: a WebSocket for Node, and shorter waits.
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { Client as UrqlClient, fetchExchange } from '@urql/core'
import { EventSource } from 'eventsource'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import WebSocket from 'ws'
import { apolloClient } from './recipes/apollo.mjs'
import { follow } from './recipes/event-source.mjs'
import { liveClient as sseClient } from './recipes/graphql-sse.mjs'
import { liveClient as wsClient, renew } from './recipes/graphql-ws.mjs'
import { urqlClient } from './recipes/urql.mjs'
import { SIGN_IN, Session, ask, pause } from './house.mjs'

const ofSocket = (url) => url.replace('http', 'ws')
const soon = () => pause(20 + Math.random() * 60)

/** Over graphql-ws and graphql-sse a query is followed like a subscription, and has one result. */
const once = (client) => (query, variables) =>
  new Promise((resolve, reject) => {
    const next = ({ data, errors }) => (errors ? reject(errors) : resolve(data))
    client.subscribe({ query, variables }, { next, error: reject, complete: () => reject(new Error('no result')) })
  })

const liveSocket = ({ url, session }) => {
  const counts = { opened: 0, closed: [] }
  const on = { connected: () => counts.opened++, closed: ({ code }) => counts.closed.push(code) }
  const live = wsClient({ url: ofSocket(url), token: session.token, webSocketImpl: WebSocket, retryWait: soon, on })
  return { live, counts, renew: (token) => renew(live, token) }
}

const signInWith = async (url, mutate, login) => new Session(url, (await mutate(SIGN_IN, login)).signIn)

export const clients = {
  'graphql-ws': {
    async signIn(url, login) {
      const client = createWsClient({ url: ofSocket(url), webSocketImpl: WebSocket })
      return signInWith(url, once(client), login)
    },
    open(parts) {
      const { live, ...rest } = liveSocket(parts)
      return { query: once(live), mutate: once(live), close: () => live.dispose(), ...rest,
        subscribe: (query, variables, sink) => live.subscribe({ query, variables }, sink) }
    },
  },
  // What becomes of a listener without the recipe, to see that the script would notice.
  'graphql-ws alone': {
    signIn: (...parts) => clients['graphql-ws'].signIn(...parts),
    open({ url, session }) {
      const counts = { opened: 0, closed: [] }
      const live = createWsClient({
        url: ofSocket(url), webSocketImpl: WebSocket, retryAttempts: 100, retryWait: soon, shouldRetry: () => true,
        connectionParams: async () => ({ authorization: `Bearer ${await session.token()}` }), on: { connected: () => counts.opened++ },
      })
      return { query: once(live), mutate: once(live), counts, close: () => live.dispose(),
        subscribe: (query, variables, sink) => live.subscribe({ query, variables }, sink) }
    },
  },
  'graphql-sse': {
    async signIn(url, login) {
      return signInWith(url, once(createSseClient({ url })), login)
    },
    open({ url, session }) {
      const counts = { opened: 0 }
      const live = sseClient({ url, token: session.token, retry: soon, on: { connected: () => counts.opened++ } })
      return { query: once(live), mutate: once(live), counts, close: () => live.dispose(),
        subscribe: (query, variables, sink) => live.subscribe({ query, variables }, sink) }
    },
  },
  apollo: {
    async signIn(url, login) {
      const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() })
      return signInWith(url, async (query, variables) => (await client.mutate({ mutation: gql(query), variables })).data, login)
    },
    open({ url, session }) {
      const { live, ...rest } = liveSocket({ url, session })
      const client = apolloClient({ url, live, token: session.token })
      const data = async (answer) => {
        const { data, error } = await answer
        if (error) throw error
        return data
      }
      return { ...rest, close: () => (client.stop(), live.dispose()),
        query: (query, variables) => data(client.query({ query: gql(query), variables, fetchPolicy: 'network-only' })),
        mutate: (query, variables) => data(client.mutate({ mutation: gql(query), variables })),
        subscribe(query, variables, sink) {
          const next = ({ data, error }) => (error ? sink.error(error) : sink.next({ data }))
          const following = client.subscribe({ query: gql(query), variables, fetchPolicy: 'no-cache' }).subscribe({ ...sink, next })
          return () => following.unsubscribe()
        } }
    },
  },
  urql: {
    async signIn(url, login) {
      const client = new UrqlClient({ url, exchanges: [fetchExchange] })
      return signInWith(url, async (query, variables) => (await client.mutation(query, variables)).data, login)
    },
    open({ url, session }) {
      const { live, ...rest } = liveSocket({ url, session })
      const authorized = async (to, init) => fetch(to, { ...init, headers: { ...init.headers, authorization: `Bearer ${await session.token()}` } })
      const client = urqlClient({ url, live, authorized })
      const data = async (answer) => {
        const { data, error } = await answer
        if (error) throw error
        return data
      }
      return { ...rest, close: () => live.dispose(),
        query: (query, variables) => data(client.query(query, variables, { requestPolicy: 'network-only' }).toPromise()),
        mutate: (query, variables) => data(client.mutation(query, variables).toPromise()),
        subscribe(query, variables, sink) {
          const next = ({ data, error }) => (error ? sink.error(error) : sink.next({ data }))
          const { unsubscribe } = client.subscription(query, variables).subscribe(next)
          return unsubscribe
        } }
    },
  },
  'event-source': {
    // As a browser does it: the cookies are all there is.
    async signIn(url, login) {
      const headers = { 'x-session-mode': 'cookie', origin: new URL(url).origin }
      const session = { url, jar: '', isOver: false }
      const keep = ({ setCookies }) => (session.jar = setCookies.map((cookie) => cookie.split(';')[0]).join('; '))
      keep(await ask(url, SIGN_IN, login, headers))
      session.refresh = async () => {
        if (!session.isOver) return
        const cookie = session.jar.split('; ').find((pair) => pair.includes('refresh'))
        keep(await ask(url, 'mutation { refreshSession(input: {}) { expiresIn } }', {}, { ...headers, cookie }))
        session.isOver = false
      }
      return session
    },
    open({ url, session }) {
      const counts = { opened: 0 }
      const withCookies = (headers) => ({ ...headers, cookie: session.jar })
      class Source extends EventSource {
        constructor(to, init) {
          super(to, { ...init, fetch: (from, init) => fetch(from, { ...init, headers: withCookies(init.headers) }) })
          this.addEventListener('open', () => counts.opened++)
        }
      }
      const at = new URL(url)
      const asked = async (query, variables) => {
        await session.refresh()
        const { csrfToken } = await (await fetch(new URL('/csrf-token', at), { headers: withCookies() })).json()
        return ask(url, query, variables, withCookies({ origin: at.origin, 'x-csrf-token': csrfToken }))
      }
      return { counts, query: asked, mutate: asked, close() {},
        subscribe: (query, variables, sink) =>
          follow({ url, query, variables, ...sink, refresh: session.refresh, wait: 50, EventSource: Source }) }
    },
  },
}

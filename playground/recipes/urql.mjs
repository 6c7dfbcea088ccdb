// urql: queries and mutations over HTTP, subscriptions over the live client of `graphql-ws.mjs` or `graphql-sse.mjs`.
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core'

/** `live` is a live client, `authorized` a fetch that adds the access token (or use @urql/exchange-auth). */
export function urqlClient({ url, live, authorized, ...options }) {
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({ unsubscribe: live.subscribe(request, sink) }),
  })
  return new Client({
    url,
    fetch: authorized,
    preferGetMethod: false,
    exchanges: [cacheExchange, fetchExchange, subscriptionExchange({ forwardSubscription })],
    ...options,
  })
}

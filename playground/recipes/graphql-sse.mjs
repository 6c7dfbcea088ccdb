// graphql-sse: one request a subscription, over plain HTTP. At the end of its token a stream says so, and is begun again with the next.
import { createClient } from 'graphql-sse'
import { resuming } from './resume.mjs'

/** The stock client would ask again for ever after a refusal; here it is the last result. Not 401: the next token is good again. */
async function refusalsAsResults(...request) {
  const response = await fetch(...request)
  if (![400, 403, 404, 406, 410, 415, 422].includes(response.status)) return response
  return new Response(`event: next\ndata: ${await response.text()}\n\nevent: complete\ndata:\n\n`)
}

/** `token` gives an access token that is good now, refreshing it when need be. */
export function liveClient({ url, token, ...options }) {
  const client = createClient({
    url, // https://…/graphql
    headers: async () => ({ authorization: `Bearer ${await token()}` }),
    fetchFn: refusalsAsResults,
    retryAttempts: Infinity,
    ...options,
  })
  return resuming(client)
}

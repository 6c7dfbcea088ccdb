// graphql-ws: one socket that comes back with a fresh token and goes on where it was, and that is renewed rather than closed.
import { createClient } from 'graphql-ws'
import { resuming } from './resume.mjs'

/** `token` gives an access token that is good now, refreshing it when need be. */
export function liveClient({ url, token, ...options }) {
  const client = createClient({
    url, // wss://…/graphql
    connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
    retryAttempts: Infinity,
    // Also when the server could not be reached at all. What cannot succeed (4400, 4401, 4406, 4409, 4429) is given up all the same.
    shouldRetry: () => true,
    ...options,
  })
  return resuming(client)
}

/** Before the token ends: the socket and its subscriptions go on under the next one. Without it, the socket is closed and comes back. */
export function renew(client, accessToken) {
  const query = 'mutation Renew($input: RenewConnectionInput!) { renewConnection(input: $input) { expiresAt } }'
  return new Promise((resolve, reject) => {
    const next = ({ data, errors }) => (data ? resolve(data.renewConnection.expiresAt) : reject(errors))
    client.subscribe({ query, variables: { input: { accessToken } } }, { next, error: reject, complete() {} })
  })
}

// Apollo Client 4: queries and mutations over HTTP, subscriptions over the live client of `graphql-ws.mjs`.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { SetContextLink } from '@apollo/client/link/context'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'

/** `live` is a live client, `token` gives an access token that is good now. */
export function apolloClient({ url, live, token, ...options }) {
  const signed = new SetContextLink(async ({ headers }) => ({
    headers: { ...headers, authorization: `Bearer ${await token()}` },
  }))
  const isLive = ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION
  const link = ApolloLink.split(isLive, new GraphQLWsLink(live), signed.concat(new HttpLink({ uri: url })))
  return new ApolloClient({ link, cache: new InMemoryCache(), ...options })
}

// What a chat written with Relay asks for; compiled, not run.
import { graphql } from 'react-relay'

export const room = graphql`
  query RoomQuery($id: ID!) {
    conversation(id: $id) {
      id
      name
      ...Room_messages
      ...Room_members
    }
  }
`

export const messages = graphql`
  fragment Room_messages on Conversation
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "RoomMessagesPaginationQuery") {
    messages(last: $count, before: $cursor) @connection(key: "Room_messages") {
      eventCursor
      edges {
        node {
          id
          content
          sender {
            id
            displayName
          }
        }
      }
    }
  }
`

export const members = graphql`
  fragment Room_members on Conversation
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "RoomMembersRefetchQuery") {
    members(first: $count, after: $cursor) @connection(key: "Room_members") {
      totalCount
      edges {
        node {
          role
          user {
            ...Room_person
          }
        }
      }
    }
  }
`

export const person = graphql`
  fragment Room_person on User @refetchable(queryName: "RoomPersonRefetchQuery") {
    id
    username
    avatarUrl
  }
`

export const anything = graphql`
  query NodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Message {
        content
      }
      ... on User {
        ...Room_person @alias
      }
    }
  }
`

export const live = graphql`
  subscription LiveSubscription($id: ID!, $after: String) {
    messageEvents(conversationId: $id, after: $after) {
      cursor
      ... on MessageSent {
        message {
          id
          content
        }
      }
    }
  }
`

export const missed = graphql`
  query MissedQuery($id: ID!, $after: String) {
    messageEvents(conversationId: $id, after: $after, first: 50) {
      edges {
        node {
          cursor
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`

export const send = graphql`
  mutation SendMutation($input: SendMessageInput!, $connections: [ID!]!) {
    sendMessage(input: $input) {
      message @appendNode(connections: $connections, edgeTypeName: "MessageEdge") {
        id
        content
      }
    }
  }
`

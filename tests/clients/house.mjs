// What the scripts share: plain requests, sessions whose token the script knows to be over, and waiting.
import readline from 'node:readline'

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits for something to come true, but not for ever. */
export async function until(what, check, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; !check(); await pause(5)) {
    if (Date.now() > end) throw new Error(`waited ${seconds} seconds in vain for ${what()}`)
  }
}

/** Runs an operation as anybody with fetch would. */
export async function ask(url, query, variables, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await response.json()
  if (errors) throw Object.assign(new Error(JSON.stringify(errors)), { errors })
  return Object.assign(data, { setCookies: response.headers.getSetCookie() })
}

export const SIGN_IN = `mutation SignIn($login: String!, $password: String!) {
  signIn(input: { login: $login, password: $password }) { accessToken refreshToken }
}`
const REFRESH = `mutation Refresh($refreshToken: String!) {
  refreshSession(input: { refreshToken: $refreshToken }) { accessToken refreshToken }
}`

/** A sign-in, and its token. The server's clock is the test's, so the script says when a token is over. */
export class Session {
  constructor(url, tokens) {
    Object.assign(this, { url, tokens, isOver: false })
  }

  token = async () => {
    if (this.isOver) await this.refresh()
    return this.tokens.accessToken
  }

  async refresh() {
    this.refreshing ??= ask(this.url, REFRESH, this.tokens).finally(() => (this.refreshing = undefined))
    this.tokens = (await this.refreshing).refreshSession
    this.isOver = false
  }
}

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()

/** Asks the test to move the server's clock. */
export async function advance(minutes) {
  console.log(`advance ${minutes}`)
  await lines.next()
}

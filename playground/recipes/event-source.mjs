// A plain EventSource: nothing to install. The browser comes back by itself and says where it was (`Last-Event-ID`); the page only opens
// it anew when the server has ended it. Signed in by cookie (`X-Session-Mode: cookie` when signing in).
import { Position, passing } from './resume.mjs'

/** Calls `next` with every result; `refresh` renews the cookies. Gives a function that stops. */
export function follow({ url, query, variables, next, error, refresh, wait = 1000, EventSource = globalThis.EventSource }) {
  const position = new Position(variables?.after)
  let source, timer, refused = 0
  const stop = () => (clearTimeout(timer), source?.close())
  const fail = (why) => (stop(), error(why))
  const open = () => {
    const asked = { query, variables: JSON.stringify({ ...variables, after: position.after }) }
    source = new EventSource(`${url}?${new URLSearchParams(asked)}`, { withCredentials: true })
    source.addEventListener('next', ({ data }) => {
      const result = JSON.parse(data)
      refused = 0
      if (result.data) position.isNew(result) && next(result)
      else if (!passing(result.errors)) fail(result.errors)
    })
    source.addEventListener('complete', () => source.readyState !== EventSource.CLOSED && again())
    // Refused, and a browser does not say why: most of all because the token is over. Twice in a row it is something else; query again.
    source.onerror = () => source.readyState === EventSource.CLOSED && (refused++ ? fail(new Error('refused')) : again())
  }
  const again = () => {
    stop()
    timer = setTimeout(() => Promise.resolve(refresh?.()).then(open).catch(fail), wait)
  }
  open()
  return stop
}

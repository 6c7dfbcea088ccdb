// The core of the recipes beside this file: a live list that misses nothing and shows nothing twice, whatever becomes of the line.
//
// Stock clients come back by themselves, but send the variables they were given first, `after` with them. So: declare `$after` in the
// document, select `cursor` on the event, begin with the `eventCursor` of the list you show, and subscribe through `resuming(client)`.

/** A cursor is `ev_<epoch>_<transaction>_<number>_<mark>`; the first three, in hexadecimal, are a place in the one order of events. */
const place = (cursor) => cursor.split('_').slice(1, 4).map((part) => part.padStart(16, '0')).join('')

/** Where a listener stands. */
export class Position {
  constructor(after) {
    this.after = after ?? undefined
  }

  /** True for an event that has not been seen; moves on to it. Signals without a cursor always pass. */
  isNew(result) {
    const cursor = Object.values(result.data ?? {})[0]?.cursor
    if (cursor && this.after && place(cursor) <= place(this.after)) return false
    this.after = cursor ?? this.after
    return true
  }
}

/** Ends that are no answer: the token ran out, or the event could not be read just now. From the last cursor on it may go again. */
export const passing = (errors) => ['INVALID_TOKEN', 'SERVICE_UNAVAILABLE'].includes(errors?.[0]?.extensions?.code)

/** A client of graphql-ws or graphql-sse whose subscriptions go on where they were. CURSOR_EXPIRED still reaches `sink`: query again. */
export function resuming(client, wait = () => new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 1500))) {
  function subscribe(request, sink) {
    const position = new Position(request.variables?.after)
    // The client writes the request anew whenever it connects, and so reads where the listener stands by then.
    const moving = { ...request, variables: { ...request.variables, get after() { return position.after } } }
    let stop, over = false
    const run = () => {
      if (over) return
      let again = false
      stop = client.subscribe(moving, {
        next: (result) => {
          if (!result.data && passing(result.errors)) again = true
          else if (position.isNew(result)) sink.next(result)
        },
        error: (error) => (Array.isArray(error) && passing(error) ? wait().then(run) : sink.error(error)),
        complete: () => (again ? wait().then(run) : sink.complete()),
      })
    }
    run()
    return () => { over = true; stop() }
  }
  return { ...client, subscribe }
}

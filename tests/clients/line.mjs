// A line that can be cut: everything of a client goes through it to the server.
import net from 'node:net'

export async function line(url) {
  const { hostname, port } = new URL(url)
  const ends = new Set()
  const server = net.createServer((near) => {
    const far = net.connect({ host: hostname, port })
    for (const end of [near, far]) {
      ends.add(end)
      end.on('error', () => {}).on('close', () => (ends.delete(end), near.destroy(), far.destroy()))
    }
    near.pipe(far).pipe(near)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/graphql`,
    /** Cuts everything that is open, in the middle of whatever is on its way. */
    cut: () => ends.forEach((end) => end.resetAndDestroy()),
    close: () => (server.close(), ends.forEach((end) => end.destroy())),
  }
}

// A line that can be cut: everything of a client goes through it to a server, and after each cut to the next one.
import net from 'node:net'

export async function line(urls) {
  const ends = new Set()
  let turn = 0
  const server = net.createServer((near) => {
    const { hostname: host, port } = new URL(urls[turn % urls.length])
    const far = net.connect({ host, port })
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
    cut: () => (turn++, ends.forEach((end) => end.resetAndDestroy())),
    close: () => (server.close(), ends.forEach((end) => end.destroy())),
  }
}

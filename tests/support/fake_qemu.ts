/**
 * A program in QEMU's place that speaks QMP badly. Its first argument says
 * how; the others are QEMU's, of which it only reads where to listen.
 *
 * @module
 */
import { type FakeConnection, serveFakeQmp } from "./fake_qmp.ts";

/** What it can do to a client. */
const MANNERS: Readonly<
  Record<string, (connection: FakeConnection) => Promise<void>>
> = {
  /** Is something else altogether. */
  async garbage(connection) {
    await connection.sendText("HTTP/1.1 400 Bad Request\r\n\r\n");
  },
  /** Greets, and answers a question with no JSON. */
  async babbles(connection) {
    await connection.greet();
    await connection.receive();
    await connection.sendBytes(new Uint8Array([0xff, 0xfe, 0x0a]));
  },
  /** Closes every connection at once. */
  hangsUp(connection) {
    connection.close();
    return Promise.resolve();
  },
  /** Accepts, and never says a word. */
  mute: () => new Promise(() => {}),
  /** Greets, and dies of something else before its first answer. */
  async diesAfterGreeting(connection) {
    await connection.greet();
    await connection.receive();
    console.error("qemu-system-x86_64: cannot create device foo");
    Deno.exit(1);
  },
};

/** So that none is left of a test that was killed. */
const LIFE_MS = 600_000;

if (import.meta.main) {
  setTimeout(() => Deno.exit(), LIFE_MS);
  const [manner = "", ...args] = Deno.args;
  const serve = MANNERS[manner];
  if (serve === undefined) throw new Error(`no manner "${manner}"`);
  for (const arg of args) {
    const path = /^socket,id=qmp\d,path=([^,]+),/.exec(arg)?.[1];
    if (path !== undefined) serveFakeQmp(path, serve);
  }
}

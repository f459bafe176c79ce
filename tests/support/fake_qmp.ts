/**
 * A peer that speaks QMP, or does not, as a test wants it: a unix socket whose
 * connections a script serves.
 *
 * @module
 */

/** One connection of a client, as the fake sees it. */
export interface FakeConnection {
  /** Sends text as it is. */
  sendText(text: string): Promise<void>;
  sendBytes(bytes: Uint8Array): Promise<void>;
  /** Sends one message. */
  send(message: unknown): Promise<void>;
  /** The next message of the client; null when it ended. */
  receive(): Promise<Record<string, unknown> | null>;
  /** Greets and answers the capabilities. */
  greet(): Promise<void>;
  close(): void;
}

/** A listening fake. */
export interface FakeQmp extends AsyncDisposable {
  readonly path: string;
}

/** The greeting of a real QEMU 7.2. */
export const GREETING = {
  QMP: {
    version: { qemu: { micro: 22, minor: 2, major: 7 }, package: "fake" },
    capabilities: ["oob"],
  },
};

/** Serves every connection with `script`, until it is disposed of. */
export async function startFakeQmp(
  script: (connection: FakeConnection) => Promise<void>,
): Promise<FakeQmp> {
  const folder = await Deno.makeTempDir({ prefix: "fqmp" });
  const fake = serveFakeQmp(`${folder}/qmp`, script);
  return {
    path: fake.path,
    async [Symbol.asyncDispose]() {
      await fake[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Serves every connection to the socket `path`. */
export function serveFakeQmp(
  path: string,
  script: (connection: FakeConnection) => Promise<void>,
): FakeQmp {
  const listener = Deno.listen({ transport: "unix", path });
  const open = new Set<Deno.UnixConn>();
  const serving = serve(listener, open, script);
  return {
    path,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) closeQuietly(connection);
      await serving;
    },
  };
}

async function serve(
  listener: Deno.Listener<Deno.UnixConn>,
  open: Set<Deno.UnixConn>,
  script: (connection: FakeConnection) => Promise<void>,
): Promise<void> {
  const scripts: Promise<void>[] = [];
  try {
    for await (const connection of listener) {
      open.add(connection);
      scripts.push(script(wrap(connection)).catch(() => {}));
    }
  } catch {
    // The listener was closed.
  }
  await Promise.all(scripts);
}

function wrap(connection: Deno.UnixConn): FakeConnection {
  const lines = readLines(connection);
  async function sendBytes(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += await connection.write(bytes.subarray(done));
    }
  }
  function sendText(text: string): Promise<void> {
    return sendBytes(new TextEncoder().encode(text));
  }
  function send(message: unknown): Promise<void> {
    return sendText(`${JSON.stringify(message)}\r\n`);
  }
  async function receive(): Promise<Record<string, unknown> | null> {
    const next = await lines.next();
    return next.done ? null : JSON.parse(next.value);
  }
  return {
    sendBytes,
    sendText,
    send,
    receive,
    async greet() {
      await send(GREETING);
      await receive();
      await send({ return: {} });
    },
    close: () => closeQuietly(connection),
  };
}

async function* readLines(
  connection: Deno.UnixConn,
): AsyncGenerator<string, void, void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of connection.readable) {
    text += decoder.decode(chunk, { stream: true });
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n")) {
      yield text.slice(0, at);
      text = text.slice(at + 1);
    }
  }
}

function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // Closed before.
  }
}

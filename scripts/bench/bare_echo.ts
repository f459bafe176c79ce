/**
 * The floor of a handler's call: a line over a unix socket into a process, in
 * it to a worker without permissions, and back the same way; nothing is read
 * of it.
 *
 * Run as a program it is the process; imported it starts one.
 *
 * @module
 */

/** A running echo. */
export class BareEcho implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #connection: Deno.UnixConn;
  readonly #buffer = new Uint8Array(64 * 1024);

  private constructor(child: Deno.ChildProcess, connection: Deno.UnixConn) {
    this.#child = child;
    this.#connection = connection;
  }

  static async start(): Promise<BareEcho> {
    const dir = await Deno.makeTempDir({ prefix: "echo_" });
    const path = `${dir}/socket`;
    const listener = Deno.listen({ transport: "unix", path });
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", "--no-check", "--quiet"],
        ...["--unstable-worker-options", import.meta.filename ?? "", path],
      ],
      stdin: "null",
    }).spawn();
    const connection = await listener.accept() as Deno.UnixConn;
    listener.close();
    await Deno.remove(dir, { recursive: true });
    return new BareEcho(child, connection);
  }

  /** There and back; lines are short and one at a time. */
  async call(line: Uint8Array): Promise<void> {
    await this.#connection.write(line);
    for (let got = 0; got < line.length;) {
      const count = await this.#connection.read(this.#buffer);
      if (count === null) throw new Error("The echo has ended");
      got += count;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    await this.#child.status;
  }
}

/** The process: from its socket to its worker and back. */
async function serve(path: string): Promise<void> {
  const connection = await Deno.connect({ transport: "unix", path });
  const worker = new Worker(
    "data:text/javascript,onmessage = (e) => postMessage(e.data)",
    { type: "module", deno: { permissions: "none" } },
  );
  worker.onmessage = ({ data }) => void connection.write(data);
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) Deno.exit(0);
    worker.postMessage(buffer.slice(0, count));
  }
}

if (import.meta.main) await serve(Deno.args[0] ?? "");

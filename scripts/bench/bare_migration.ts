/**
 * Two QEMUs and QMP, with nobody around them: the floor of a live migration.
 *
 * What is measured is what a guest and its owner feel: from the wish to the
 * guest running at the target, the target's start included; and how long the
 * guest stood still, from QEMU's STOP at the source to its RESUME at the
 * target.
 *
 * @module
 */
import { QmpClient } from "../../src/driver/qemu/qmp/client.ts";
import { peerHost, peerSubject } from "../../src/schema/peer.ts";
import { connectUnix } from "../../src/sys/unix_socket.ts";
import { GUEST } from "./bare_qemu.ts";

const DEADLINE_MS = 60_000;
const UNLIMITED = 2 ** 50;
let lastPort = 49_600;

/** Memory of the guests that move, MiB. */
export const MEMORY_MIB = 256;

/** Milliseconds of one move. */
export interface Moved {
  readonly total: number;
  readonly pause: number;
}

/** How it is moved. */
export interface MoveWish {
  /** Bytes a second; none for as much as there is. */
  readonly bandwidth?: number | undefined;
  /** Folders with the certificates of source and target; null for plain text. */
  readonly keys: { readonly n1: string; readonly n2: string } | null;
}

/** One QEMU, spoken to by QMP alone. */
class BareQemu {
  readonly qmp = new QmpClient();
  readonly #child: Deno.ChildProcess;
  readonly #socket: string;

  private constructor(socket: string, cmdline: string, more: string[]) {
    this.#socket = socket;
    this.#child = new Deno.Command("qemu-system-x86_64", {
      args: [
        ...["-machine", "pc", "-accel", "tcg", "-m", String(MEMORY_MIB)],
        ...["-display", "none", "-nodefaults"],
        ...["-serial", `file:${socket}.serial`],
        ...["-kernel", GUEST.kernel, "-initrd", GUEST.initrd],
        ...["-append", cmdline],
        ...["-qmp", `unix:${socket},server=on,wait=off`, ...more],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  static async start(
    socket: string,
    cmdline: string,
    more: string[] = [],
  ): Promise<BareQemu> {
    const qemu = new BareQemu(socket, cmdline, more);
    const until = performance.now() + DEADLINE_MS;
    for (;;) {
      try {
        await connectUnix(socket).then((connection) => connection.close());
        break;
      } catch (error) {
        if (performance.now() > until) throw error;
        await pause(1);
      }
    }
    await qemu.qmp.open(
      () => connectUnix(socket),
      AbortSignal.timeout(DEADLINE_MS),
    );
    return qemu;
  }

  run(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return this.qmp.execute(command, args, { deadlineMs: DEADLINE_MS });
  }

  /** Waits until the serial line has said `text`. */
  async untilPrinted(text: string): Promise<void> {
    const until = performance.now() + 120_000;
    for (;;) {
      const said = await Deno.readTextFile(`${this.#socket}.serial`);
      if (said.includes(text)) return;
      if (performance.now() > until) throw new Error(`it said ${said}`);
      await pause(50);
    }
  }

  async end(): Promise<void> {
    this.qmp.close();
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

/** One guest that is moved again and again, each time to a new QEMU. */
export class BareMigration {
  #at: BareQemu;
  readonly #dir: string;
  readonly #cmdline: string;
  #count = 0;

  private constructor(dir: string, cmdline: string, first: BareQemu) {
    this.#dir = dir;
    this.#cmdline = cmdline;
    this.#at = first;
  }

  static async start(dir: string, cmdline: string): Promise<BareMigration> {
    const first = await BareQemu.start(`${dir}/0`, cmdline);
    await first.untilPrinted("usher-guest ready");
    return new BareMigration(dir, cmdline, first);
  }

  async move(wish: MoveWish): Promise<Moved> {
    const source = this.#at;
    const watch = watchPause(source.qmp);
    const began = performance.now();
    const target = await BareQemu.start(
      `${this.#dir}/${++this.#count}`,
      this.#cmdline,
      ["-S", "-incoming", "defer"],
    );
    watch.expect(target.qmp);
    const uri = `tcp:127.0.0.1:${++lastPort}`;
    await prepare(target, source, wish);
    await target.run("migrate-incoming", { uri });
    await source.run("migrate-set-parameters", {
      "max-bandwidth": wish.bandwidth ?? UNLIMITED,
    });
    await source.run("migrate", { uri });
    await untilDone(source);
    await untilDone(target);
    await target.run("cont");
    const total = performance.now() - began;
    const stood = await watch.pause;
    if (wish.keys !== null) await forget(target);
    await source.end();
    this.#at = target;
    return { total, pause: stood };
  }

  async end(): Promise<void> {
    await this.#at.end();
  }
}

async function prepare(
  target: BareQemu,
  source: BareQemu,
  { keys }: MoveWish,
): Promise<void> {
  if (keys === null) return;
  await addKeys(target, "server", keys.n2);
  await target.run("object-add", {
    "qom-type": "authz-simple",
    id: "peer",
    identity: peerSubject("n1"),
  });
  await target.run("migrate-set-parameters", {
    "tls-creds": "server",
    "tls-authz": "peer",
  });
  await addKeys(source, "client", keys.n1);
  await source.run("migrate-set-parameters", {
    "tls-creds": "client",
    "tls-hostname": peerHost("n2"),
  });
}

async function addKeys(
  qemu: BareQemu,
  endpoint: string,
  dir: string,
): Promise<void> {
  await qemu.run("object-add", {
    "qom-type": "tls-creds-x509",
    id: endpoint,
    endpoint,
    dir,
    "verify-peer": true,
  });
}

async function forget(qemu: BareQemu): Promise<void> {
  const nothing = { "tls-creds": "", "tls-authz": "", "tls-hostname": "" };
  await qemu.run("migrate-set-parameters", nothing);
  for (const id of ["server", "peer"]) await qemu.run("object-del", { id });
}

async function untilDone(qemu: BareQemu): Promise<void> {
  const until = performance.now() + DEADLINE_MS;
  for (;;) {
    const { status } = await qemu.run("query-migrate") as { status?: string };
    const state = await qemu.run("query-status") as { status: string };
    const isSettled = !["inmigrate", "finish-migrate"].includes(state.status);
    if (status === "completed" && isSettled) return;
    if (status === "failed" || performance.now() > until) {
      throw new Error(`a bare migration is ${status}`);
    }
    await pause(1);
  }
}

/** Waits for a guest to stop at one QEMU and to go on at the one that is expected. */
export function watchPause(source: QmpClient): {
  expect(target: QmpClient): void;
  readonly pause: Promise<number>;
} {
  const stopped = first(source, "STOP");
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  return {
    expect: (target) => void first(target, "RESUME").then(resolve, reject),
    pause: Promise.all([stopped, promise]).then(([from, to]) => to - from),
  };
}

async function first(qmp: QmpClient, event: string): Promise<number> {
  const queue = qmp.listen([event]);
  for await (const _ of queue) {
    const at = performance.now();
    qmp.mute(queue);
    return at;
  }
  throw new Error(`QEMU ended before ${event}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

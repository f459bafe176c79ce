/**
 * Starting a process of plugins, and joining it by a socket.
 *
 * The two meet at a socket in a folder of its own, which is gone once they have
 * met; what proves that it is the right one is a secret that only its standard
 * input has told.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { type Clock, Deadline } from "../../sys/clock.ts";
import { makeTempFolder, removeIfThere } from "../../sys/file.ts";
import { newSecret } from "../../sys/id.ts";
import { type OwnedChild, spawnOwned } from "../../sys/owned_child.ts";
import type { ByteConnection } from "../../sys/byte_connection.ts";
import { meetAt } from "../../sys/unix_socket.ts";
import { VERSION } from "../../version.ts";
import { sealOf } from "./frame.ts";
import type { GroupLimits, HostGroup, HostGroups } from "./host_groups.ts";
import type { Invitation } from "./protocol.ts";

const MAX_LINE = 2000;

/** How a process of plugins is started. */
export interface HostOptions {
  readonly clock: Clock;
  readonly program: readonly [string, ...string[]];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** How long it may take until it can be spoken to. */
  readonly startMs: number;
  readonly owner: HostOwner;
  /** Where the kernel holds it to its limits. */
  readonly groups?: HostGroups | undefined;
}

/** Whose process it is. */
export interface HostOwner {
  /** The largest value that a worker in it may send now. */
  maxBytes(): number;
  /** Of each plugin that is to be in it; together they are its own. */
  limits(): readonly GroupLimits[];
  /** A line that came out of it, of which nobody knows from which worker. */
  onLine(stream: "stdout" | "stderr", line: string): void;
}

/** A process that was started, and can be spoken to. */
export interface JoinedHost {
  readonly child: OwnedChild;
  readonly connection: ByteConnection;
  /** Null where the kernel does not hold it to anything. */
  readonly group: HostGroup | null;
  /** What its frames begin with. */
  readonly seal: Uint8Array;
  /** Who hears what it writes; may change. */
  readonly whose: { owner: HostOwner };
}

/** Starts one. Throws `unavailable` when it does not come up in time. */
export async function joinHost(options: HostOptions): Promise<JoinedHost> {
  const folder = await makeTempFolder("usher-plugin-");
  try {
    const invitation: Invitation = {
      socket: `${folder}/socket`,
      secret: newSecret(),
      version: VERSION,
    };
    using meeting = meetAt(invitation.socket, invitation.secret);
    const [program, ...args] = options.program;
    const whose = { owner: options.owner };
    const child = spawnOwned(program, [...args, "plugin-host"], {
      env: options.env,
      input: `${JSON.stringify(invitation)}\n`,
      maxLine: MAX_LINE,
      onLine: (stream, line) => whose.owner.onLine(stream, line),
    });
    // At once: what it has by then is not counted.
    const group = options.groups?.enclose(child.pid, whose.owner.limits()) ??
      null;
    try {
      const connection = await untilMet(child, meeting.peer, options);
      const seal = sealOf(invitation.secret);
      return { child, connection, group, seal, whose };
    } catch (error) {
      await child.exited; // it was killed
      group?.end(options.clock);
      throw error;
    }
  } finally {
    await removeIfThere(folder);
  }
}

/** The peer, unless the child ends first or takes too long. */
async function untilMet(
  child: OwnedChild,
  peer: Promise<ByteConnection>,
  { clock, startMs }: HostOptions,
): Promise<ByteConnection> {
  using deadline = new Deadline(clock, startMs, "start of a process");
  const { promise: over, reject } = Promise.withResolvers<never>();
  deadline.signal.addEventListener(
    "abort",
    () => reject(notStarted(`it was not there within ${startMs} ms`)),
    { once: true },
  );
  const ended = child.exited.then(({ code, signal }) => {
    throw notStarted(`it ended with ${signal ?? `code ${code}`}`);
  });
  try {
    return await Promise.race([peer, over, ended]);
  } catch (error) {
    child.kill();
    throw error;
  }
}

function notStarted(why: string): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot start a process for plugins: ${why}`,
  );
}

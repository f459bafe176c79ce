/**
 * The process that carries a domain to another node: `usher guard libvirt
 * FOLDER`. There is one at each end, and neither belongs to an LNM.
 *
 * At the source virsh and QEMU find the target in it: the daemon behind a socket,
 * QEMU behind a port. At the target it hands on what comes to those two. One
 * word it keeps: the call that would let the target's copy go on. That is
 * held at the target until the driver there is told that the domain is its
 * own, so that no daemon decides, and none can be asked too late.
 *
 * Of a domain that is off there are images alone (`images.ts`).
 *
 * @module
 */
import { messageOf } from "../../../error/mod.ts";
import { systemClock } from "../../../sys/clock.ts";
import { removeIfThere } from "../../../sys/file.ts";
import { connectToPeer, listenForPeers } from "../../../sys/peer_link.ts";
import { connectAt, freePort, serveAt } from "../../../sys/relay.ts";
import type { ByteConnection } from "../../../sys/byte_connection.ts";
import {
  awaitGo,
  carryOut,
  identityOf,
  LONELY,
  LONELY_MS,
  ownFirst,
  OwnState,
  pump,
} from "../../carried/carrier.ts";
import { joinWords } from "../../carried/processes.ts";
import { channelOf, copyImage, openImage } from "./images.ts";
import {
  CHANNEL,
  type RelayState,
  SOURCE_SIDE,
  TARGET_SIDE,
  Task,
} from "./protocol.ts";
import {
  answerTo,
  isDecision,
  isReady,
  type Message,
  pongTo,
  readMessage,
  readyMessage,
} from "./rpc.ts";

/** Runs the carrier of `folder` to its end; the exit code. */
export async function runCarrier(folder: string): Promise<number> {
  const first = { ...ownFirst(), memoryPort: null, diskPort: null };
  const own = new OwnState<RelayState>(folder, first);
  const carrier = new Carrier(own);
  return await carryOut(
    own,
    Task,
    (task) =>
      task.role === "source" ? carrier.send(task) : carrier.receive(task),
  );
}

type SendTask = Extract<Task, { role: "source" }>;
type TakeTask = Extract<Task, { role: "target" }>;
type Carry = (near: ByteConnection, far: ByteConnection) => Promise<void>;
type Serve = (channel: string, carry: Carry) => (near: ByteConnection) => void;

class Carrier {
  readonly #own: OwnState<RelayState>;
  readonly #over = Promise.withResolvers<void>();
  /** What went wrong last between the two ends. */
  #trouble = "";

  constructor(own: OwnState<RelayState>) {
    this.#own = own;
  }

  /** Beside virsh and the QEMU that the domain leaves. */
  async send(task: SendTask): Promise<void> {
    const serve = await this.#serving(task);
    await removeIfThere(task.socket);
    if (task.images.length > 0) {
      await this.#own.tell({ phase: "carrying" });
      await this.#sendImages(task, serve);
      return await this.#own.tell({ phase: "ready" });
    }
    using _daemon = serveAt(
      task.socket,
      serve(CHANNEL.daemon, (near, far) => this.#askAway(near, far)),
    );
    const join: Carry = (near, far) => this.#join(near, far);
    const memory = { address: SOURCE_SIDE, port: task.memoryPort };
    using _memory = serveAt(memory, serve(CHANNEL.memory, join));
    const disks = { address: SOURCE_SIDE, port: task.diskPort };
    using _disks = serveAt(disks, serve(CHANNEL.disks, join));
    await this.#own.tell({ phase: "carrying" });
    await this.#over.promise; // until whoever decides ends it
  }

  /** How what connects here is carried to the other end, by the channel that it is for. */
  async #serving(task: SendTask): Promise<Serve> {
    const identity = await identityOf(task.credentials);
    const open = async (channel: string) => {
      const peer = await connectToPeer(task, identity, task.purpose);
      await peer.writeAll(new TextEncoder().encode(`${channel}\n`));
      return peer;
    };
    return (channel, carry) => (near) => {
      open(channel).then((far) => carry(near, far)).catch((error) => {
        near.close();
        this.#trouble = messageOf(error);
        void this.#own.tell({ reason: this.#trouble });
      });
    };
  }

  /** One image after the other: together they would be no sooner there. */
  async #sendImages(
    { uid, images, socket, bandwidth }: SendTask,
    serve: Serve,
  ): Promise<void> {
    const join: Carry = (near, far) => this.#join(near, far);
    for (const image of images) {
      await removeIfThere(socket);
      using _image = serveAt(socket, serve(channelOf(image), join));
      await copyImage(uid, image, socket, bandwidth).catch((error) => {
        throw new Error(joinWords(messageOf(error), this.#trouble));
      });
    }
  }

  /** Between virsh and the target's daemon, as the source's end. */
  async #askAway(virsh: ByteConnection, far: ByteConnection): Promise<void> {
    const asked = pump(virsh, far, () => {}).finally(() => far.close());
    asked.catch(() => {});
    try {
      for (;;) {
        const message = await readMessage(far);
        if (message === null) break;
        if (isReady(message)) await this.#own.tell({ phase: "ready" });
        else await virsh.writeAll(message);
      }
    } finally {
      virsh.close();
    }
  }

  /** Beside the daemon to which the domain comes. */
  async receive(task: TakeTask): Promise<void> {
    const { subject, purpose } = task;
    const memoryPort = freePort(TARGET_SIDE);
    const diskPort = freePort(TARGET_SIDE);
    const ports = { memory: memoryPort, disks: diskPort };
    const identity = await identityOf(task.credentials);
    using listener = listenForPeers(
      task.ports,
      identity,
      { subject, purpose },
      {
        take: (peer) => {
          void this.#serve(peer, task, ports).catch(() => peer.close());
        },
      },
    );
    await this.#own.tell({ port: listener.port, memoryPort, diskPort });
    const lonely = systemClock.after(LONELY_MS, () => {
      if (this.#own.phase !== "waiting") return;
      this.#over.reject(new Error(LONELY));
    });
    await this.#over.promise.finally(() => lonely[Symbol.dispose]());
  }

  async #serve(
    peer: ByteConnection,
    { daemon, uid, images, socket }: TakeTask,
    ports: { readonly memory: number; readonly disks: number },
  ): Promise<void> {
    const channel = await readLine(peer);
    const image = images.find((its) => channelOf(its) === channel);
    if (image !== undefined) {
      await this.#own.tell({ phase: "carrying" });
      return await this.#join(peer, await openImage(uid, image, socket));
    }
    if (channel === CHANNEL.memory || channel === CHANNEL.disks) {
      const place = { address: TARGET_SIDE, port: ports[channel] };
      return await this.#join(peer, await connectAt(place));
    }
    if (channel !== CHANNEL.daemon) return peer.close();
    await this.#own.tell({ phase: "carrying" });
    await this.#answer(peer, await connectAt(daemon));
  }

  /** Between the source and this node's daemon: all but the decision goes on. */
  async #answer(peer: ByteConnection, daemon: ByteConnection): Promise<void> {
    let held: Message | null = null;
    const asked = (async () => {
      for (;;) {
        const message = await readMessage(peer);
        if (message === null) return;
        if (!isDecision(message)) await daemon.writeAll(message);
        else {
          held = message;
          await this.#own.tell({ phase: "ready" });
          await peer.writeAll(readyMessage());
          void awaitGo(this.#own.folder).then(() => daemon.writeAll(message));
        }
      }
    })();
    // A source that breaks off before takes what came of the domain with it.
    asked.catch(() => {}).then(() => held ?? daemon.close());
    for (;;) {
      const message = await readMessage(daemon).catch(() => null);
      if (message === null) break;
      const pong = pongTo(message);
      if (pong !== null) {
        await daemon.writeAll(pong);
        continue;
      }
      const answer = held === null ? null : answerTo(held, message);
      await peer.writeAll(message).catch(() => {});
      if (answer === null) continue;
      await this.#own.tell(
        answer === "done"
          ? { phase: "done" }
          : { phase: "failed", reason: "libvirtd could not let it go on" },
      );
      break;
    }
    peer.close();
    daemon.close();
    if (held === null) return; // virsh looks with one connection, and moves with another
    if (this.#own.phase === "done") this.#over.resolve();
    else this.#over.reject(new Error("Libvirtd let go of the domain"));
  }

  /** Both ways, to the end of either. */
  async #join(one: ByteConnection, other: ByteConnection): Promise<void> {
    const close = () => {
      one.close();
      other.close();
    };
    // Several are carried at once; none waits for what is told of another.
    const count = (bytes: number) => void this.#own.count(bytes);
    await Promise.allSettled([
      pump(one, other, count).finally(close),
      pump(other, one, count).finally(close),
    ]);
  }
}

const MAX_LINE = 64;

async function readLine(from: ByteConnection): Promise<string> {
  const byte = new Uint8Array(1);
  let line = "";
  while (line.length < MAX_LINE) {
    if (await from.read(byte) === null || byte[0] === 0x0a) break;
    line += String.fromCharCode(byte[0]!);
  }
  return line;
}

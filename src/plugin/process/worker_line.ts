/**
 * The line of a worker, at the controller's end: where they meet, and what
 * comes after.
 *
 * A worker connects by itself before it loads its plugin, so calls and answers
 * wake it and the controller and nobody between them. The socket and its folder
 * are gone once they have met, and so is the permission to connect.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { Clock } from "../../sys/clock.ts";
import { makeTempFolder, removeIfThere } from "../../sys/file.ts";
import { newSecret } from "../../sys/id.ts";
import { meetAt } from "../../sys/unix_socket.ts";
import { sealOf } from "./frame.ts";
import { FrameLine } from "./frame_line.ts";
import { BODY, type LineInvitation } from "./protocol.ts";

/** How long whoever has left its line may still be said to have ended. */
const END_MS = 1000;
/**
 * How long what a worker said before its end is waited for. Its line ends with
 * it, except where it was ended while it ran.
 */
const LAST_WORDS_MS = 100;

/** What is heard on a line. */
export interface LineEars {
  /** The longest body that may come. */
  readonly maxBody: number;
  /** The bytes are gone once this returns. */
  onBody(body: Uint8Array): void;
  /** What came is nothing that a worker would say, or it cannot be told anything. */
  onBroken(why: string): void;
}

/** A place where one worker is awaited. */
export interface WorkerMeeting extends AsyncDisposable {
  readonly invitation: LineInvitation;
  /** Resolves once the worker is there; never when it does not come. */
  readonly line: Promise<WorkerLine>;
}

/** The line to one worker. */
export class WorkerLine {
  readonly #clock: Clock;
  readonly #line: FrameLine;
  readonly #ended: Promise<void>;
  #isClosed = false;
  #leaving: Disposable | undefined;

  constructor(clock: Clock, line: FrameLine, ears: LineEars) {
    this.#clock = clock;
    this.#line = line;
    this.#ended = this.#read(ears);
  }

  async #read(ears: LineEars): Promise<void> {
    try {
      await this.#line.read(({ body }) => ears.onBody(body));
    } catch (error) {
      ears.onBroken(`it said what makes no sense: ${messageOf(error)}`);
    }
    if (this.#isClosed) return;
    // Mostly since it has ended: then its process says why.
    this.#leaving = this.#clock.after(
      END_MS,
      () => ears.onBroken("it has left its line"),
    );
  }

  /** Resolves once all is heard that it said before its end. */
  async lastWords(): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    using _timer = this.#clock.after(LAST_WORDS_MS, resolve);
    await Promise.race([this.#ended, over]);
  }

  /** Sends a body. */
  send(text: string): void {
    this.#line.send({ kind: BODY, number: 0, text });
  }

  close(): void {
    this.#isClosed = true;
    this.#leaving?.[Symbol.dispose]();
    this.#line.close();
  }
}

/** Waits for a worker; disposing ends the wait, not the line. */
export async function meetWorker(
  clock: Clock,
  ears: LineEars,
): Promise<WorkerMeeting> {
  const folder = await makeTempFolder("usher-worker-");
  const invitation = { socket: `${folder}/socket`, secret: newSecret() };
  try {
    const meeting = meetAt(invitation.socket, invitation.secret);
    const line = meeting.peer.then((connection) =>
      new WorkerLine(
        clock,
        new FrameLine({
          connection,
          seals: { peer: sealOf(invitation.secret) },
          maxBody: () => ears.maxBody,
          onBroken: (why) =>
            ears.onBroken(`it cannot be told anything: ${why}`),
        }),
        ears,
      )
    );
    line.catch(() => {}); // nobody came
    return {
      invitation,
      line,
      [Symbol.asyncDispose]: async () => {
        meeting[Symbol.dispose]();
        await removeIfThere(folder);
      },
    };
  } catch (error) {
    await removeIfThere(folder);
    throw error;
  }
}

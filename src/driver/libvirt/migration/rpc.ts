/**
 * As much of libvirt's protocol as usher stands in the way of: the borders of
 * its messages, the call that decides a migration, and the question whether
 * one is still there.
 *
 * Numbers of programs and procedures are libvirt's promise and never change
 * (remote_protocol.x, virnetprotocol.x, virkeepaliveprotocol.x).
 *
 * @module
 */
import type { ByteConnection } from "../../../sys/byte_connection.ts";

/** One message, its length before it. */
export type Message = Uint8Array<ArrayBuffer>;

const HEADER_BYTES = 28;
/** libvirt's own most is 32 MiB. */
const MOST_BYTES = 64 * 1024 * 1024;

const PROGRAM = {
  remote: 0x20008086,
  keepalive: 0x6b656570,
  usher: 0x75736872,
};
const KEEPALIVE = { ping: 1, pong: 2 };
const TYPE = { call: 0, reply: 1 };
/** VIR_MIGRATE's last word to the target, in its two shapes. */
const FINISH = [217, 306];

/** What a message is about. */
export interface Header {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

/** The next message; null when the other side has ended. Throws for what is none. */
export async function readMessage(
  from: ByteConnection,
): Promise<Message | null> {
  const start = await take(from, 4);
  if (start === null) return null;
  const length = new DataView(start.buffer).getUint32(0);
  if (length < HEADER_BYTES || length > MOST_BYTES) {
    throw new Error(`A message of ${length} bytes is none of libvirt's`);
  }
  const rest = await take(from, length - start.length);
  if (rest === null) return null;
  const message = new Uint8Array(length);
  message.set(start);
  message.set(rest, start.length);
  return message;
}

async function take(
  from: ByteConnection,
  count: number,
): Promise<Message | null> {
  const taken = new Uint8Array(count);
  for (let done = 0; done < count;) {
    const got = await from.read(taken.subarray(done));
    if (got === null) return null;
    done += got;
  }
  return taken;
}

/** Reads what stands before a message's content. */
export function headerOf(message: Message): Header {
  const view = new DataView(message.buffer, message.byteOffset);
  return {
    program: view.getUint32(4),
    procedure: view.getUint32(12),
    type: view.getUint32(16),
    serial: view.getUint32(20),
    status: view.getUint32(24),
  };
}

/** Whether it lets the target's copy go on. The same call with another end takes that copy away. */
export function isDecision(message: Message): boolean {
  const { program, procedure, type } = headerOf(message);
  if (program !== PROGRAM.remote || type !== TYPE.call) return false;
  if (!FINISH.includes(procedure)) return false;
  const view = new DataView(message.buffer, message.byteOffset);
  const isCancelled = view.getInt32(message.length - 4) !== 0;
  return !isCancelled;
}

/** Whether `message` answers `call`; and then whether that was done. */
export function answerTo(
  call: Message,
  message: Message,
): "done" | "failed" | null {
  const asked = headerOf(call);
  const { program, procedure, type, serial, status } = headerOf(message);
  const isAnswer = program === asked.program && type === TYPE.reply &&
    procedure === asked.procedure && serial === asked.serial;
  if (!isAnswer) return null;
  return status === 0 ? "done" : "failed";
}

/** The answer to a daemon that asks whether one is there; null for any other message. */
export function pongTo(message: Message): Message | null {
  const { program, procedure } = headerOf(message);
  if (program !== PROGRAM.keepalive || procedure !== KEEPALIVE.ping) {
    return null;
  }
  const pong = message.slice();
  new DataView(pong.buffer).setUint32(12, KEEPALIVE.pong);
  return pong;
}

/** What one end of usher's tells the other in between: that the decision is in its hand. */
export function readyMessage(): Message {
  const message = new Uint8Array(HEADER_BYTES);
  const view = new DataView(message.buffer);
  view.setUint32(0, HEADER_BYTES);
  view.setUint32(4, PROGRAM.usher);
  return message;
}

/** Whether it is that. */
export function isReady(message: Message): boolean {
  return headerOf(message).program === PROGRAM.usher;
}

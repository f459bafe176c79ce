/**
 * libvirt's messages: their borders however they come, and which of them is the
 * one that decides.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { ByteConnection } from "../../../sys/byte_connection.ts";
import {
  answerTo,
  headerOf,
  isDecision,
  isReady,
  type Message,
  pongTo,
  readMessage,
  readyMessage,
} from "./rpc.ts";

const REMOTE = 0x20008086;
const KEEPALIVE = 0x6b656570;

/** A message with that header, and a content of whole numbers. */
function message(
  [program, procedure, type, serial, status]: readonly number[],
  ...content: number[]
): Message {
  const words = [0, program, 1, procedure, type, serial, status, ...content];
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, at) => view.setInt32(at * 4, (word ?? 0) | 0));
  view.setUint32(0, bytes.length);
  return bytes;
}

/** What brings these bytes, so many at a time. */
function arriving(bytes: Uint8Array, step: number): ByteConnection {
  let at = 0;
  return {
    read(buffer) {
      const part = bytes.subarray(at, at + Math.min(step, buffer.length));
      if (part.length === 0) return Promise.resolve(null);
      buffer.set(part);
      at += part.length;
      return Promise.resolve(part.length);
    },
    writeAll: () => Promise.resolve(),
    close() {},
  };
}

Deno.test("readMessage() finds the borders of messages that come in pieces", async () => {
  const one = message([REMOTE, 1, 0, 7, 0]);
  const other = message([REMOTE, 2, 0, 8, 0], 1, 2, 3);
  for (const step of [1, 3, 28, 1000]) {
    const from = arriving(new Uint8Array([...one, ...other]), step);
    deepStrictEqual(await readMessage(from), one);
    deepStrictEqual(await readMessage(from), other);
    strictEqual(await readMessage(from), null);
  }
});

Deno.test("readMessage() takes half a message for an end, and refuses what is none", async () => {
  const whole = message([REMOTE, 1, 0, 7, 0], 5);
  strictEqual(await readMessage(arriving(whole.subarray(0, 20), 9)), null);
  const short = message([REMOTE, 1, 0, 7, 0]);
  new DataView(short.buffer).setUint32(0, 4);
  await rejects(readMessage(arriving(short, 100)), /none of libvirt's/);
});

Deno.test("isDecision() holds the call that lets a copy go on, in both its shapes, and no other", () => {
  for (const procedure of [217, 306]) {
    const finish = [REMOTE, procedure, 0, 9, 0];
    strictEqual(isDecision(message(finish, 1, 0)), true);
    strictEqual(isDecision(message(finish, 1, 1)), false, "a cancelled one");
    strictEqual(isDecision(message([REMOTE, procedure, 1, 9, 0], 0)), false);
    strictEqual(isDecision(message([KEEPALIVE, procedure, 0, 9, 0], 0)), false);
  }
  // Perform and confirm, on either side of it.
  for (const procedure of [216, 218, 305, 307]) {
    strictEqual(isDecision(message([REMOTE, procedure, 0, 9, 0], 0)), false);
  }
});

Deno.test("answerTo() knows the answer by its serial, and what it says", () => {
  const call = message([REMOTE, 306, 0, 9, 0], 0);
  strictEqual(answerTo(call, message([REMOTE, 306, 1, 9, 0])), "done");
  strictEqual(answerTo(call, message([REMOTE, 306, 1, 9, 1])), "failed");
  strictEqual(answerTo(call, message([REMOTE, 306, 1, 8, 0])), null);
  strictEqual(answerTo(call, message([REMOTE, 306, 2, 9, 0])), null);
});

Deno.test("pongTo() answers a ping and nothing else", () => {
  const pong = pongTo(message([KEEPALIVE, 1, 2, 0, 0]));
  deepStrictEqual(pong && headerOf(pong).procedure, 2);
  strictEqual(pongTo(message([KEEPALIVE, 2, 2, 0, 0])), null);
  strictEqual(pongTo(message([REMOTE, 1, 0, 0, 0])), null);
});

Deno.test("isReady() tells usher's own message from libvirt's", () => {
  strictEqual(isReady(readyMessage()), true);
  strictEqual(isReady(message([REMOTE, 0, 0, 0, 0])), false);
});

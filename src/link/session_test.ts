import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { encodeLine } from "./ndjson.ts";
import { type Envelope } from "./outbox.ts";
import { Session } from "./session.ts";
import { type Clock, systemClock } from "../sys/clock.ts";

interface Frame extends Envelope {
  readonly type: string;
}

/** A session, and the peer's end of its link. */
function linked(
  options: { beatMs?: number; deadMs?: number; clock?: Clock } = {},
) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const session = new Session<Frame, Frame>({
    clock: options.clock ?? systemClock,
    incoming: readable,
    parse: (value) => (value as Frame).type === "alien" ? null : value as Frame,
    beat: () => ({ type: "beat" }),
    beatMs: options.beatMs ?? 1000,
    deadMs: options.deadMs ?? 5000,
    maxFrameBytes: 1000,
  });
  const writer = writable.getWriter();
  return {
    session,
    say: (value: unknown) => writer.write(encodeLine(value)),
    hangUp: () => writer.close(),
  };
}

async function collect(session: Session<Frame, Frame>): Promise<string[]> {
  const types: string[] = [];
  for await (const frame of session.frames()) types.push(frame.type);
  return types;
}

Deno.test("Session gives each frame once, drops alien ones, ends with the peer", async () => {
  const { session, say, hangUp } = linked();
  const collected = collect(session);
  await say({ type: "a", seq: 1 });
  await say({ type: "alien", seq: 2 });
  await say({ type: "a", seq: 1 });
  await say({ type: "b", seq: 3 });
  await hangUp();
  deepStrictEqual(await collected, ["a", "b"]);
  match(String(session.ended.reason), /the peer ended the link/);
});

Deno.test("Session sends frames in order, with what it has seen", async () => {
  const { session, say } = linked();
  const collected = collect(session);
  const reader = session.outgoing.pipeThrough(new TextDecoderStream())
    .getReader();
  await say({ type: "a", seq: 1 });
  session.sendReliable({ type: "x" });
  session.send({ type: "y" });
  session.close("done");
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
  }
  const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  deepStrictEqual(lines.map(({ type, seq }) => [type, seq]), [["x", 1], [
    "y",
    undefined,
  ]]);
  strictEqual((await collected).length <= 1, true);
});

Deno.test("Session that replays sends again only what was not acknowledged", async () => {
  const { session, say, hangUp } = linked();
  session.sendReliable({ type: "x" });
  session.sendReliable({ type: "y" });
  const collected = collect(session);
  await say({ type: "beat", ack: 1 });
  await hangUp();
  await collected;
  deepStrictEqual(session.outbox.unacknowledged().map(({ type }) => type), [
    "y",
  ]);
});

Deno.test("Session ends when its peer falls silent", async () => {
  const { session } = linked({ beatMs: 5, deadMs: 30 });
  session.startHeartbeat();
  deepStrictEqual(await collect(session), []);
  match(String(session.ended.reason), /nothing was heard/);
});

Deno.test("Session of a process that stood still takes nothing that was said meanwhile", async () => {
  let now = 0;
  const { session, say } = linked({
    deadMs: 5000,
    clock: { ...systemClock, monotonic: () => now },
  });
  const frames = session.frames();
  void say({ type: "a", seq: 1 });
  strictEqual((await frames.next()).done, false);
  now += 5001;
  say({ type: "b", seq: 2 }).catch(() => {});
  strictEqual((await frames.next()).done, true);
  match(String(session.ended.reason), /nothing was heard for 5000 ms/);
  strictEqual(
    session.inbox.seen,
    1,
    "so that it is said again if still wanted",
  );
});

Deno.test("Session throws for what is no frame, and can still say why", async () => {
  const { session, say } = linked();
  const collected = collect(session);
  await say("x".repeat(2000)).catch(() => {});
  await rejects(collected, /more than 1000 bytes/);
  strictEqual(session.ended.aborted, false);
  session.close("refused");
});

Deno.test("Session throws for a frame that came too early, so that none is lost unseen", async () => {
  const { session, say } = linked();
  const collected = collect(session);
  await say({ type: "a", seq: 1 });
  await say({ type: "c", seq: 3 }).catch(() => {});
  await rejects(collected, /Frame 3 came after frame 1/);
  strictEqual(session.inbox.seen, 1, "the next session asks for frame 2");
  session.close("refused");
});

Deno.test("Session.untilRoom() waits while the peer is far behind, and for no one who left", async () => {
  const { session } = linked();
  const signal = new AbortController().signal;
  const text = "x".repeat(500_000);
  await session.untilRoom(signal);
  for (let i = 0; i < 10; i++) session.send({ type: text });
  let hasRoom = false;
  const waiting = session.untilRoom(signal).then(() => hasRoom = true);
  await Promise.resolve();
  strictEqual(hasRoom, false);
  const reader = session.outgoing.getReader();
  await reader.read();
  await waiting;
  const reading = (async () => {
    while (!(await reader.read()).done);
  })();
  for (let i = 0; i < 10; i++) session.send({ type: text });
  const given = session.untilRoom(AbortSignal.abort(new Error("given up")));
  await rejects(given, /given up/);
  session.close("done");
  await session.untilRoom(signal);
  await reading;
});

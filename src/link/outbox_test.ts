import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { type Envelope, Inbox, Outbox } from "./outbox.ts";

interface Frame extends Envelope {
  readonly text: string;
}

Deno.test("Outbox numbers frames and keeps what is not acknowledged", () => {
  const outbox = new Outbox<Frame>();
  const seqs = ["a", "b", "c"].map((text) => outbox.add({ text }).seq);
  deepStrictEqual(seqs, [1, 2, 3]);
  outbox.acknowledge(2);
  deepStrictEqual(outbox.unacknowledged().map(({ text }) => text), ["c"]);
  outbox.acknowledge(2);
  deepStrictEqual(outbox.unacknowledged().map(({ text }) => text), ["c"]);
});

Deno.test("Outbox says when it could not keep everything", () => {
  const outbox = new Outbox<Frame>(2);
  for (const text of ["a", "b"]) outbox.add({ text });
  strictEqual(outbox.complete, true);
  outbox.add({ text: "c" });
  strictEqual(outbox.complete, false);
  outbox.acknowledge(3);
  strictEqual(outbox.complete, true, "once all is seen nothing is missing");
});

Deno.test("Inbox accepts each numbered frame once, and unnumbered ones always", () => {
  const inbox = new Inbox();
  const accepted = [1, 2, 2, 1, 3, undefined, undefined].map((seq) =>
    inbox.accept(seq)
  );
  deepStrictEqual(accepted, [true, true, false, false, true, true, true]);
  strictEqual(inbox.seen, 3);
});

Deno.test("Inbox refuses a number that comes too early, and still takes the right one", () => {
  const inbox = new Inbox();
  inbox.accept(1);
  throws(() => inbox.accept(3), /what is between is missing/);
  strictEqual(inbox.accept(2), true);
});

import { deepStrictEqual, strictEqual } from "node:assert/strict";
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

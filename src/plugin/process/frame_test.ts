import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { encodeFrame, FrameReader, sealOf } from "./frame.ts";

const BOUNDS = { head: 1000, body: 1000 };

Deno.test("FrameReader finds the same frames however the bytes are cut", () => {
  const frame = fc.tuple(
    fc.jsonValue({ maxDepth: 1 }).map((value) =>
      JSON.parse(JSON.stringify(value))
    ),
    fc.uint8Array({ maxLength: 100 }),
  );
  fc.assert(fc.property(
    fc.array(frame, { maxLength: 5 }),
    fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
    (frames, cuts) => {
      const bytes = frames.flatMap(([head, body]) => [
        ...encodeFrame(head, body),
      ]);
      const reader = new FrameReader({ head: 100_000, body: 1000 });
      const found: unknown[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const end = at + (cuts[turn % cuts.length] ?? 1);
        for (
          const { head, body } of reader.push(
            Uint8Array.from(bytes.slice(at, end)),
          )
        ) found.push([head, [...body]]);
        at = end;
      }
      deepStrictEqual(found, frames.map(([head, body]) => [head, [...body]]));
    },
  ));
});

Deno.test("FrameReader refuses a frame that is too long before it holds it", () => {
  const long = encodeFrame({}, new Uint8Array(1001));
  throws(() => [...new FrameReader(BOUNDS).push(long.subarray(0, 8))], {
    message: "A frame of 2 and 1001 bytes is too long",
  });
});

Deno.test("FrameReader gives each body bytes of its own", () => {
  const bytes = encodeFrame({ type: "x" }, Uint8Array.of(1, 2));
  const [frame] = [...new FrameReader(BOUNDS).push(bytes)];
  bytes.fill(0);
  deepStrictEqual([...frame?.body ?? []], [1, 2]);
  strictEqual(frame?.body.byteOffset, 0);
});

Deno.test("FrameReader takes no frame without the seal of its sender, and nothing between two", () => {
  const [seal, other] = [sealOf("the host's"), sealOf("a worker's")];
  const own = encodeFrame({ type: "x" }, Uint8Array.of(1, 2), seal);
  const read = (...parts: Uint8Array[]) => {
    const reader = new FrameReader(BOUNDS, seal);
    return parts.flatMap((part) => [...reader.push(part)]).length;
  };
  strictEqual(read(own, own), 2);
  for (
    const forged of [
      encodeFrame({ type: "x" }),
      encodeFrame({ type: "x" }, undefined, other),
      new TextEncoder().encode("forged, and long enough to be a frame"),
    ]
  ) {
    throws(() => read(forged), /no seal/);
    throws(() => read(own, forged, own), /no seal/);
    throws(() => read(own, forged.subarray(0, 3), own, own), /no seal/);
  }
});

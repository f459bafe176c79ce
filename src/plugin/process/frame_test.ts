import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { encodeFrame, type FrameParts, FrameReader, sealOf } from "./frame.ts";

const MOST = () => 100_000;
const decoder = new TextDecoder();

/** Whole frames, with their texts. */
function readAll(reader: FrameReader, chunks: Iterable<Uint8Array>) {
  const found: Required<FrameParts>[] = [];
  for (const chunk of chunks) {
    reader.push(chunk, ({ kind, number, body }) => {
      found.push({ kind, number, text: decoder.decode(body) });
    });
  }
  return found;
}

/** The bytes in pieces of these lengths; each piece is overwritten once it was taken. */
function* cutBy(bytes: Uint8Array, cuts: readonly number[]) {
  const buffer = new Uint8Array(64);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const piece = bytes.subarray(at, at + (cuts[turn % cuts.length] ?? 1));
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
    buffer.fill(0xff);
    at += piece.length;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("FrameReader finds the same frames however the bytes are cut, and keeps none of them", () => {
  const frame = fc.record({
    kind: fc.nat(255),
    number: fc.nat(2 ** 32 - 1),
    text: fc.string({ unit: "binary", maxLength: 60 }),
  }, { noNullPrototype: true });
  fc.assert(fc.property(
    fc.array(frame, { maxLength: 5 }),
    fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
    fc.string(),
    (frames, cuts, secret) => {
      const seal = sealOf(secret);
      const bytes = joined(frames.map((one) => encodeFrame(one, seal)));
      const reader = new FrameReader(MOST, seal);
      deepStrictEqual(readAll(reader, cutBy(bytes, cuts)), frames);
    },
  ));
});

Deno.test("FrameReader reads a long text as it was written, whatever its characters take", () => {
  for (const text of ["a".repeat(20_000), "ß€𝄞".repeat(5000), "€".repeat(99)]) {
    const [frame] = readAll(new FrameReader(MOST), [
      encodeFrame({ kind: 1, number: 2, text }),
    ]);
    deepStrictEqual(frame, { kind: 1, number: 2, text });
  }
});

Deno.test("FrameReader refuses a frame that is too long before it holds it", () => {
  const text = "x".repeat(100_001);
  const prefix = encodeFrame({ kind: 1, number: 0, text }).subarray(0, 9);
  throws(() => readAll(new FrameReader(MOST), [prefix]), {
    message: "A frame of 100001 bytes is too long",
  });
});

Deno.test("FrameReader takes no frame without the seal of its sender, and nothing between two", () => {
  const [seal, other] = [sealOf("the host's"), sealOf("a worker's")];
  const parts = { kind: 1, number: 1, text: "12" };
  const own = encodeFrame(parts, seal);
  const read = (...chunks: Uint8Array[]) =>
    readAll(new FrameReader(MOST, seal), chunks).length;
  strictEqual(read(own, own), 2);
  for (
    const forged of [
      encodeFrame({ ...parts, text: "as long as a prefix with a seal" }),
      encodeFrame(parts, other),
      new TextEncoder().encode("forged, and long enough to be a frame"),
    ]
  ) {
    throws(() => read(forged), /no seal/);
    throws(() => read(own, forged, own), /no seal/);
    throws(() => read(own, forged.subarray(0, 3), own, own), /no seal/);
  }
});

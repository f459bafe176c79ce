/**
 * The group is the one that its standard gives by a formula.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { DH_GROUP } from "./dh_group.ts";

/** Before the prime: SEQUENCE and INTEGER, each with its length, and a sign. */
const HEAD_BYTES = 9;
const BITS = 3072n;

Deno.test("the group is ffdhe3072", () => {
  const der = Buffer.from(DH_GROUP.replace(/-----.*-----|\s/g, ""), "base64");
  const prime = der.subarray(HEAD_BYTES, HEAD_BYTES + Number(BITS) / 8);
  strictEqual(BigInt(`0x${prime.toString("hex")}`), ffdhe3072());
  strictEqual(
    der.subarray(HEAD_BYTES + prime.length).toString("hex"),
    "020102",
  );
});

/** RFC 7919, A.2: 2^3072 - 2^3008 + ([2^2942 e] + 2625351) 2^64 - 1. */
function ffdhe3072(): bigint {
  const e = eulerTimes(BITS - 130n);
  return 2n ** BITS - 2n ** (BITS - 64n) + (e + 2625351n) * 2n ** 64n - 1n;
}

/** The whole part of 2^bits times e, by its series; the spare bits hold what rounding loses. */
function eulerTimes(bits: bigint): bigint {
  const spare = 64n;
  let sum = 0n;
  for (
    let term = 2n ** (bits + spare), k = 1n;
    term > 0n;
    term /= k, k++
  ) sum += term;
  return sum >> spare;
}

/**
 * What `ChainCheck` tells of a log that somebody edited, in every way in which
 * it can be.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { sha256 } from "../sys/sha256.ts";
import { AUDIT_ROOT, ChainCheck, hashOf } from "./audit.ts";
import { canonicalJson } from "./canonical.ts";

interface Made {
  seq: number;
  prev: string;
  hash: string;
  [field: string]: unknown;
}

/** A log of `count` records, each with what `content` gives it. */
function logOf(
  count: number,
  content: (seq: number) => Record<string, unknown> = (seq) => ({
    user: `u${seq}`,
    args: { b: seq, a: null },
  }),
): Made[] {
  const log: Made[] = [];
  for (let seq = 1; seq <= count; seq++) {
    const prev = log.at(-1)?.hash ?? AUDIT_ROOT;
    const record = { ...content(seq), seq, prev };
    log.push({ ...record, hash: hashOf(record, sha256) });
  }
  return log;
}

function markOf({ seq, hash }: Made) {
  return { seq, hash };
}

const ROOT = { seq: 0, hash: AUDIT_ROOT };

/** What is said of `log`, which ended as `right` does. */
function verdict(
  log: readonly unknown[],
  { right = logOf(10), anchor = ROOT, kept }: {
    right?: Made[];
    anchor?: { seq: number; hash: string };
    kept?: string;
  } = {},
): string | null {
  const head = markOf(right.at(-1) as Made);
  const check = new ChainCheck(sha256, { anchor, head, kept });
  for (const record of log) {
    const broken = check.next(record);
    if (broken !== null) return broken.text;
  }
  return check.end()?.text ?? null;
}

function edited(index: number, change: Partial<Made>): Made[] {
  return logOf(10).map((one, i) => i === index ? { ...one, ...change } : one);
}

Deno.test("a log as it was written is right, whatever the order of its fields", () => {
  strictEqual(verdict(logOf(10)), null);
  const turned = logOf(10).map((record) =>
    Object.fromEntries(Object.entries(record).toReversed())
  );
  strictEqual(verdict(turned), null);
});

Deno.test("an edited record is told, also one of a single character", () => {
  for (let i = 0; i < 10; i++) {
    const said = verdict(edited(i, { user: "u_" }));
    match(said ?? "", new RegExp(`^Record ${i + 1} was changed`));
  }
  match(verdict(edited(4, { more: 1 })) ?? "", /^Record 5 was changed/);
});

Deno.test("a record that is edited with its hash breaks the next one", () => {
  const forged: Made = { ...(logOf(10)[4] as Made), user: "eve" };
  const log = edited(4, { ...forged, hash: hashOf(forged, sha256) });
  match(verdict(log) ?? "", /^Record 6 does not follow record 5/);
});

Deno.test("removed, swapped and doubled records, and a cut in the middle", () => {
  const log = logOf(10);
  match(
    verdict(log.toSpliced(3, 1)) ?? "",
    /^Record 4 is missing: record 5 stands/,
  );
  match(verdict(log.toSpliced(2, 5)) ?? "", /^Record 3 is missing/);
  const [a, b] = [log[3] as Made, log[4] as Made];
  match(verdict(log.toSpliced(3, 2, b, a)) ?? "", /^Record 4 is missing/);
  match(verdict(log.toSpliced(3, 0, a)) ?? "", /^Record 5 is missing/);
  match(verdict(log.slice(1)) ?? "", /^Record 1 is missing/);
  match(verdict([...log.slice(0, 3), "x"]) ?? "", /something else stands/);
});

Deno.test("a tail that was cut off is told by where the log ended", () => {
  match(
    verdict(logOf(10).slice(0, 7)) ?? "",
    /^Record 8 is missing: the log ends with record 7, and had 10/,
  );
  match(verdict([]) ?? "", /^Record 1 is missing/);
});

Deno.test("a log made anew by who could is told by a hash that was kept, and by that alone", () => {
  const right = logOf(10);
  const forged = logOf(10, (seq) => ({ user: seq === 5 ? "eve" : `u${seq}` }));
  strictEqual(verdict(forged, { right: forged }), null);
  const kept = right[6]?.hash ?? "";
  match(
    verdict(forged, { right: forged, kept }) ?? "",
    /^No record has the hash/,
  );
  strictEqual(verdict(right, { kept }), null);
  // The controller's own note of the end is one that was kept, too.
  match(verdict(forged, { right }) ?? "", /^Record 10 is not the one/);
});

Deno.test("what was removed for its age is passed over, and the log begins behind it", () => {
  const log = logOf(10);
  const anchor = markOf(log[3] as Made);
  strictEqual(verdict(log.slice(4), { anchor }), null);
  strictEqual(verdict(log, { anchor }), null);
  strictEqual(verdict(log.slice(4), { anchor, kept: anchor.hash }), null);
  match(verdict(log.slice(5), { anchor }) ?? "", /^Record 5 is missing/);
});

Deno.test("canonical JSON is one text for one value", () => {
  strictEqual(
    canonicalJson({ b: [1, { d: "\u00e9", c: undefined }], a: null }),
    '{"a":null,"b":[1,{"d":"é"}]}',
  );
});

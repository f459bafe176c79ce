import { deepStrictEqual, ok } from "node:assert/strict";
import { isDom0, isListing, parseListing, rowsOf } from "./listing.ts";

const HEADING =
  "Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID                            Reason-Code\tSecurity Label\n";
const DOM0 =
  "Domain-0                                     0   512     2     r-----     618.5 00000000-0000-0000-0000-000000000000        -                -\n";
const UUID = "0b6f3a52-0001-4a00-8000-00000000d15c";

function line(name: string, state: string, reason = "-", more = ""): string {
  return `${
    name.padEnd(40)
  }    14   128     1     ${state}      49.8 ${UUID}        ${reason}                -${more}\n`;
}

function one(text: string) {
  const rows = parseListing(HEADING + DOM0 + text);
  deepStrictEqual(rows.length, 1, text);
  return rows[0]!;
}

Deno.test("a listing: every combination of flags that Xen was seen to print", () => {
  const seen = (state: string, reason?: string) => {
    const { paused, shutdown, crashed, dying, ...row } = one(
      line("disky", state, reason),
    );
    return { paused, shutdown, crashed, dying, reason: row.reason };
  };
  const none = {
    paused: false,
    shutdown: false,
    crashed: false,
    dying: false,
    reason: null,
  };
  deepStrictEqual(seen("r-----"), none);
  deepStrictEqual(seen("-b----"), none);
  deepStrictEqual(seen("------"), none);
  deepStrictEqual(seen("--p---"), { ...none, paused: true });
  deepStrictEqual(seen("---s--", "0"), { ...none, shutdown: true, reason: 0 });
  deepStrictEqual(seen("--ps--", "2"), {
    ...none,
    paused: true,
    shutdown: true,
    reason: 2,
  });
  deepStrictEqual(seen("---sc-", "3"), {
    ...none,
    shutdown: true,
    crashed: true,
    reason: 3,
  });
  deepStrictEqual(seen("--p--d"), { ...none, paused: true, dying: true });
});

Deno.test("a listing: names with spaces and numbers, and lines that only look like domains", () => {
  deepStrictEqual(one(line("a b  12 34", "-b----")).name, "a b  12 34");
  deepStrictEqual(one(line("(null)", "--p---")).name, "(null)");
  const long = "x".repeat(120);
  deepStrictEqual(one(line(long, "r-----")).name, long);
  const { domid, memoryMiB, vcpus, cpuSeconds, uuid } = one(
    `WARNING: 14 128 1 r----- of something\n\n${
      line("disky", "r-----")
    }} odd {`,
  );
  deepStrictEqual([domid, memoryMiB, vcpus, cpuSeconds, uuid], [
    14,
    128,
    1,
    49.8,
    UUID,
  ]);
});

Deno.test("a listing: warnings before it, and columns of a newer Xen after it", () => {
  const warned = `WARNING: old kernel {}\n[\n${HEADING}${DOM0}${
    line("disky", "r-----", "-", "   NUMA all")
  }`;
  ok(isListing(warned));
  deepStrictEqual(parseListing(warned).map(({ name }) => name), ["disky"]);
});

Deno.test("a listing: what is none is told from one without domains", () => {
  ok(isListing(HEADING + DOM0));
  deepStrictEqual(parseListing(HEADING + DOM0), []);
  for (const text of ["", "cannot init xl context\n", "[\n\n]\n", DOM0]) {
    ok(!isListing(text), text);
  }
});

Deno.test("a listing: dom0 is told from guests", () => {
  const all = rowsOf(HEADING + DOM0 + line("web", "r-----"));
  deepStrictEqual(all.map((row) => [row.name, isDom0(row)]), [
    ["Domain-0", true],
    ["web", false],
  ]);
});

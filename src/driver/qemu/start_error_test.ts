import { match, strictEqual } from "node:assert/strict";
import { startError } from "./start_error.ts";

const ENDED = { code: 1, signal: null };

Deno.test("startError() tells QEMU's own words, and what to do about those that are known", () => {
  const cases: [string, RegExp | undefined][] = [
    ["qemu-system-x86_64: Image is not in qcow2 format", /format=raw/],
    [
      "qemu-system-x86_64: Could not set up host forwarding rule 'tcp::80-:80'",
      /listens on that port/,
    ],
    ["qemu-system-x86_64: something new", undefined],
  ];
  for (const [said, hint] of cases) {
    const error = startError("web.lab.ann", ENDED, said, () => null);
    strictEqual(error.code, "driver_failed");
    match(error.message, /^Cannot start VM "web\.lab\.ann": QEMU ended/);
    match(error.message, new RegExp(said.slice(20, 40)));
    if (hint === undefined) strictEqual(error.details.hint, undefined);
    else match(error.details.hint ?? "", hint);
  }
});

Deno.test("startError() tells a node without memory by the code that other drivers have for it", () => {
  const said =
    "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory";
  const error = startError("web.lab.ann", ENDED, said, () => null);
  strictEqual(error.code, "insufficient_resources");
  match(error.message, /it said: cannot set up guest memory/);
  match(error.details.hint ?? "", /memory free/);
});

Deno.test("startError() names the disk that is in use, and who uses it", () => {
  const said = 'Failed to get "write" lock\n' +
    "Is another process using the image [/srv/a.qcow2]?";
  const known = startError("web.lab.ann", ENDED, said, () => "db.lab.ann");
  strictEqual(known.code, "busy");
  match(known.message, /\/srv\/a\.qcow2 is in use by VM "db\.lab\.ann"/);
  const other = startError("web.lab.ann", ENDED, said, () => null);
  match(other.message, /in use by another process/);
});

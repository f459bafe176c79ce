/**
 * Which files count as backups.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { isUsherError } from "../../error/mod.ts";
import { BackupEncoder, type BackupHead, readBackup } from "./format.ts";

const HEAD: BackupHead = {
  format: "usher-backup",
  version: 1,
  usher: "1",
  epoch: 1,
  at: "2026-01-01T00:00:00.000Z",
};

const LINES = [
  { file: "tls/ca-key.pem", text: "a\nb" },
  { set: ["vm", "1"], value: { "é": [1.5, null, "\u2028"], 2: 0, 1: 1 } },
  { delete: ["vm", "1"] },
];

function encoded(head: object = HEAD): string {
  const encoder = new BackupEncoder();
  const decoder = new TextDecoder();
  return [
    encoder.head(head as BackupHead),
    ...LINES.map((line) => encoder.line(line)),
    encoder.end(),
  ].map((bytes) => decoder.decode(bytes)).join("");
}

async function read(text: string): Promise<unknown[]> {
  const bytes = new TextEncoder().encode(text);
  return await Array.fromAsync(readBackup(
    (async function* () {
      for (let at = 0; at < bytes.length; at += 7) {
        yield await Promise.resolve(bytes.subarray(at, at + 7));
      }
    })(),
    "b",
  ));
}

async function isRefused(text: string, code = "invalid_input") {
  await rejects(
    read(text),
    (error) => {
      ok(
        isUsherError(error, "interrupted") ||
          isUsherError(error, code as never),
        String(error),
      );
      return true;
    },
    text,
  );
}

Deno.test("readBackup() reads what was written", async () => {
  deepStrictEqual(await read(encoded()), [HEAD, ...LINES]);
});

Deno.test("readBackup() refuses a backup that was cut off, wherever", async () => {
  const text = encoded();
  for (let length = 0; length < text.length - 1; length += 5) {
    await isRefused(text.slice(0, length));
  }
});

Deno.test("readBackup() refuses a backup of which a line was changed, lost, doubled or moved", async () => {
  const [head = "", file = "", set = "", gone = "", end = ""] = encoded()
    .trimEnd().split("\n");
  await isRefused(
    [head, file, set.replace("1.5", "2.5"), gone, end].join("\n"),
  );
  await isRefused([head, file, gone, end].join("\n"));
  await isRefused([head, file, set, set, gone, end].join("\n"));
  await isRefused([head, file, gone, set, end].join("\n"));
  await isRefused([head, file, set, gone, '{"x":1}', end].join("\n"));
  await isRefused([file, set, gone, end].join("\n"));
});

Deno.test("readBackup() refuses a file of another kind, and a backup of a newer usher", async () => {
  await isRefused("");
  await isRefused("kind: vm\n");
  await isRefused('{"spec":{}}\n');
  await isRefused(encoded({ ...HEAD, version: 2 }), "unsupported");
});

Deno.test("readBackup() refuses files outside of the state directory", async () => {
  const encoder = new BackupEncoder();
  const decoder = new TextDecoder();
  const text = [
    encoder.head(HEAD),
    encoder.line({ file: "tls/../../etc/x.pem", text: "" }),
    encoder.end(),
  ].map((bytes) => decoder.decode(bytes)).join("");
  await isRefused(text);
});

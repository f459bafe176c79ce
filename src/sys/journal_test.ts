import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  isJournal,
  journalForm,
  journalWriter,
  withPriority,
} from "./journal.ts";

const ENTRY = {
  level: "error",
  message: "a VM has crashed",
  text: "a VM has crashed vm=web1.lab.ann",
  fields: { vm: "web1.lab.ann", operationId: "01J", tries: 3, gone: undefined },
} as const;

/** The fields of an entry, read as the journal reads them. */
function fieldsOf(bytes: Uint8Array): Record<string, string> {
  const decoder = new TextDecoder();
  const found: Record<string, string> = {};
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(10, at);
    const line = decoder.decode(bytes.subarray(at, end));
    const equals = line.indexOf("=");
    if (equals >= 0) {
      found[line.slice(0, equals)] = line.slice(equals + 1);
      at = end + 1;
      continue;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + end + 1);
    const length = Number(view.getBigUint64(0, true));
    const from = end + 9;
    found[line] = decoder.decode(bytes.subarray(from, from + length));
    strictEqual(bytes[from + length], 10);
    at = from + length + 1;
  }
  return found;
}

Deno.test("journalForm() gives what is said, how grave it is, and each field", () => {
  deepStrictEqual(fieldsOf(journalForm(ENTRY)), {
    MESSAGE: "a VM has crashed vm=web1.lab.ann",
    PRIORITY: "3",
    SYSLOG_IDENTIFIER: "usher",
    USHER_MESSAGE: "a VM has crashed",
    USHER_VM: "web1.lab.ann",
    USHER_OPERATION_ID: "01J",
    USHER_TRIES: "3",
  });
});

Deno.test("journalForm() keeps values of many lines, and lets none be taken for a field", () => {
  const fields = { said: "a\nMESSAGE=b\n", "ö=\n": new Error("é\n") };
  const read = fieldsOf(journalForm({ ...ENTRY, fields }));
  strictEqual(read.USHER_SAID, "a\nMESSAGE=b\n");
  strictEqual(read.USHER____, "é\n");
  strictEqual(read.MESSAGE, ENTRY.text);
});

Deno.test("journalForm() cuts values that no datagram takes", () => {
  const fields = Object.fromEntries(
    Array.from({ length: 100 }, (_, at) => [`f${at}`, "x".repeat(1e6)]),
  );
  const bytes = journalForm({ ...ENTRY, text: "y".repeat(1e6), fields });
  strictEqual(bytes.length < 600_000, true);
  match(fieldsOf(bytes).USHER_F0 ?? "", /^x{16384}…$/);
});

// The C library, once loaded, stays for the life of the process.
const KEEPS_LIBRARY = { sanitizeResources: false };

Deno.test(
  "journalWriter() sends to the journal, at once",
  KEEPS_LIBRARY,
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "usher_journal_" });
    const path = `${folder}/socket`;
    const journal = Deno.listenDatagram({ transport: "unixpacket", path });
    try {
      const instead: string[] = [];
      const write = journalWriter((line) => instead.push(line), path);
      write(ENTRY);
      const [bytes] = await journal.receive();
      strictEqual(fieldsOf(bytes).USHER_VM, "web1.lab.ann");
      deepStrictEqual(instead, []);
    } finally {
      journal.close();
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test(
  "journalWriter() says on standard error what the journal does not take",
  KEEPS_LIBRARY,
  () => {
    const instead: string[] = [];
    const write = journalWriter(
      (line) => instead.push(line),
      "/nowhere/socket",
    );
    write(ENTRY);
    deepStrictEqual(instead, ["<3>a VM has crashed vm=web1.lab.ann"]);
  },
);

Deno.test("withPriority() marks every line, since the journal reads line by line", () => {
  strictEqual(withPriority("warn", "a\nb"), "<4>a\n<4>b");
});

Deno.test("isJournal() is false when the journal is that of somebody else's standard error", () => {
  const before = Deno.env.get("JOURNAL_STREAM");
  try {
    Deno.env.set("JOURNAL_STREAM", "1:2");
    strictEqual(isJournal(), false);
    const { dev, ino } = Deno.statSync("/proc/self/fd/2");
    Deno.env.set("JOURNAL_STREAM", `${dev}:${ino}`);
    strictEqual(isJournal(), true);
    Deno.env.delete("JOURNAL_STREAM");
    strictEqual(isJournal(), false);
  } finally {
    if (before !== undefined) Deno.env.set("JOURNAL_STREAM", before);
  }
});

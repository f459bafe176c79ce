import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { FakeIo } from "../../tests/support/fake_client.ts";
import { askSecret, askSecrets, askYes, LineReader, readLine } from "./ask.ts";
import type { Io } from "./io.ts";

Deno.test("askSecret() shows nothing of what is typed, and puts the terminal back", async () => {
  const io = new FakeIo({ terminal: true, input: "wrong\x15pä\x7fass\rrest" });
  strictEqual(await askSecret(io, "password: "), "pass");
  strictEqual(io.err, "password: \n");
  deepStrictEqual(io.raw, [true, false]);
});

Deno.test("askSecret() asks once nothing that is typed is shown any more", async () => {
  const io = new FakeIo({ terminal: true, input: "pass\r" });
  const { stderr, stdin } = io;
  const order: string[] = [];
  const watched: Io = {
    stdout: io.stdout,
    stderr: {
      ...stderr,
      write: (text) => void order.push(JSON.stringify(text)),
    },
    stdin: {
      ...stdin,
      setRaw: (raw) => void order.push(raw ? "silent" : "loud"),
    },
    env: (name) => io.env(name),
    now: () => io.now(),
    onInterrupt: (handler) => io.onInterrupt(handler),
  };
  await askSecret(watched, "password: ");
  deepStrictEqual(order, ["silent", '"password: "', "loud", '"\\n"']);
});

Deno.test("askSecret() puts the terminal back after Ctrl-C", async () => {
  const io = new FakeIo({ terminal: true, input: "pa\x03" });
  await rejects(askSecret(io, "password: "), /interrupted/);
  deepStrictEqual(io.raw, [true, false]);
});

Deno.test("askSecret() puts the terminal back when a signal ends it", async () => {
  const io = new FakeIo({ terminal: true });
  const { stdin } = io;
  const never: Io = {
    stdout: io.stdout,
    stderr: io.stderr,
    stdin: {
      ...stdin,
      async *chunks() {
        yield await new Promise<Uint8Array>(() => {});
      },
    },
    env: (name) => io.env(name),
    now: () => io.now(),
    onInterrupt: (handler) => io.onInterrupt(handler),
  };
  const asked = askSecret(never, "password: ");
  io.interrupt();
  await rejects(asked, /interrupted/);
  deepStrictEqual(io.raw, [true, false]);
});

Deno.test("askSecrets() takes what is pasted at once for one after the other", async () => {
  const io = new FakeIo({ terminal: true, input: "old\rnew\rnew\r" });
  deepStrictEqual(await askSecrets(io, ["a: ", "b: ", "c: "]), [
    "old",
    "new",
    "new",
  ]);
  strictEqual(io.err, "a: \r\nb: \r\nc: \n");
  deepStrictEqual(io.raw, [true, false]);
});

Deno.test("LineReader goes on behind the line that it has read", async () => {
  const lines = new LineReader(new FakeIo({ input: "old\r\nnew\nrest" }));
  deepStrictEqual(
    [await lines.next(), await lines.next(), await lines.next()],
    ["old", "new", "rest"],
  );
  strictEqual(await lines.next(), null);
});

Deno.test("askYes() asks again about what is neither yes nor no", async () => {
  const io = new FakeIo({ input: ["my password\n", "yes\n"] });
  strictEqual(await askYes(io, "sure?"), true);
  strictEqual(
    io.err,
    "sure? [y/N] Please answer yes or no.\nsure? [y/N] ",
  );
});

Deno.test("askYes() takes yes for yes and nothing else", async () => {
  for (
    const [input, expected] of [
      ["y\n", true],
      ["YES\r\n", true],
      ["\n", false],
      [
        "yep\n",
        false,
      ],
      ["", false],
    ] as const
  ) {
    strictEqual(await askYes(new FakeIo({ input }), "sure?"), expected, input);
  }
});

Deno.test("readLine() is null at the end", async () => {
  strictEqual(await readLine(new FakeIo()), null);
  strictEqual(
    await readLine(new FakeIo({ input: "no newline" })),
    "no newline",
  );
});

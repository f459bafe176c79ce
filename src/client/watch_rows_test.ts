import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  answer,
  FakeIo,
  type FakeIoOptions,
  lines,
  refusal,
  usher,
  vm,
  withAbort,
} from "../../tests/support/fake_client.ts";
import { until } from "../../tests/support/wait.ts";
import { EXIT } from "./exit.ts";

/** A list under watch whose VMs a test changes. */
class Watched {
  readonly io: FakeIo;
  readonly ended: Promise<{ code: number }>;
  vms: ReturnType<typeof vm>[];
  looks = 0;
  isGone = false;
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(
    argv: readonly string[],
    vms: ReturnType<typeof vm>[],
    options: FakeIoOptions,
  ) {
    this.io = new FakeIo(options);
    this.vms = vms;
    this.ended = usher(["vm", "list", ...argv], ({ path, signal }) => {
      if (path === "/v1/watch") {
        return withAbort(new Response(this.#watch()), signal);
      }
      this.looks++;
      if (this.isGone) return refusal("unavailable", "Not here");
      return answer({ revision: 1, vms: this.vms });
    }, this.io);
  }

  #watch(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      start: (controller) => void (this.#stream = controller),
    });
  }

  /** Something has changed. */
  change(): void {
    const line = { type: "put", kind: "vm", revision: 8, value: {} };
    this.#stream?.enqueue(
      new TextEncoder().encode(`${JSON.stringify(line)}\n`),
    );
  }

  async shown(pattern: RegExp): Promise<void> {
    await until(`${pattern}`, () => pattern.test(this.io.out + this.io.err));
  }

  async interrupted(): Promise<number> {
    this.io.interrupt();
    return (await this.ended).code;
  }
}

const TERMINAL = { terminal: true, columns: 60, rows: 5 };

Deno.test("--watch draws what differs, on a screen of its own, until Ctrl-C", async () => {
  const list = new Watched(["-w"], [vm("a"), vm("b")], TERMINAL);
  await list.shown(/b\.default\.ann/);
  ok(list.io.out.startsWith("\x1b[?1049h\x1b[?25l"), list.io.out);
  const before = list.io.out.length;
  list.vms = [vm("a"), vm("b", "stopped")];
  list.change();
  await list.shown(/stopped/);
  const drawn = list.io.out.slice(before);
  strictEqual(drawn.includes("a.default.ann"), false, drawn);
  strictEqual(drawn.includes("\x1b[2J"), false, drawn);
  ok(drawn.startsWith("\x1b[?2026h\x1b[3;1Hb.default"), drawn);
  ok(drawn.endsWith("\x1b[K\x1b[?2026l"), drawn);
  strictEqual(await list.interrupted(), EXIT.done);
  // The last look stays on the terminal, whose cursor and screen are back.
  const [, after = ""] = list.io.out.split("\x1b[?25h\x1b[?1049l");
  strictEqual(after.split("\n").length, 4, after);
  strictEqual(list.io.listeners, 0);
});

Deno.test("--watch draws no more rows than there is room for", async () => {
  const many = Array.from({ length: 9 }, (_, i) => vm(`web${i}`));
  const list = new Watched(["--watch"], many, TERMINAL);
  await list.shown(/and 7 more/);
  strictEqual(list.io.out.includes("web2"), false);
  list.vms = [];
  list.change();
  await list.shown(/no VMs; usher vm start/);
  strictEqual(await list.interrupted(), EXIT.done);
});

for (const options of [{}, { ...TERMINAL, env: { TERM: "dumb" } }]) {
  const where = "env" in options ? "on a dumb terminal" : "into a pipe";
  Deno.test(`--watch ${where} prints what is new or different, line by line`, async () => {
    const list = new Watched(
      ["-w", "--columns", "name,state"],
      [vm("a"), vm("b")],
      options,
    );
    await list.shown(/b\.default/);
    list.vms = [vm("a"), vm("b", "stopped")];
    list.change();
    await list.shown(/stopped/);
    list.vms = [vm("a")];
    list.change();
    await list.shown(/b\.default\.ann is gone/);
    strictEqual(await list.interrupted(), EXIT.done);
    deepStrictEqual(list.io.out.trimEnd().split("\n"), [
      "NAME           STATE",
      "a.default.ann  running",
      "b.default.ann  running",
      "b.default.ann  stopped",
    ]);
  });
}

Deno.test("--watch goes on when the controller is away for a while", async () => {
  const list = new Watched(["-w"], [vm("a")], {});
  await list.shown(/a\.default/);
  list.isGone = true;
  list.change();
  await list.shown(/connection lost, coming back/);
  list.isGone = false;
  list.vms = [vm("a", "paused")];
  list.change();
  await list.shown(/paused/);
  strictEqual(await list.interrupted(), EXIT.done);
});

Deno.test("--watch refuses what cannot be drawn again, before it asks", async () => {
  const { code, err } = await usher(
    ["vm", "list", "-w", "-o", "yaml"],
    () => lines([]),
  );
  strictEqual(code, EXIT.usage);
  match(
    err,
    /--watch cannot draw -o yaml again\n +why: .*\n +try: use -o table/,
  );
});

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { Outcome } from "../../schema/operation.ts";
import type { Output } from "../io.ts";
import {
  FakeIo,
  type FakeIoOptions,
  outcome,
} from "../../../tests/support/fake_client.ts";
import { progressView } from "./progress.ts";

const TERMINAL = { terminal: true, env: { TERM: "xterm", NO_COLOR: "1" } };

/** A terminal of changing width that keeps what a person would see. */
class Screen extends FakeIo {
  lines: string[] = [];
  #columns: number;

  constructor(options: FakeIoOptions & { readonly columns: number }) {
    super({ ...TERMINAL, ...options });
    this.#columns = options.columns;
  }

  /** Makes the terminal narrower: lines that no longer fit are broken. */
  narrowTo(columns: number): void {
    this.#columns = columns;
    this.lines = this.lines.flatMap((line) => wrapped(line, columns));
  }

  override get stderr(): Output {
    return {
      ...super.stderr,
      columns: () => this.#columns,
      write: (data) => this.#draw(String(data)),
    };
  }

  #draw(drawing: string): void {
    const [, up = "0", text = ""] = DRAWING.exec(drawing) ?? [];
    this.lines.splice(this.lines.length - Number(up));
    this.lines.push(...text.split("\x1b[K\n").slice(0, -1));
  }
}

/** One redraw: up, the lines, and what is below erased. */
const DRAWING =
  // deno-lint-ignore no-control-regex -- these are what it finds
  /^(?:\x1b\[(\d+)A)?\r((?:[^\x1b]*\x1b\[K\n)*)\x1b\[J$/;

/** What a terminal makes of a line when it becomes narrower. */
function wrapped(line: string, columns: number): string[] {
  return line.match(new RegExp(`.{1,${columns}}`, "g")) ?? [""];
}

const at = (name: string, state: string) => outcome(name, state) as Outcome;

Deno.test("live lines cut the name before what is said of it", () => {
  const io = new Screen({ columns: 34 });
  const view = progressView(io);
  view.show(0, at("averyveryverylongname", "running"));
  deepStrictEqual(io.lines, ["averyveryverylongna…  start on n1"]);
});

Deno.test("live lines never take more than the terminal has", () => {
  const io = new Screen({ columns: 80, rows: 6 });
  const view = progressView(io);
  for (let i = 0; i < 100; i++) view.show(i, at(`web${i}`, "running"));
  view.end();
  deepStrictEqual(io.lines, [
    "web0.default.ann  start on n1",
    "web1.default.ann  start on n1",
    "web2.default.ann  start on n1",
    "[----------] 100 VMs: 0 done, 100 at work",
  ]);
});

Deno.test("live lines are replaced whole on a terminal that became narrower", () => {
  const io = new Screen({ columns: 80 });
  const view = progressView(io);
  view.show(0, at("a-rather-long-name", "running"));
  view.note("connection lost");
  io.narrowTo(26);
  view.note("");
  deepStrictEqual(io.lines, ["a-rather-lo…  start on n1"]);
});

Deno.test("a terminal that cannot move its cursor gets plain lines", () => {
  const io = new FakeIo({ terminal: true, env: { TERM: "dumb" } });
  const view = progressView(io);
  view.show(0, at("web", "running"));
  view.show(0, at("web", "running"));
  view.end();
  strictEqual(io.err, "web.default.ann: start on n1\n");
});

Deno.test("a name commands no terminal", () => {
  const io = new Screen({ columns: 80 });
  progressView(io).show(0, { ...at("web", "running"), vm: "a\x1b[2Jb" });
  match(io.lines[0] ?? "", /^a \[2Jb {2}start/);
});

const sent = (doneBytes: number, more: object = {}): Outcome => ({
  ...at("web", "running"),
  step: "send",
  to: "n2",
  progress: {
    phase: "memory",
    doneBytes,
    totalBytes: 256 << 20,
    bytesPerSecond: 64 << 20,
    leftMs: 3100,
    ...more,
  },
});

Deno.test("a migration shows from where to where, and how far it has come", () => {
  const io = new Screen({ columns: 90 });
  const view = progressView(io);
  view.show(0, sent(64 << 20));
  deepStrictEqual(io.lines, [
    "web.default.ann  send from n1 to n2: memory [##--------] 25% of 256M, 64M/s, 3.1s left",
  ]);
  view.show(
    0,
    sent(0, { phase: "disks", totalBytes: 0, bytesPerSecond: 0, leftMs: null }),
  );
  view.end();
  deepStrictEqual(io.lines, ["web.default.ann  send from n1 to n2: disks"]);
});

Deno.test("where lines stay, how far it has come is told now and then", () => {
  const io = new FakeIo();
  const view = progressView(io);
  view.show(0, { ...at("web", "running"), step: "send", to: "n2" });
  for (let i = 1; i <= 8; i++) view.show(0, sent(i << 20));
  view.show(0, { ...at("web", "running"), step: "switch", to: "n2" });
  strictEqual(
    io.err,
    [
      "web.default.ann: send from n1 to n2",
      "web.default.ann: send from n1 to n2: memory 0% of 256M, 64M/s, 3.1s left",
      "web.default.ann: switch from n1 to n2",
      "",
    ].join("\n"),
  );
});

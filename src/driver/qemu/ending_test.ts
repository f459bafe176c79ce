/**
 * How a run ended, from each kind of evidence.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { type Evidence, explainEnding, meaningfulLines } from "./ending.ts";
import { startError } from "./start_error.ts";

const NOTHING: Evidence = {
  shutdownCause: null,
  exit: null,
  logTail: "",
  rebooted: false,
};
const RAN =
  "runstate_set current_run_state 6 (prelaunch) new_state 9 (running)\n";

Deno.test("explainEnding() believes the event, then the trace, then the exit", () => {
  const cases: [Partial<Evidence>, string, RegExp][] = [
    [{ shutdownCause: "guest-shutdown" }, "stopped", /guest shut down/],
    [
      { logTail: `${RAN}qemu_system_shutdown_request reason=6\n` },
      "stopped",
      /guest shut down/,
    ],
    [
      { logTail: `${RAN}qemu_system_shutdown_request reason=2\n` },
      "stopped",
      /powered off/,
    ],
    [
      { logTail: `${RAN}qemu_system_shutdown_request reason=8\n` },
      "crashed",
      /guest panicked/,
    ],
    [
      { exit: { code: null, signal: "SIGKILL" }, logTail: RAN },
      "crashed",
      /killed by SIGKILL/,
    ],
    [
      { exit: { code: 3, signal: null }, logTail: `${RAN}oops\n` },
      "crashed",
      /exit code 3; it said: oops/,
    ],
    [
      {
        logTail:
          `${RAN}qemu-system-x86_64: terminating on signal 15 from pid 42 (kill)\n`,
      },
      "crashed",
      /signal 15 from process 42 \(kill\)/,
    ],
    [{ logTail: RAN }, "crashed", /without a trace/],
    [{ logTail: RAN, rebooted: true }, "crashed", /node was restarted/],
    [{}, "crashed", /start was interrupted/],
  ];
  for (const [evidence, state, reason] of cases) {
    const ending = explainEnding({ ...NOTHING, ...evidence });
    strictEqual(ending.state, state, JSON.stringify(evidence));
    match(ending.reason, reason);
  }
});

Deno.test("meaningfulLines() leaves out traces and the program's name", () => {
  strictEqual(
    meaningfulLines(`${RAN}qemu-system-x86_64: no such thing\n\n`),
    "no such thing",
  );
});

Deno.test("startError() says which disk is in use, and by which VM", () => {
  const log = 'qemu-system-x86_64: -blockdev {}: Failed to get "write" lock\n' +
    "Is another process using the image [/srv/a,b.raw]?\n";
  const error = startError(
    "web",
    { code: 1, signal: null },
    log,
    (disk) => disk === "/srv/a,b.raw" ? "db" : null,
  );
  deepStrictEqual([error.code, error.message], [
    "busy",
    'Cannot start VM "web": /srv/a,b.raw is in use by VM "db"',
  ]);
});

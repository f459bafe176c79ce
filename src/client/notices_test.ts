/**
 * What the client tells of a controller's notices, and of clocks that are
 * apart.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { FakeIo } from "../../tests/support/fake_client.ts";
import { Notices } from "./notices.ts";
import { timeDoubt } from "./tls_doubt.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");

function told(headers: Record<string, string>): string {
  const notices = new Notices();
  const io = new FakeIo();
  notices.heard(new Headers(headers), NOW);
  notices.heard(new Headers(headers), NOW);
  notices.tell(io);
  notices.tell(io);
  strictEqual(io.out, "");
  return io.err;
}

function dateOf(time: number): string {
  return new Date(time).toUTCString();
}

Deno.test("notices are told once, on standard error", () => {
  const notice = { about: "certificate", text: "It ends – soon", hint: "do x" };
  const header = encodeURIComponent(JSON.stringify([notice]));
  strictEqual(
    told({ "usher-notice": header }),
    "note: It ends – soon\n  do x\n",
  );
  strictEqual(told({ "usher-notice": "%" }), "");
  strictEqual(told({ "usher-notice": "{}" }), "");
  strictEqual(told({}), "");
});

Deno.test("a clock that is an hour wrong is told, and a slow answer is not", () => {
  strictEqual(
    told({ date: dateOf(NOW + 3_600_000) }),
    "note: this machine's clock is 1 h behind the controller's: it says 2026-11-26T12:00:00Z, the controller 2026-11-26T13:00:00Z\n",
  );
  strictEqual(
    told({ date: dateOf(NOW - 5_400_000) }),
    "note: this machine's clock is 1 h 30 min ahead of the controller's: it says 2026-11-26T12:00:00Z, the controller 2026-11-26T10:30:00Z\n",
  );
  strictEqual(told({ date: dateOf(NOW - 60_000) }), "");
  strictEqual(told({ date: dateOf(NOW - 5_400_000), age: "5400" }), "");
});

Deno.test("a certificate that holds not now: the clock is asked after where it is wrong", () => {
  const shown = {
    notBefore: dateOf(NOW + 1000),
    notAfter: dateOf(NOW + 90 * 86_400_000),
  };
  const late = timeDoubt(
    "its certificate is not valid yet",
    { ...shown, date: dateOf(NOW + 3_600_000) },
    NOW,
  );
  strictEqual(
    late.why,
    "its certificate is not valid yet, it begins at 2026-11-26T12:00:01Z",
  );
  strictEqual(
    late.hint,
    "is this machine's clock right? by the controller's the certificate holds: this machine's clock is 1 h behind the controller's: it says 2026-11-26T12:00:00Z, the controller 2026-11-26T13:00:00Z",
  );
  const over = timeDoubt(
    "its certificate has expired",
    { notAfter: dateOf(NOW - 1000), date: dateOf(NOW) },
    NOW,
  );
  strictEqual(
    over.why,
    "its certificate has expired, it ended at 2026-11-26T11:59:59Z",
  );
  strictEqual(over.hint.includes("has to renew the certificate"), true);
});

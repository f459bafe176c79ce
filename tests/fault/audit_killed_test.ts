/**
 * The controller's process is killed while it writes its audit log: nothing
 * that was answered is without its record, nothing that was done is, and the
 * chain goes on in the next process.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { checkEntries } from "../../src/ctrl/state/check.ts";
import type { AuditHead, AuditRecord } from "../../src/schema/audit.ts";
import { ChainCheck } from "../../src/schema/audit.ts";
import { keys } from "../../src/store/key.ts";
import { openKvStore } from "../../src/store/kv_store.ts";
import type { Entry } from "../../src/store/store.ts";
import { silentLog } from "../../src/sys/log.ts";
import { sha256 } from "../../src/sys/sha256.ts";
import { CtrlProcess } from "../support/ctrl_process.ts";
import { within } from "../support/wait.ts";

const ROUNDS = 3;
const ASKED = 40;

interface Held {
  readonly entries: readonly Entry[];
  readonly records: readonly AuditRecord[];
}

/** All that a state holds that no controller has open. */
async function stored(stateDir: string): Promise<Held> {
  await using store = await openKvStore({
    path: `${stateDir}/state.kv`,
    host: "test",
    pid: Deno.pid,
    now: Date.now,
    log: silentLog,
  });
  const entries = (await Array.fromAsync(store.snapshot())).filter((one) =>
    one.type === "set"
  );
  const records = entries.filter(({ key }) => key[0] === keys.auditBlocks()[0])
    .flatMap(({ value }) => (value as { records: AuditRecord[] }).records)
    .sort((a, b) => a.seq - b.seq);
  return { entries, records };
}

Deno.test("a controller that is killed while it writes has a record of all it answered, and of all it did", async () => {
  const folder = await Deno.makeTempDir({ prefix: "usher_audit_" });
  try {
    await using ctrl = await CtrlProcess.start(`${folder}/ctrl`);
    const answered: string[] = [];
    let head = "";
    for (let round = 0; round < ROUNDS; round++) {
      const enough = Promise.withResolvers<void>();
      const asking = Array.from({ length: ASKED }, async (_, i) => {
        const id = `kill-${round}-${i}`;
        const names = [`v${round}-${i}`];
        const body = { id, verb: "register", names, spec: { driver: "sim" } };
        // Those that the death of the controller finds under way fail.
        const result = await ctrl.call("POST", "/v1/requests", body)
          .catch(() => null);
        if (result === null) return;
        answered.push(id);
        // Others are under way, each at another point.
        if (answered.length % ASKED >= ASKED / 4) enough.resolve();
      });
      await within("a quarter of the answers", 60_000, enough.promise);
      await ctrl.role.kill();
      await Promise.all(asking);
      const { entries, records } = await stored(ctrl.stateDir);
      const noted = new Set(
        records.filter(({ decision }) => decision === "allowed")
          .map(({ request }) => request),
      );
      const done = entries.filter(({ key }) => key[0] === "request")
        .map(({ key }) => String(key[1]));
      ok(answered.every((id) => done.includes(id)));
      deepStrictEqual(done.filter((id) => !noted.has(id)), []);
      deepStrictEqual(
        checkEntries(entries).findings.filter(({ rule }) =>
          rule === "audit-chain"
        ),
        [],
      );
      ok(round === 0 || records.some(({ hash }) => hash === head));
      await ctrl.again();
      const ends = await ctrl.call<AuditHead>("GET", "/v1/audit/head");
      head = ends.head.hash;
    }
    await ctrl.role.kill();
    const { records } = await stored(ctrl.stateDir);
    const last = records.at(-1) as AuditRecord;
    const check = new ChainCheck(sha256, {
      anchor: { seq: 0, hash: "0".repeat(64) },
      head: last,
      kept: head,
    });
    deepStrictEqual(records.map((one) => check.next(one)).filter(Boolean), []);
    strictEqual(check.end(), null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

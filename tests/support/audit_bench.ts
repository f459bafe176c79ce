/**
 * An audit log on a store in memory, whose disk can be full and whose
 * controllers come and go.
 *
 * @module
 */
import { AuditLog } from "../../src/ctrl/audit/audit_log.ts";
import { readAudit } from "../../src/ctrl/audit/read.ts";
import { UsherError } from "../../src/error/mod.ts";
import {
  type AuditNote,
  type AuditRecord,
  ChainCheck,
} from "../../src/schema/audit.ts";
import {
  MemoryDatabase,
  openMemoryStore,
} from "../../src/store/memory_store.ts";
import type { Write } from "../../src/store/record.ts";
import type { Store } from "../../src/store/store.ts";
import { silentLog } from "../../src/sys/log.ts";
import { sha256 } from "../../src/sys/sha256.ts";
import { FakeClock } from "./fake_clock.ts";

export const DAY = 86_400_000;

/** A note of an act of ann's. */
export function note(verb: string, more: Partial<AuditNote> = {}): AuditNote {
  return {
    user: "ann",
    via: "client",
    session: "s",
    verb,
    names: ["web.lab.ann"],
    decision: "allowed",
    ...more,
  };
}

/** A disk that can be full. */
class Disk extends MemoryDatabase {
  isFull = false;
  writes = 0;

  override apply(writes: readonly Write[]): void {
    if (this.isFull) throw new UsherError("unavailable", "The disk is full");
    this.writes++;
    super.apply(writes);
  }
}

/** A log on a disk that outlives its controllers. */
export class Bench {
  readonly clock = new FakeClock();
  readonly disk = new Disk();
  readonly context = {
    clock: this.clock,
    newId: () => "",
    log: silentLog,
  };
  store!: Store;
  log!: AuditLog;

  static async open(): Promise<Bench> {
    const bench = new Bench();
    await bench.start();
    return bench;
  }

  /** A controller begins; an earlier one is as good as killed. */
  async start(): Promise<void> {
    const { disk, context } = this;
    this.store = await openMemoryStore({
      database: disk,
      now: () => this.clock.now(),
    });
    this.log = await AuditLog.load({ context, store: this.store });
  }

  records(): Promise<AuditRecord[]> {
    return Array.fromAsync(readAudit(this.log, {}));
  }

  async verify(kept?: string): Promise<string | null> {
    const check = new ChainCheck(sha256, { ...this.log.ends, kept });
    for (const record of await this.records()) {
      const broken = check.next(record);
      if (broken !== null) return broken.text;
    }
    return check.end()?.text ?? null;
  }
}

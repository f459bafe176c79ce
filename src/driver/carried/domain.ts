/**
 * A driver's domain, as far as its moves are concerned.
 *
 * @module
 */
import type { DomainReport } from "../driver.ts";
import type { Ending } from "../ending.ts";
import type { MoveRecord } from "./record.ts";

/** What the record of a move is kept with, in a shape of the driver's own. */
export interface MovingDomain<M extends MoveRecord = MoveRecord> {
  readonly handle: {
    readonly uid: string;
    readonly name: string;
    /** Its move; null while it is not on the move. */
    readonly move: M | null;
    readonly ending: Ending | null;
  };
  /** `move` is the folder of its move. */
  readonly files: { readonly move: string };
  /** Whether the hypervisor has a guest of it. */
  readonly isLive: boolean;
  report(): DomainReport;
  /** Tells whoever watches, if anything is new. */
  publish(): void;
  /** Writes something down before anything is done upon it. */
  keep(changes: { move?: M | null; ending?: Ending | null }): Promise<void>;
}

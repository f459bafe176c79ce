/**
 * How far a walk through a controller's whole state has come.
 *
 * @module
 */

/** So much is done. */
export interface StateProgress {
  readonly records: number;
  /** In bytes; null where they are not counted. */
  readonly done: number | null;
  /** In bytes; null where nobody knows. */
  readonly total: number | null;
}

/** Told now and then. */
export type OnStateProgress = (progress: StateProgress) => void;

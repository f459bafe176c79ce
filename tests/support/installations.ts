/**
 * The lines of the documentation that change the machine they run on:
 * `tests/e2e/systemd_long_test.ts` runs each of them, in a guest, and no other test
 * may.
 *
 * @module
 */

/** As they stand in documents and in `--help`. */
export const INSTALLATIONS = [
  "usher ctrl install --dry-run",
  "./usher ctrl install --no-start",
  "./usher ctrl install",
  "./usher lnm install --join TOKEN",
  "./usher lnm install",
  "usher lnm install --dry-run --join TOKEN",
  "usher lnm uninstall --dry-run",
  "usher lnm uninstall",
  "usher lnm uninstall --purge",
  "usher ctrl uninstall --dry-run",
  "usher ctrl uninstall --purge",
] as const;
/** One of them. */
export type Installation = typeof INSTALLATIONS[number];

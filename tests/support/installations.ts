/**
 * The lines of the documentation that change the machine they run on, or ask it
 * for what only systemd has: they are run in a guest of their own, and no other
 * test may.
 *
 * @module
 */

/** Lines of usher, as they stand in documents and in `--help`. */
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

/** Lines of other programs. */
export const SERVICE_COMMANDS = [
  "journalctl --unit usher-ctrl",
  "journalctl --unit usher-ctrl --priority err",
  "journalctl USHER_PLUGIN=bomb --output json",
] as const;

/** The test that runs each of them; a line that it leaves out fails it. */
export const RUN_IN = "tests/e2e/systemd_long_test.ts";

/**
 * Quantities as people write and read them, without the schemas of
 * quantity.ts: a command line is read with these alone.
 *
 * @module
 */

const SIZE = /^(\d+(?:\.\d+)?)\s*([kmgt])?(?:i?b)?$/i;
const MIB_PER: Readonly<Record<string, number>> = {
  k: 1 / 1024,
  m: 1,
  g: 1024,
  t: 1024 * 1024,
};

const DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const MS_PER: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** The MiB in `text` (`512`, `4GiB`, `1.5G`), or null when it is no size. */
export function parseSizeMiB(text: string): number | null {
  const match = SIZE.exec(text.trim());
  if (match === null) return null;
  const value = Number(match[1]) *
    (MIB_PER[(match[2] ?? "m").toLowerCase()] ?? 1);
  return Number.isInteger(value) ? value : Math.ceil(value);
}

/** The milliseconds in `text` (`30s`, `1h30m`), or null when it is no duration. */
export function parseDurationMs(text: string): number | null {
  const trimmed = text.trim();
  if (!DURATION.test(trimmed)) return null;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(DURATION_PART)) {
    total += Number(amount) * (MS_PER[unit ?? "ms"] ?? 1);
  }
  return Math.round(total);
}

/** `mib` MiB as people read it: `512 MiB`, `4 GiB`, `1.5 TiB`. */
export function formatMiB(mib: number): string {
  const [value, unit] = mib >= 1024 * 1024
    ? [mib / 1024 / 1024, "TiB"]
    : mib >= 1024
    ? [mib / 1024, "GiB"]
    : [mib, "MiB"];
  return `${Number(value.toFixed(1))} ${unit}`;
}

/** `ms` milliseconds as people read it: `80ms`, `42s`, `3m10s`, `2h5m`, `9d`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s`;
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 === 0 ? `${m}m` : `${m}m${s % 60}s`;
  const h = Math.floor(m / 60);
  if (h < 24) return m % 60 === 0 ? `${h}h` : `${h}h${m % 60}m`;
  return `${Math.floor(h / 24)}d`;
}

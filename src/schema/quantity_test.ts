/**
 * Sizes and durations as people write them.
 *
 * @module
 */
import type { z } from "zod";
import { deepStrictEqual, match } from "node:assert/strict";
import {
  DurationMs,
  formatDuration,
  formatMiB,
  MemoryMiB,
  parseDurationMs,
  parseSizeMiB,
  SizeMiB,
  WaitMs,
} from "./quantity.ts";

Deno.test("parseSizeMiB() reads every usual way to write a size", () => {
  const sizes: [string, number][] = [
    ["512", 512],
    ["0", 0],
    ["512M", 512],
    ["512mb", 512],
    ["512 MiB", 512],
    [" 4GiB ", 4096],
    ["4g", 4096],
    ["4GB", 4096],
    ["1.5G", 1536],
    ["2T", 2 * 1024 * 1024],
    ["1024k", 1],
    // Never less than what was asked for.
    ["1k", 1],
    ["1025k", 2],
    ["0.3", 1],
  ];
  for (const [text, mib] of sizes) {
    deepStrictEqual(parseSizeMiB(text), mib, text);
    deepStrictEqual(SizeMiB.parse(text), mib, text);
  }
});

Deno.test("parseSizeMiB() refuses what is no size", () => {
  const noSizes = [
    "",
    " ",
    "GB",
    "4GB5",
    "4 GB 5",
    "-1",
    "+1",
    "1e3",
    "4PB",
    "4GiBs",
    "0x10",
    ".5G",
    "4,5G",
    "4G\n5",
    "NaN",
    "∞",
  ];
  for (const text of noSizes) {
    deepStrictEqual(parseSizeMiB(text), null, text);
    match(
      SizeMiB.safeParse(text).error?.message ?? "accepted",
      /is no size: write a number with MiB/,
    );
  }
});

Deno.test("SizeMiB takes whole numbers of MiB, and no others", () => {
  deepStrictEqual(SizeMiB.parse(256), 256);
  for (const value of [-1, 1.5, NaN, Infinity, null, true, {}]) {
    deepStrictEqual(SizeMiB.safeParse(value).success, false, String(value));
  }
});

Deno.test("parseDurationMs() reads numbers with units, added up", () => {
  const durations: [string, number][] = [
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5s", 1500],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1d2h3m4s5ms", 93_784_005],
    [" 0s ", 0],
  ];
  for (const [text, ms] of durations) {
    deepStrictEqual(parseDurationMs(text), ms, text);
    deepStrictEqual(DurationMs.parse(text), ms, text);
  }
});

Deno.test("parseDurationMs() refuses a number without a unit, and what is no duration", () => {
  for (
    const text of [
      "",
      "30",
      "s",
      "-1s",
      "1 s",
      "1s 2m",
      "1y",
      "1sx",
      "ms500",
      "1h30",
    ]
  ) {
    deepStrictEqual(parseDurationMs(text), null, text);
    match(
      DurationMs.safeParse(text).error?.message ?? "accepted",
      /is no duration: write a number with its unit/,
    );
  }
});

Deno.test("formatMiB() and formatDuration() write what people read", () => {
  const sizes: [number, string][] = [
    [0, "0 MiB"],
    [512, "512 MiB"],
    [1023, "1023 MiB"],
    [1024, "1 GiB"],
    [1536, "1.5 GiB"],
    [3 * 1024 * 1024, "3 TiB"],
  ];
  for (const [mib, text] of sizes) deepStrictEqual(formatMiB(mib), text);
  const durations: [number, string][] = [
    [80, "80ms"],
    [42_000, "42s"],
    [60_000, "1m"],
    [190_000, "3m10s"],
    [7_500_000, "2h5m"],
    [7_200_000, "2h"],
    [9 * 86_400_000, "9d"],
  ];
  for (const [ms, text] of durations) deepStrictEqual(formatDuration(ms), text);
});

Deno.test("what formatMiB() and formatDuration() write exactly is read back the same", () => {
  for (const mib of [1, 512, 1024, 1536, 10 * 1024, 2 * 1024 * 1024]) {
    deepStrictEqual(parseSizeMiB(formatMiB(mib)), mib);
  }
  for (
    const ms of [0, 80, 1000, 59_000, 61_000, 3_600_000, 5_400_000, 86_400_000]
  ) {
    deepStrictEqual(parseDurationMs(formatDuration(ms)), ms);
  }
});

Deno.test("MemoryMiB, DurationMs and WaitMs say where they end", () => {
  const cases: [z.ZodType, unknown, string | null][] = [
    [MemoryMiB, "16MiB", null],
    [MemoryMiB, "15MiB", "must be 16 MiB at least"],
    [MemoryMiB, "65TiB", "must be 64 TiB at most"],
    [DurationMs, "3650d", null],
    [DurationMs, "3651d", "must be 3650d at most"],
    [DurationMs, Number.MAX_SAFE_INTEGER, "must be 3650d at most"],
    [WaitMs, "7d", null],
    [WaitMs, "8d", "must be 7d at most"],
  ];
  for (const [schema, value, expected] of cases) {
    const { error } = schema.safeParse(value);
    deepStrictEqual(error?.issues[0]?.message ?? null, expected, `${value}`);
  }
});

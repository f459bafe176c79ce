/**
 * The configuration of a program, from real files.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";
import { getConfig, isUsherError } from "@usher/client";
import type { Case } from "../suite_site.ts";

const VARIABLE = "USHERSUITEAPP_CONFIG";

/** What zod would make of an object with a number that is 5 by default. */
const Schema = {
  safeParse(value: unknown) {
    const { interval = 5, ...others } = value as { interval?: number };
    const keys = Object.keys(others);
    if (keys.length === 0) {
      return { success: true as const, data: { interval } };
    }
    const issue = {
      code: "unrecognized_keys",
      message: "unknown keys",
      path: [],
      keys,
    };
    return { success: false as const, error: { issues: [issue] } };
  },
};

async function read(): Promise<unknown> {
  try {
    return await getConfig("ushersuiteapp", Schema);
  } catch (error) {
    if (!isUsherError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

/** Cases about configurations. */
export const CONFIGURATION_CASES: Readonly<Record<string, Case>> = {
  async "getConfig() reads a file, and says what is wrong with one"() {
    const folder = await mkdtemp("/tmp/usher-suite-");
    const path = `${folder}/app.yaml`;
    process.env[VARIABLE] = path;
    try {
      await writeFile(path, "interval: 7\ncli: {controller: 'https://a:1'}\n");
      const { config, cli } = await getConfig("ushersuiteapp", Schema);
      deepStrictEqual(config, { interval: 7 });
      strictEqual(cli.controller, "https://a:1");
      await writeFile(path, "intervall: 7\n");
      match(
        String(await read()),
        /^invalid_input .*app\.yaml:1:1: unknown key "intervall"$/,
      );
      await writeFile(path, new Uint8Array([0x61, 0x3a, 0xe9]));
      match(String(await read()), /Cannot read .*app\.yaml: .*not in UTF-8$/);
      process.env[VARIABLE] = folder;
      match(
        String(await read()),
        /Cannot read .*: it is a folder, not a file$/,
      );
      // Nobody writes into it, so opening it would last for ever.
      await promisify(execFile)("mkfifo", [`${folder}/pipe`]);
      process.env[VARIABLE] = `${folder}/pipe`;
      match(String(await read()), /Cannot read .*\/pipe: it is a pipe\b/);
      process.env[VARIABLE] = `${folder}/none`;
      match(String(await read()), /There is no configuration file .*\/none$/);
    } finally {
      delete process.env[VARIABLE];
      await rm(folder, { recursive: true });
    }
  },
};

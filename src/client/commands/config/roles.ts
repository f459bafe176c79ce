/**
 * The configurations that there are, and what the flags of a role say over
 * its files: for the roles themselves, and for whoever shows what they would
 * be started with.
 *
 * @module
 */
import type { ConfigFiles, Override } from "../../../config/sources.ts";
import { CliConfig, CtrlConfig, LnmConfig } from "../../../schema/config.ts";
import { DRIVER_NAMES } from "../../../schema/known_driver.ts";
import { UshConfig } from "../../../schema/ush_config.ts";
import { absolutePath } from "../../../sys/file.ts";
import { readPlainOrNull } from "../../../sys/given_file.ts";
import type { Io } from "../../io.ts";
import { unknownWord } from "../../usage.ts";

/** By the names of their files. */
export const CONFIGS = {
  ctrl: CtrlConfig,
  lnm: LnmConfig,
  cli: CliConfig,
  ush: UshConfig,
} as const;
/** The name of one. */
export type ConfigName = keyof typeof CONFIGS;

/** Their names, as the words of a command. */
export const CONFIG_NAMES = Object.keys(CONFIGS) as ConfigName[];

/** The configuration that a word names. Throws UsageError for one that names none. */
export function configName(word: string): ConfigName {
  const name = CONFIG_NAMES.find((one) => one === word);
  if (name !== undefined) return name;
  throw unknownWord(
    "configuration",
    word,
    CONFIG_NAMES,
    `there are ${CONFIG_NAMES.join(", ")}`,
  );
}

/** Files of this machine, and variables as a command sees them. */
export function filesOf(io: Io): ConfigFiles {
  return { read: readPlainOrNull, env: (name) => io.env(name) };
}

/** Flags that say something of the configuration, of either role. */
export interface RoleFlags {
  readonly state?: string | undefined;
  readonly "listen-clients"?: string | undefined;
  readonly "listen-nodes"?: string | undefined;
  readonly name?: string | undefined;
  readonly run?: string | undefined;
  readonly driver?: string | undefined;
}

/** What the flags of a role say, each with the flag that says it. */
export function flagOverrides(flags: RoleFlags): Override[] {
  const { state, name, run, driver } = flags;
  const all: Override[] = [
    { path: ["state_dir"], value: absolute(state), by: "--state" },
    {
      path: ["listen", "clients"],
      value: flags["listen-clients"],
      by: "--listen-clients",
    },
    {
      path: ["listen", "nodes"],
      value: flags["listen-nodes"],
      by: "--listen-nodes",
    },
    { path: ["name"], value: name, by: "--name" },
    { path: ["run_dir"], value: absolute(run), by: "--run" },
    ...driver === undefined ? [] : DRIVER_NAMES.map((one) => ({
      path: ["drivers", one, "enabled"],
      value: driver === one,
      by: "--driver",
    })),
  ];
  return all.filter(({ value }) => value !== undefined);
}

function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : absolutePath(path);
}

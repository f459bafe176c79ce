/**
 * The configuration of the shell: `/etc/usher/ush.yaml`, `~/.usher/ush.yaml`,
 * and the file that `$USH_CONFIG` names.
 *
 * Most people have none, so what reads YAML is loaded only where there is one:
 * the prompt is not to wait for it.
 *
 * @module
 */
import type { CliSection, UshConfig } from "../../schema/ush_config.ts";
import { readPlainOrNull } from "../../sys/given_file.ts";
import type { Io } from "../io.ts";

/** Its names, as for any program (app_config.ts). */
export const USH_SOURCES = { name: "ush", variable: "USH_CONFIG" } as const;

/** What the shell begins with. */
export interface ShellConfig extends Omit<UshConfig, "cli"> {
  /** Goes over cli.yaml; only what a file says. */
  readonly cli: CliSection;
}

const NOTHING: ShellConfig = { details: false, notify: "own", cli: {} };

/** Reads it. Throws `invalid_input` with file, line and column of a mistake. */
export async function readShellConfig(io: Io): Promise<ShellConfig> {
  if (!await isAnyThere(io)) return NOTHING;
  const { mergedFiles, parseMerged, sourceFiles } = await import(
    "../../config/sources.ts"
  );
  const { UshConfig } = await import("../../schema/ush_config.ts");
  const files = await sourceFiles(USH_SOURCES, {
    read: readPlainOrNull,
    env: (name) => io.env(name),
  });
  const merged = mergedFiles(files, UshConfig);
  const config = parseMerged("ush", merged, UshConfig, files);
  return { ...config, cli: config.cli ?? {} };
}

async function isAnyThere(io: Io): Promise<boolean> {
  if (io.env(USH_SOURCES.variable)) return true;
  for (const folder of ["/etc/usher", `${io.env("HOME") ?? "/root"}/.usher`]) {
    if (await readPlainOrNull(`${folder}/ush.yaml`) !== null) return true;
  }
  return false;
}

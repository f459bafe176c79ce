/**
 * Configuration of programs that others write: read where usher reads its own,
 * checked the same way, with a section for the client library in it.
 *
 * `getConfig("myapp", schema)` reads `/etc/usher/myapp.yaml`,
 * `~/.usher/myapp.yaml` and the file that `$MYAPP_CONFIG` names. What stands
 * under `cli` in any of them goes over what the cli.yaml files say, so that a
 * program may talk to another controller than the command line does.
 *
 * @module
 */
import { environment, readPlainOrNull } from "#machine";
import {
  type ConfigFiles,
  merge,
  mergedFiles,
  parseMerged,
  type SourceFile,
  sourceFiles,
} from "../config/sources.ts";
import type { Schema } from "../config/yaml_file.ts";
import { UsherError } from "../error/mod.ts";
import { CliConfig } from "../schema/cli_config.ts";
import type { Issue } from "../schema/issue.ts";

/** What a program is configured with. */
export interface AppConfig<T> {
  /** Its own keys, by its own schema. */
  readonly config: T;
  /** Where the controller is: cli.yaml, and the program's `cli` over it. */
  readonly cli: CliConfig;
}

const MACHINE: ConfigFiles = { read: readPlainOrNull, env: environment };

/**
 * Reads the configuration of the program `name`; `schema` is a zod object, or
 * whatever checks as one does. Keys that have no default may stand in any of
 * the files. Throws `invalid_input` with file, line and column of a mistake.
 */
export async function getConfig<T>(
  name: string,
  schema: Schema<T>,
  files: ConfigFiles = MACHINE,
): Promise<AppConfig<T>> {
  if (!/^[a-z][a-z0-9_-]{0,63}$/.test(name)) {
    throw new UsherError(
      "invalid_input",
      `"${name}" is no name of a configuration`,
      { hint: "write lower-case letters, digits, - and _" },
    );
  }
  const own = await sourceFiles(
    { name, variable: `${name.toUpperCase().replaceAll("-", "_")}_CONFIG` },
    files,
  );
  const { cli: section, ...rest } = mergedFiles(own, withCli(schema)) as Record<
    string,
    unknown
  >;
  const config = parseMerged(name, rest, schema, own);
  const usual = await sourceFiles(
    { name: "cli", variable: "USHERCLI_CONFIG" },
    files,
  );
  return { config, cli: cliOf(usual, section) };
}

function cliOf(usual: readonly SourceFile[], section: unknown): CliConfig {
  const merged = merge(mergedFiles(usual, CliConfig), section);
  return parseMerged("cli", merged, CliConfig);
}

/** As much of a schema as tells which keys it knows. */
interface Shaped {
  readonly shape?: Readonly<Record<string, unknown>>;
}

/** A schema of files that hold a section for the client library, too. */
function withCli(schema: Schema<unknown>): Schema<unknown> & Shaped {
  return {
    shape: { ...(schema as Shaped).shape, cli: CliConfig },
    safeParse(value) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return schema.safeParse(value);
      }
      const { cli = {}, ...rest } = value as Record<string, unknown>;
      const issues: Issue[] = [];
      const own = schema.safeParse(rest);
      if (!own.success) issues.push(...own.error.issues);
      const library = CliConfig.safeParse(cli);
      if (!library.success) {
        issues.push(
          ...library.error.issues.map((issue) => ({
            ...issue,
            path: ["cli", ...issue.path],
          })),
        );
      }
      return issues.length === 0
        ? { success: true, data: value }
        : { success: false, error: { issues } };
    },
  };
}

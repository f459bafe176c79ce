/**
 * Whole commands, from exec to exit.
 *
 * @module
 */
import { median, timed } from "./row.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** The compiled executable. */
export const EXECUTABLE = `${ROOT}dist/usher`;

const ROUNDS = 15;

/** Runs a command to its end, without its output; throws when it fails. */
export async function runQuietly(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args: [...args],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim();
  throw new Error(`${command} ${args.join(" ")} failed: ${said}`);
}

/** Milliseconds of a command; the first run, which fills caches, does not count. */
export async function cold(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  await runQuietly(command, args, env);
  return median(await timed(ROUNDS, () => runQuietly(command, args, env)));
}

/** Whether there is such a program. */
export async function isInstalled(program: string): Promise<boolean> {
  return await runQuietly("sh", ["-c", 'command -v "$0"', program])
    .then(() => true, () => false);
}

let hello: Promise<string> | undefined;

/** The path of a hello world, compiled as usher is; with an argument it then waits. */
export function helloWorld(): Promise<string> {
  return hello ??= compileHello();
}

async function compileHello(): Promise<string> {
  const path = `${ROOT}dist/.hello`;
  await runQuietly(Deno.execPath(), [
    ...["run", "-A", "--no-check", `${ROOT}scripts/compile.ts`],
    ...["--hello", path],
  ]);
  return path;
}

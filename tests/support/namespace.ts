/**
 * Programs in a network and a mount table of their own (`in_namespace.sh`),
 * which answer with JSON on their standard output.
 *
 * @module
 */
import { within } from "./wait.ts";

const SUPPORT = new URL("./", import.meta.url).pathname;
const DEADLINE_MS = 600_000;

/** Whether such a namespace can be made on this machine. */
export function isNamespaceAllowed(): boolean {
  const { success } = new Deno.Command(`${SUPPORT}in_namespace.sh`, {
    args: ["true"],
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return success;
}

/** Runs a program of this folder there; what it answered. */
export async function runInNamespace<T>(
  program: string,
  args: readonly string[],
): Promise<T> {
  const child = new Deno.Command(`${SUPPORT}in_namespace.sh`, {
    args: [
      ...[Deno.execPath(), "run", "--allow-all", "--no-check"],
      ...[`${SUPPORT}${program}`, ...args],
    ],
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await within(
    `${program} in its namespace`,
    DEADLINE_MS,
    child.output(),
  );
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

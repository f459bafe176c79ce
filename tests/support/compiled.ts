/**
 * The compiled executable, as the end-to-end tests run it.
 *
 * @module
 */
const ROOT = decodeURIComponent(new URL("../..", import.meta.url).pathname);

/** The path of `dist/usher`, made anew when a source has changed. */
export async function compiledUsher(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", `${ROOT}scripts/compile.ts`],
    stdin: "null",
  }).output();
  if (!success) {
    const decoder = new TextDecoder();
    throw new Error(decoder.decode(stdout) + decoder.decode(stderr));
  }
  return `${ROOT}dist/usher`;
}

/**
 * A worker that locks itself down as the guest does, runs one module and posts
 * what its default export gives. For tests of the lockdown alone.
 *
 * @module
 */
import { lockDown } from "../../src/plugin/process/lockdown.ts";

// deno-lint-ignore no-explicit-any -- the scope of a worker
const scope = globalThis as any;
const post = scope.postMessage.bind(scope);

scope.onmessage = async (event: MessageEvent) => {
  const lines: string[] = [];
  const { code, kinds } = event.data;
  lockDown(globalThis, {
    kinds,
    write: (level, text) => lines.push(`${level} ${text}`),
  });
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  try {
    const value = await (await import(url)).default;
    post({ value, lines });
  } catch (error) {
    post({ error: String(error), lines });
  }
};

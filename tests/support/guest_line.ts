/**
 * A guest's serial line as tests use it: what was printed, and what is typed.
 *
 * @module
 */
import type { Driver } from "../../src/driver/driver.ts";
import { until } from "./wait.ts";

/** Where a guest runs, and how long it is waited for. */
export interface GuestNode {
  readonly driver: Driver;
  readonly deadlineMs: number;
}

/** The micro guest's prompt with nothing behind it; the shell asks there where the cursor is. */
// deno-lint-ignore no-control-regex
const AT_PROMPT = /guest# (?:\x1b\[6n)?$/;

/** What the serial line has said. */
export async function printed(
  { driver }: GuestNode,
  uid: string,
): Promise<string> {
  return new TextDecoder().decode(await driver.console!.history(uid, 100_000));
}

/** Waits until the serial line has said `text`. */
export async function untilPrinted(
  node: GuestNode,
  uid: string,
  text: string,
  deadlineMs = node.deadlineMs,
): Promise<void> {
  await until(`the guest prints ${JSON.stringify(text)}`, async () => {
    const log = await printed(node, uid);
    if (log.includes(text)) return true;
    throw new Error(`printed ${JSON.stringify(log.slice(-400))}`);
  }, { deadlineMs });
}

/** Types a line at the micro guest's prompt and waits for `answer`. */
export async function say(
  node: GuestNode,
  uid: string,
  line: string,
  answer: string,
): Promise<void> {
  // What is typed while a command still ends may be thrown away by the shell.
  await until(
    "the guest shows its prompt",
    async () => AT_PROMPT.test(await printed(node, uid)),
    node,
  );
  const never = new AbortController().signal;
  await using stream = await node.driver.console!.attach(uid, never);
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${line}\n`));
  await untilPrinted(node, uid, answer);
}

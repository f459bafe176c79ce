/**
 * `state.*`: a plugin's own space, and no other's.
 *
 * While events are replayed nothing is kept: reads answer what is there.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { AnswersOf, By } from "./ask.ts";
import type { PluginSpaces } from "./space.ts";

type StateAsk =
  | "state.get"
  | "state.set"
  | "state.delete"
  | "state.list"
  | "state.commit";

/** Answers what is asked about a plugin's own values. */
export function stateAnswers(spaces: PluginSpaces): AnswersOf<StateAsk> {
  const spaceOf = ({ grant }: By) => spaces.of(grant.plugin);
  async function commit(
    changes: Parameters<ReturnType<typeof spaceOf>["commit"]>[0],
    expect: Parameters<ReturnType<typeof spaceOf>["commit"]>[1],
    by: By,
  ): Promise<boolean> {
    by.pace.looked(changes.length + expect.length);
    if (by.asking.isReplay) return true;
    return await spaceOf(by).commit(changes, expect);
  }
  return {
    "state.get": ({ key }, by) => spaceOf(by).get(key),
    "state.set": async ({ key, value }, by) => {
      await commit([{ key, value }], [], by);
      return null;
    },
    "state.delete": async ({ key }, by) => {
      await commit([{ key, value: null }], [], by);
      return null;
    },
    "state.list": ({ prefix }, by) => {
      const space = spaceOf(by);
      const { keys, bytes } = space.sizeUnder(prefix);
      by.pace.looked(keys);
      refuseTooLarge(bytes, by);
      return space.list(prefix);
    },
    "state.commit": ({ changes, expect }, by) => commit(changes, expect, by),
  };
}

function refuseTooLarge(bytes: number, { grant }: By): void {
  if (bytes <= grant.messageBytes) return;
  throw new UsherError(
    "invalid_input",
    `Plugin "${grant.plugin}" asked for ${bytes} bytes of its state at once`,
    {
      subject: grant.plugin,
      field: "prefix",
      hint:
        `${grant.messageBytes} bytes are the most (limits.message): ask with a longer prefix`,
    },
  );
}

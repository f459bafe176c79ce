/**
 * `usher user set-role`.
 *
 * @module
 */
import { defineCommand } from "../../command.ts";
import { unknownWord } from "../../usage.ts";
import { ROLE_NAMES } from "./create.ts";

export const setRole = defineCommand({
  about:
    "Give an account another role. It holds at once: for its sessions, whose streams end and can be begun again, and for its API tokens. The last administrator stays one.",
  words: {
    usage: "NAME ROLE",
    min: 2,
    max: 2,
    completes: "user",
    then: ROLE_NAMES,
  },
  flags: {},
  examples: [["usher user set-role ann admin", "she may all from now on"]],
  async run(context, { words: [name = "", word = ""] }) {
    const role = ROLE_NAMES.find((one) => one === word);
    if (role === undefined) {
      throw unknownWord(
        "role",
        word,
        ROLE_NAMES,
        `roles: ${ROLE_NAMES.join(", ")}`,
      );
    }
    const api = await context.api();
    const user = await api.call("setRole", {
      params: { name },
      body: { role },
    });
    context.io.stderr.write(`${user.name} is ${user.role} now\n`);
    return 0;
  },
});

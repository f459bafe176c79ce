/**
 * `usher user create`.
 *
 * @module
 */
import { choice, defineCommand } from "../../command.ts";
import { labelOf } from "../../label.ts";
import { findNewPassword, PASSWORD_FLAGS } from "../../password.ts";

/** What an account may do. */
export const ROLE_NAMES = ["admin", "user", "viewer"] as const;

export const create = defineCommand({
  about:
    "Make an account. A user has VMs of their own, a viewer looks at everything and changes nothing, an administrator may all. The password is asked for twice, unless it comes from a file or standard input.",
  words: { usage: "NAME", min: 1, max: 1, completes: "none" },
  flags: {
    role: choice(ROLE_NAMES, "what it may do; user by default"),
    ...PASSWORD_FLAGS,
  },
  examples: [
    ["usher user create ann", "on a terminal"],
    [
      "usher user create bob --role viewer --password-file pw",
      "in a script",
    ],
  ],
  async run(context, { words: [name = ""], flags }) {
    const { io } = context;
    // Before anybody types a password for it.
    labelOf("user")(name);
    const api = await context.api();
    const password = await findNewPassword(io, flags, name);
    const user = await api.call("createUser", {
      body: { name, role: flags.role ?? "user", password },
    });
    io.stderr.write(`made account ${user.name} (${user.role})\n`);
    return 0;
  },
});

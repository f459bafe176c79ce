/**
 * `usher logout`.
 *
 * @module
 */
import { connect } from "../../api.ts";
import { defineCommand, NO_WORDS } from "../../command.ts";
import { forgetSession } from "../../credentials.ts";
import { EXIT } from "../../exit.ts";
import { isFailure } from "../../failure.ts";

export const logout = defineCommand({
  about: "End the session, at the controller and on this machine.",
  words: NO_WORDS,
  flags: {},
  examples: [["usher logout", "end it"]],
  async run(context) {
    const { io } = context;
    const { controller, caPem, token, credentialsPath } = await context
      .settings();
    if (controller === null || token === undefined) {
      io.stderr.write("there is no session\n");
      return EXIT.done;
    }
    try {
      using api = connect({ controller, caPem, token });
      await api.call("logout");
    } catch (error) {
      // A session that the controller no longer knows has ended already.
      if (isFailure(error, "unavailable")) {
        io.stderr.write(
          `${error.message}\nthe session is forgotten here, and ends there by itself\n`,
        );
      } else if (!isFailure(error, "unauthenticated")) throw error;
    }
    await forgetSession(credentialsPath, controller);
    io.stderr.write(`logged out of ${controller}\n`);
    return EXIT.done;
  },
});

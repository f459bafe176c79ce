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
import { UsageError } from "../../usage.ts";

export const logout = defineCommand({
  about: "End the session, at the controller and on this machine.",
  words: NO_WORDS,
  flags: {},
  examples: [["usher logout", "end it"]],
  async run(context) {
    const { io } = context;
    if (io.env("USHER_TOKEN")) {
      throw new UsageError(
        "USHER_TOKEN is set, and an API token is not logged out",
        "unset USHER_TOKEN to end the session, or end the token: usher token revoke NAME",
      );
    }
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
      } else if (isFailure(error, "permission_denied")) {
        io.stderr.write(
          "an API token was used: it is forgotten here, and good until it is revoked or expires\n",
        );
      } else if (!isFailure(error, "unauthenticated")) throw error;
    }
    await forgetSession(credentialsPath, controller);
    io.stderr.write(`logged out of ${controller}\n`);
    return EXIT.done;
  },
});

/**
 * `usher version`.
 *
 * @module
 */
import { COMMIT, describeVersion, VERSION } from "../../../version.ts";
import { connect } from "../../api.ts";
import { defineCommand, NO_WORDS, toggle } from "../../command.ts";
import { runtimeVersion } from "../../deno.ts";
import { Notices } from "../../notices.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";

const CONTROLLER_MS = 2_000;

export const version = defineCommand({
  about:
    "Show the version of this program, and of the controller where one is known.",
  words: NO_WORDS,
  flags: {
    client: toggle("do not ask the controller"),
    ...FORMAT_FLAG,
  },
  examples: [["usher version", "this program and the controller"]],
  async run(context, { flags }) {
    const controller = flags.client ? null : await askController(context);
    const value = {
      version: VERSION,
      commit: COMMIT,
      deno: runtimeVersion(),
      controller,
    };
    await printOne(context, value, flags.output, {
      name: VERSION,
      describe: () =>
        `${describeVersion(runtimeVersion())}\n` +
        (controller === null
          ? ""
          : `controller ${controller.version} at ${controller.url}\n`),
    });
    return 0;
  },
});

/** The controller's version; null when there is none, or none that answers. */
async function askController(
  context: Parameters<typeof version.run>[0],
): Promise<{ url: string; version: string } | null> {
  try {
    const { controller, caPem } = await context.settings();
    if (controller === null) return null;
    const notices = new Notices();
    const onAnswer = (headers: Headers) => notices.heard(headers, Date.now());
    using api = connect({ controller, caPem, onAnswer });
    const answer = await api.call("version", {
      signal: AbortSignal.timeout(CONTROLLER_MS),
    });
    notices.tell(context.io);
    return { url: controller, version: answer.version };
  } catch {
    return null;
  }
}

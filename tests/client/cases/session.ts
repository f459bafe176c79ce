/**
 * Connecting, sessions that end, and several clients.
 *
 * @module
 */
import { rejects, strictEqual } from "node:assert/strict";
import { allDone, connect, type ConnectOptions } from "@usher/client";
import { type Case, client, codeOf } from "../suite_site.ts";

/** Connecting, sessions that end, and several clients. */
export const SESSION_CASES: Readonly<Record<string, Case>> = {
  async "a site is trusted by its CA or the CA's fingerprint, and no other way"(
    site,
  ) {
    const { caFingerprint, otherCaPem, nowhere } = site;
    await using by = await client(site, { caPem: undefined, caFingerprint });
    strictEqual((await by.whoami()).user, site.user);
    const wrong = caFingerprint.replace(/^../, "00");
    const fails = async (more: Partial<ConnectOptions>) =>
      await codeOf(client(site, more));
    strictEqual(
      await fails({ caPem: undefined, caFingerprint: wrong }),
      "permission_denied",
    );
    strictEqual(await fails({ caPem: otherCaPem }), "unavailable");
    strictEqual(await fails({ caPem: undefined }), "unavailable");
    strictEqual(await fails({ caPem: "no CA" }), "invalid_input");
    strictEqual(await fails({ controller: "http://x" }), "invalid_input");
    strictEqual(await fails({ controller: nowhere }), "unavailable");
    await rejects(client(site, { caPem: otherCaPem }), /not from the CA/);
    await rejects(client(site, { controller: nowhere }), /connection refused/);
  },

  async "a wrong password and a token that is no good are told at once"(site) {
    strictEqual(
      await codeOf(client(site, { password: "wrong" })),
      "unauthenticated",
    );
    const { url: controller, caPem } = site;
    strictEqual(
      await codeOf(connect({ controller, caPem, token: "none" })),
      "unauthenticated",
    );
  },

  async "a session that ends in the middle of a watch is followed by another"(
    site,
  ) {
    await using usher = await client(site);
    using live = usher.watch();
    await live.ready;
    const back = new Promise<void>((resolve) =>
      live.on("back", () => resolve())
    );
    // What a session's end looks like, whoever ends it.
    await usher.call("logout");
    await usher.register("renewed").result;
    await back;
    await live.until(({ vms }) => vms.has(`renewed.default.${site.user}`));
    await usher.destroy("renewed").result;
    await using other = await client(site);
    const { token } = await other.call("login", {
      body: { user: site.user, password: site.password },
    });
    const { url: controller, caPem } = site;
    await using fixed = await connect({ controller, caPem, token });
    using watch = fixed.watch();
    await watch.ready;
    await fixed.call("logout");
    // A token that was given cannot be renewed: that is told, and the end.
    await rejects(watch.ended);
    strictEqual(await codeOf(fixed.whoami()), "unauthenticated");
  },

  async "two clients of one program do not know of each other"(site) {
    await using first = await client(site);
    await using second = await client(site);
    using live = second.watch();
    await live.ready;
    await first.close();
    strictEqual(await codeOf(first.whoami()), "cancelled");
    strictEqual(await codeOf(first.start("late").result), "cancelled");
    allDone(await second.register("still").result);
    await live.until(({ vms }) => vms.has(`still.default.${site.user}`));
    await second.destroy("still").result;
  },
};

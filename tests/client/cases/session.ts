/**
 * Connecting, sessions that end, and several clients.
 *
 * @module
 */
import { ok, rejects, strictEqual } from "node:assert/strict";
import { allDone, connect, type ConnectOptions } from "@usher/client";
import { type Case, client, codeOf, SLOW } from "../suite_site.ts";

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
    strictEqual(await codeOf(watch.ended), "unauthenticated");
    strictEqual(await codeOf(fixed.whoami()), "unauthenticated");
  },

  async "a session that ends in the middle of a request is followed by another"(
    site,
  ) {
    await using usher = await client(site);
    const seen: string[] = [];
    const request = usher.start("outlives", {
      ...SLOW,
      onProgress: ({ type }) => seen.push(type),
    });
    await request.accepted;
    await usher.call("logout");
    allDone(await request.result);
    // It was listened to again, and not sent again.
    ok(seen.includes("lost"), seen.join());
    strictEqual(seen.filter((type) => type === "result").length, 1);
    // Calls side by side that all find it ended make one new session.
    await usher.call("logout");
    const names = ["outlives", "outlives", "outlives"];
    const vms = await Promise.all(names.map((name) => usher.vm(name)));
    strictEqual(new Set(vms.map(({ uid }) => uid)).size, 1);
    await usher.destroy("outlives").result;
  },

  async "a token that ends in the middle of a request ends the wait with its code, and not the work"(
    site,
  ) {
    await using usher = await client(site);
    const { token } = await usher.call("login", {
      body: { user: site.user, password: site.password },
    });
    const { url: controller, caPem } = site;
    await using fixed = await connect({ controller, caPem, token });
    const request = fixed.start("unheard", SLOW);
    await request.accepted;
    await fixed.call("logout");
    strictEqual(await codeOf(request.result), "unauthenticated");
    strictEqual(await codeOf(fixed.start("never").result), "unauthenticated");
    allDone(await usher.attach(request.id).result);
    // One that can be had anew is, and what it was refused for is done.
    let asked = 0;
    const tokens = async () => {
      asked++;
      const { token } = await usher.call("login", {
        body: { user: site.user, password: site.password },
      });
      return token;
    };
    await using renewing = await connect({ controller, caPem, token: tokens });
    await renewing.call("logout");
    allDone(await renewing.destroy("unheard").result);
    strictEqual(asked, 2);
    await renewing.call("logout");
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

/**
 * What goes on for somebody ends at once with what it was opened with: streams
 * and consoles, whoever ends the session, the token, the account or the share.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { type Client, connect, type GuestConsole } from "@usher/client";
import type { ShareLevel } from "../../src/schema/cluster.ts";
import { TokenScope } from "../../src/schema/token_scope.ts";
import { type Line, Reader } from "../support/reader.ts";
import { LeapingClock } from "../support/leaping_clock.ts";
import { TestSite, type TestSiteOptions } from "../support/site.ts";
import { within } from "../support/wait.ts";

const VM = "web.lab.ann";
const CLUSTER = "lab.ann";
const ENDED = "this session has ended";
const SESSION_MS = 600_000;
/** So soon after a session's time is over, what goes on for it ends. */
const LOOK_MS = 5_000;
const SLOW = { sim: { bootMs: 600_000 } };

/** Somebody with everything open that there is to be. */
interface Busy {
  readonly user: string;
  readonly token: string;
  /** The API token's id; empty for a session. */
  readonly tokenId: string;
  readonly line: GuestConsole;
  readonly watch: Reader;
  readonly follow: Reader;
}

/** A site where ann shares a VM that runs with whoever comes. */
class Site implements AsyncDisposable {
  readonly #open: (Client | Reader)[] = [];
  #count = 0;

  constructor(readonly site: TestSite) {}

  static async start(options: TestSiteOptions = {}): Promise<Site> {
    const site = new Site(await TestSite.start(options));
    await site.#account("ann");
    await site.site.run("start", VM);
    return site;
  }

  async #account(user: string): Promise<void> {
    const { accounts } = this.site.site.controller.site;
    await accounts.create(user, "user", "the old password");
  }

  async share(user: string, level: ShareLevel): Promise<void> {
    const share = { with: { kind: "user", name: user }, level };
    const path = `/v1/clusters/${CLUSTER}/share`;
    strictEqual((await this.site.call("POST", path, share)).status, 200);
  }

  /** Somebody new, with a session or with an API token. */
  async busy(
    kind: "session" | "token",
    ttlMs: number | null = null,
  ): Promise<Busy> {
    const user = `u${++this.#count}`;
    await this.#account(user);
    await this.share(user, "control");
    const { accounts, ca } = this.site.site.controller.site;
    let tokenId = "";
    let { token } = await accounts.openSession(user, SESSION_MS);
    if (kind === "token") {
      const scope = TokenScope.parse({ access: "act" });
      const asked = { user, name: "t", scope, ttlMs };
      const made = await accounts.tokens.create(asked);
      [token, tokenId] = [made.token, made.record.id];
    }
    const id = `request-of-${user}`;
    const request = { id, verb: "start", names: ["own"], spec: SLOW };
    const sent = await this.site.call("POST", "/v1/requests", request, token);
    strictEqual(sent.status, 200, JSON.stringify(sent.body));
    const controller = this.site.site.url;
    const client = await connect({ controller, caPem: ca.pem, token });
    const line = await client.console(VM);
    await line.write(`${user}\n`);
    const watch = await Reader.open(this.site, "/v1/watch", token);
    const path = `/v1/requests/${id}/follow`;
    const follow = await Reader.open(this.site, path, token);
    this.#open.push(client, watch, follow);
    await watch.until(({ type }) => type === "synced");
    await follow.until(({ type }) => type === "accepted");
    return { user, token, tokenId, line, watch, follow };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#open) await one[Symbol.asyncDispose]();
    await this.site[Symbol.asyncDispose]();
  }
}

/** All that was open is over, and its token opens nothing more. */
async function allOver(site: TestSite, busy: Busy): Promise<void> {
  const { line, watch, follow, token } = busy;
  strictEqual(await within("the end of a console", 20_000, line.closed), ENDED);
  await rejects(line.write("late\n"), /Lost the console/);
  const bye = (await watch.until(({ type }) => type === "bye")).at(-1);
  deepStrictEqual([bye?.["reason"], bye?.["resume"]], [ENDED, false]);
  // Its stream ends without a result: the request itself goes on.
  await rejects(follow.until(() => false), /ended after/);
  const { status } = await site.call("GET", "/v1/vms", undefined, token);
  strictEqual(status, 401);
}

Deno.test("consoles, watches and requests that are followed end at once with the session, the token or the account", async (t) => {
  await using all = await Site.start();
  const { site } = all;
  const asAdmin = async (method: string, path: string, body?: unknown) => {
    const answer = await site.call(method, path, body);
    strictEqual(answer.status, 200, JSON.stringify(answer.body));
  };
  const ways: Record<string, (busy: Busy) => Promise<void>> = {
    "a logout": async ({ token }) => {
      await site.call("POST", "/v1/logout", undefined, token);
    },
    "the session's end by an administrator": async ({ user }) => {
      const { body } = await site.call<
        { sessions: { id: string; user: string }[] }
      >("GET", "/v1/sessions?all=1");
      const its = body.sessions.find((one) => one.user === user);
      await asAdmin("DELETE", `/v1/sessions/${its?.id}`);
    },
    "another password": ({ user }) =>
      asAdmin("POST", `/v1/users/${user}/password`, {
        password: "a new password",
      }),
    "the account's being disabled": ({ user }) =>
      asAdmin("POST", `/v1/users/${user}/disable`),
    "the account's end": async ({ user }) => {
      await site.run("destroy", `own.default.${user}`);
      await asAdmin("DELETE", `/v1/users/${user}`);
    },
  };
  for (const [name, end] of Object.entries(ways)) {
    await t.step(name, async () => {
      const busy = await all.busy("session");
      await end(busy);
      await allOver(site, busy);
    });
  }
  const ofTokens: typeof ways = {
    "a token's being revoked": ({ tokenId }) =>
      asAdmin("DELETE", `/v1/tokens/${tokenId}`),
    "the being disabled of the account that has a token": ({ user }) =>
      asAdmin("POST", `/v1/users/${user}/disable`),
  };
  for (const [name, end] of Object.entries(ofTokens)) {
    await t.step(name, async () => {
      const busy = await all.busy("token");
      await end(busy);
      await allOver(site, busy);
    });
  }
  await t.step("another role, which the next look has", async () => {
    const busy = await all.busy("session");
    const role = { role: "viewer" };
    await asAdmin("POST", `/v1/users/${busy.user}/role`, role);
    strictEqual(await within("its end", 20_000, busy.line.closed), ENDED);
    await busy.watch.until(({ type }) => type === "bye");
    const path = `/v1/vms/${VM}/console`;
    const again = await site.call("GET", path, undefined, busy.token);
    strictEqual(again.status, 403);
  });
});

Deno.test("consoles, watches and requests that are followed end within five seconds of the time of their session, or their token", async (t) => {
  const clock = new LeapingClock();
  await using all = await Site.start({ clock });
  await t.step("a session", async () => {
    const busy = await all.busy("session");
    clock.set(SESSION_MS);
    clock.leap(LOOK_MS);
    await allOver(all.site, busy);
  });
  await t.step("a token", async () => {
    const busy = await all.busy("token", SESSION_MS);
    clock.set(SESSION_MS);
    clock.leap(LOOK_MS);
    await allOver(all.site, busy);
  });
});

Deno.test("a console ends at once with the share that opened it; what else the user has goes on", async (t) => {
  await using all = await Site.start();
  const { site } = all;
  const isHidden = ({ type, name }: Line) => type === "delete" && name === VM;
  await t.step("unshared: the VM is gone from the watch, too", async () => {
    const { user, line, watch, token } = await all.busy("session");
    const path = `/v1/clusters/${CLUSTER}/unshare`;
    await site.call("POST", path, { with: { kind: "user", name: user } });
    match(
      await within("the end of a console", 20_000, line.closed),
      /no longer control VM "web\.lab\.ann"/,
    );
    await watch.until(isHidden);
    await site.call("POST", "/v1/requests", {
      verb: "register",
      names: ["later"],
    }, token);
    const after = await watch.until(({ value }) =>
      (value as { name?: string } | undefined)?.name === `later.default.${user}`
    );
    strictEqual(after.some(({ type }) => type === "bye"), false);
  });
  await t.step("shared for view alone: the watch shows it still", async () => {
    const { user, line, watch } = await all.busy("token");
    await all.share(user, "view");
    match(await line.closed, /no longer control/);
    await site.run("pause", VM);
    const seen = await watch.until(({ value }) =>
      (value as { status?: { state: string } } | undefined)?.status?.state ===
        "paused"
    );
    strictEqual(seen.some(isHidden), false);
  });
});

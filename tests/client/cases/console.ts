/**
 * Consoles.
 *
 * @module
 */
import { rejects, strictEqual } from "node:assert/strict";
import { allDone } from "@usher/client";
import { type Case, client, codeOf } from "../suite_site.ts";

/** Consoles. */
export const CONSOLE_CASES: Readonly<Record<string, Case>> = {
  async "a console carries bytes both ways"(site) {
    await using usher = await client(site);
    strictEqual(await codeOf(usher.console("nobody")), "not_found");
    allDone(await usher.start("talker").result);
    const line = await usher.console("talker");
    const decoder = new TextDecoder();
    let printed = "";
    await line.write("hello\n");
    for await (const bytes of line) {
      printed += decoder.decode(bytes, { stream: true });
      if (printed.includes("hello")) break;
    }
    line.close();
    strictEqual(await line.closed, "closed by this client");
    const giving = new AbortController();
    const other = await usher.console("talker", { signal: giving.signal });
    giving.abort(new Error("enough"));
    await rejects(other.closed, /enough/);
    await usher.destroy("talker").result;
  },
};

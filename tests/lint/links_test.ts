/**
 * Links between the documents lead somewhere, also to the heading they name;
 * and every document for users is found from the README or the index of guides.
 */
import { deepStrictEqual } from "node:assert/strict";
import {
  readRepository,
  REPOSITORY,
  trackedFiles,
} from "../support/repository.ts";

async function documents(): Promise<string[]> {
  return (await trackedFiles()).filter((file) => file.endsWith(".md"));
}

/** The targets of the links in `text`, code left out. */
function linksOf(text: string): string[] {
  const prose = text.replace(/^```[^]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => to);
}

/** The anchors of a document's headings, as they are made from their words. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, words = ""]) =>
    words.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

/** Why a link of `file` leads nowhere; null when it does. */
async function fault(file: string, link: string): Promise<string | null> {
  if (/^(?:https?|mailto):/.test(link)) return null;
  const [path = "", anchor] = link.split("#");
  const base = `file:///${file}`;
  const target = path === "" ? file : new URL(path, base).pathname.slice(1);
  const info = await Deno.stat(REPOSITORY + target).catch(() => null);
  if (info === null) return `${file}: ${link} leads nowhere`;
  if (anchor === undefined) return null;
  return anchorsOf(await readRepository(target)).includes(anchor)
    ? null
    : `${file}: ${link} names no heading`;
}

Deno.test("links between documents lead somewhere", async () => {
  const faults: string[] = [];
  for (const file of await documents()) {
    for (const link of linksOf(await readRepository(file))) {
      const reason = await fault(file, link);
      if (reason !== null) faults.push(reason);
    }
  }
  deepStrictEqual(faults, []);
});

Deno.test("a link that leads nowhere is found, in prose and not in code", async () => {
  const text = "[a](b.md) `[c](d.md)`\n```\n[e](f.md)\n```\n[g](#h)\n";
  deepStrictEqual(linksOf(text), ["b.md", "#h"]);
  deepStrictEqual(
    await fault("README.md", "docs/nowhere.md"),
    [
      "README.md: docs/nowhere.md leads nowhere",
    ][0],
  );
  deepStrictEqual(
    await fault("docs/cli.md", "../README.md#two-commands"),
    null,
  );
  deepStrictEqual(
    await fault("README.md", "#three-commands"),
    "README.md: #three-commands names no heading",
  );
});

Deno.test("every document for users is found from the README or the index", async () => {
  const index = linksOf(await readRepository("docs/README.md"))
    .map((link) => `docs/${link}`);
  const links = [...linksOf(await readRepository("README.md")), ...index];
  const missing = (await documents()).filter((file) =>
    /^docs\/[^/]+\.md$/.test(file) && !links.includes(file)
  );
  deepStrictEqual(missing, []);
});

Deno.test("every decision stands in the index of decisions", async () => {
  const links = linksOf(await readRepository("docs/decisions/README.md"));
  const missing = (await documents()).filter((file) =>
    /^docs\/decisions\/\d/.test(file) &&
    !links.includes(file.replace("docs/decisions/", ""))
  );
  deepStrictEqual(missing, []);
});

import { deepStrictEqual, match, ok } from "node:assert/strict";
import { openapi } from "../../schema/openapi.ts";
import { ROUTES } from "../../schema/route.ts";
import { docsPage } from "./docs_page.ts";

/** Every element that is opened is closed, and none but those that are void. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, close, name = ""] of html.matchAll(/<(\/?)([a-z]\w*)[^>]*>/g)) {
    if (["meta", "html"].includes(name)) continue;
    if (close === "") open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}

Deno.test("the page of the API shows every route once, with what it takes and answers", () => {
  const html = docsPage(openapi("1.2.3"));
  deepStrictEqual(unbalanced(html), []);
  match(html, /<title>usher 1\.2\.3: API<\/title>/);
  const shown = [...html.matchAll(/<h3 id="([^"]+)"><span/g)].map(([, id]) =>
    id
  );
  deepStrictEqual(shown.toSorted(), Object.keys(ROUTES).toSorted());
  const links = [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  const ids = new Set([...html.matchAll(/id="([^"]+)"/g)].map(([, id]) => id));
  deepStrictEqual(links.filter((id) => !ids.has(id)), []);
  match(html, /<td><code>filter<\/code><\/td><td>query<\/td>/);
  match(html, /memoryMiB/);
});

Deno.test("the page of the API loads nothing, runs nothing, and escapes what it shows", () => {
  const document = openapi("1.2.3");
  const html = docsPage({
    ...document,
    info: { title: "<script>1</script>", version: "'\"", description: "&amp" },
  });
  ok(!/<script|<link|<img|src=|\son\w+=|url\(|@import/i.test(html));
  match(html, /&lt;script&gt;1&lt;\/script&gt; &#39;&quot;/);
  match(html, /&amp;amp/);
});

/**
 * `GET /docs` of the compiled controller in a real browser: shown whole and
 * readable, without a network but the site's own.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ROUTES } from "../../src/schema/route.ts";
import { Browser } from "../support/browser.ts";
import { CompiledSite } from "../support/compiled_site.ts";

/** What somebody reads who looks at the page. */
const SHOWN = `[...document.querySelectorAll("h3")]
  .filter((head) => head.getBoundingClientRect().height > 0)
  .map((head) => head.innerText)`;

/** Elements that stick out to the right of the window. */
const WIDER = "document.scrollingElement.scrollWidth - innerWidth";

Deno.test("a browser shows the reference of the API, offline", async (t) => {
  await using site = await CompiledSite.start({ nodes: 1 });
  const url = `${await controllerOf(site)}/docs`;
  // The CA of the site is in no list of the browser's.
  await using browser = await Browser.start(["--ignore-certificate-errors"]);
  await browser.open(url);

  await t.step("every route is read, with its method and path", async () => {
    const heads = await browser.value<string[]>(SHOWN);
    for (const { method, path } of Object.values(ROUTES)) {
      const expected = `${method} ${path}`;
      ok(heads.some((head) => head.startsWith(expected)), expected);
    }
  });

  await t.step("it asks for nothing but itself, and nobody complains", () => {
    const { urls, complaints } = browser.seen;
    deepStrictEqual(urls, [url]);
    deepStrictEqual(complaints, []);
  });

  await t.step(
    "its style is taken, and a phone's window holds it",
    async () => {
      for (
        const [width, display] of [[1280, "grid"], [360, "block"]] as const
      ) {
        await browser.send("Emulation.setDeviceMetricsOverride", {
          width,
          height: 700,
          deviceScaleFactor: 1,
          mobile: false,
        });
        strictEqual(
          await browser.value("getComputedStyle(document.body).display"),
          display,
        );
        const wider = await browser.value<number>(WIDER);
        ok(wider <= 0, `${wider} px too wide at ${width}`);
      }
    },
  );

  await t.step("every link leads to something on the page", async () => {
    const broken = await browser.value<string[]>(
      `[...document.querySelectorAll('a[href^="#"]')]
        .map((link) => link.hash.slice(1))
        .filter((id) => document.getElementById(id) === null)`,
    );
    deepStrictEqual(broken, []);
  });

  await t.step("in the dark it is light on dark", async () => {
    await browser.send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: "dark" }],
    });
    const [red = 0] = await browser.value<number[]>(
      `getComputedStyle(document.body).color.match(/\\d+/g).map(Number)`,
    );
    ok(red > 128, `the text is ${red}`);
  });
});

/** Where the site's controller listens, as its clients find it. */
async function controllerOf({ folder }: CompiledSite): Promise<string> {
  const text = await Deno.readTextFile(`${folder}/cli.yaml`);
  const [, url = ""] = /^controller: "?(https:[^"\s]+)/m.exec(text) ?? [];
  return url;
}

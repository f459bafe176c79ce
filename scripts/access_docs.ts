/**
 * Writes docs/access.md from the table of routes, so that it cannot say anything
 * else of who may do what. A test fails when the page is not what this makes.
 *
 *   deno run -A scripts/access_docs.ts
 *
 * @module
 */
import { tokenNeed } from "../src/core/token_scope.ts";
import { type Route, ROUTES } from "../src/schema/route.ts";
import type { TokenNeed } from "../src/schema/token_scope.ts";
import { ROOT } from "./support.ts";

/** The page, from the repository's root. */
export const ACCESS_PAGE = "docs/access.md";

const HEAD = `# Who may do what

Made from the table of routes in \`src/schema/route.ts\` by
\`scripts/access_docs.ts\`. The controller asks this same table at every call,
before anything else is done; commands are calls of these routes. How accounts
and API tokens are made stands in [users.md](users.md).

## Words

- **nobody** has no session and no token.
- **viewer**, **user** and **admin** are the roles of accounts.
- **what one sees** is one's own, and what is shared with one; a viewer and an
  administrator see everything.
- **what one controls** is one's own, and what is shared with one for control;
  an administrator controls everything, a viewer nothing.
- What one does not see is not there: the answer is that of a name that nobody
  has (404), never a refusal that would tell of it.
- A **node** has no part in this. Its secret opens the listener for nodes alone,
  and here it is nobody's.
- A plugin calls no route. What it may ask stands in its manifest and is granted
  in the configuration: [plugins.md](plugins.md).

An **API token** may at most what its owner may when it is used. Of that it needs,
by the last column:

| | a token made with |
|---|---|
| read | anything |
| verb | no \`--read\`; and the verb and the VM must be what it is for |
| act | none of \`--read\`, \`--verb\`, \`--vm\`, \`--cluster\` |
| admin | \`--admin\` |
| a login | no token at all will do |

Whatever a token is for, it sees and touches no VM but those that \`--vm\` and
\`--cluster\` name.
`;

const NEEDS: Readonly<Record<TokenNeed, string>> = {
  read: "read",
  verb: "verb",
  act: "act",
  admin: "admin",
  never: "a login",
};

const RANKS = ["public", "viewer", "user", "admin"] as const;

/** The whole page. */
export function accessPage(): string {
  const routes = Object.values<Route>(ROUTES).toSorted((a, b) =>
    a.path === b.path ? 0 : a.path < b.path ? -1 : 1
  );
  return [
    HEAD,
    "## Every route\n",
    "| route | nobody | viewer | user | admin | whose | token |",
    "|---|---|---|---|---|---|---|",
    ...routes.map(rowOf),
    "",
  ].join("\n");
}

function rowOf(route: Route): string {
  const least = RANKS.indexOf(route.access);
  const may = RANKS.map((_, rank) => rank >= least ? "yes" : "");
  const token = route.access === "public" ? "" : NEEDS[tokenNeed(route)];
  const cells = [
    `\`${route.method} ${route.path}\``,
    ...may,
    route.whose ?? "",
    token,
  ];
  return `| ${cells.join(" | ")} |`;
}

if (import.meta.main) {
  await Deno.writeTextFile(ROOT + ACCESS_PAGE, accessPage());
}

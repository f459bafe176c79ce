/**
 * `GET /docs`: the reference of the API as one page for people, made on the
 * server from the OpenAPI document that programs read.
 *
 * It must work where there is no network but the site's own, and show nothing
 * but the document: it has no scripts, loads nothing, and its policy forbids
 * both, so that not even a document of a bad day could run one.
 *
 * @module
 */
import { sha256Hex } from "../../sys/file_digest.ts";
import { type JsonSchema, typeText } from "../../schema/type_text.ts";

/** As much of an OpenAPI document as the page shows. */
interface ApiDocument {
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
  };
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, ApiOperation>>>
  >;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
}

interface ApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly "x-usher-access"?: string;
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: { readonly content: ApiContent };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: ApiContent }
    >
  >;
}

interface ApiParameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
}

type ApiContent = Readonly<Record<string, { readonly schema: JsonSchema }>>;

/** One operation with where it is. */
interface Listed {
  readonly method: string;
  readonly path: string;
  readonly operation: ApiOperation;
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --dim: #777 }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; display: grid;
  overflow-wrap: anywhere;
  grid-template-columns: minmax(14rem, 18rem) minmax(0, 1fr) }
nav { padding: 1rem; border-right: 1px solid var(--line); position: sticky;
  top: 0; height: 100vh; overflow: auto; box-sizing: border-box }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0 }
main { padding: 1rem 2rem 4rem; max-width: 60rem }
code, pre { font: 0.9em/1.45 ui-monospace, monospace }
pre { background: var(--soft); padding: 0.75rem; overflow: auto; border-radius: 4px }
section { border-top: 1px solid var(--line); padding-top: 0.5rem }
h3 { margin: 1rem 0 0.25rem; font-size: 1rem }
.method { font-weight: 700 }
.access { color: var(--dim); font-weight: 400 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.5rem;
  border-bottom: 1px solid var(--line) }
summary { cursor: pointer }
@media (max-width: 50rem) { body { display: block }
  nav { position: static; height: auto; border: 0 } main { padding: 1rem } }
`;

/** The page that shows `document`. */
export function docsPage(document: Record<string, unknown>): string {
  const { info, paths, components } = document as unknown as ApiDocument;
  const groups = grouped(paths);
  const title = escaped(`${info.title} ${info.version}: API`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
<nav aria-label="Routes">${contents(groups)}</nav>
<main>
<h1>${title}</h1>
<p>${escaped(info.description)} For programs:
<a href="/v1/openapi.json">/v1/openapi.json</a> (OpenAPI).</p>
<p>Send the token of a session (<a href="#login">login</a>) or an API token as
<code>authorization: Bearer TOKEN</code>.</p>
${groups.map(groupText).join("\n")}
<h2 id="types">Types</h2>
${
    Object.entries(components.schemas).map(([name, schema]) =>
      `<section><h3 id="type-${escaped(name)}">${escaped(name)}</h3>${
        typeBlock(schema)
      }</section>`
    ).join("\n")
  }
</main>
</html>
`;
}

/** What a browser may do with the page: show it. */
export function docsPolicy(): string {
  const hex = sha256Hex([new TextEncoder().encode(STYLE)]);
  const hash = btoa(
    hex.replace(/../g, (byte) => String.fromCharCode(parseInt(byte, 16))),
  );
  return [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Operations by the noun in their path: `/v1/vms/{name}` is of `vms`. */
function grouped(paths: ApiDocument["paths"]): [string, Listed[]][] {
  const groups = new Map<string, Listed[]>();
  for (const [path, methods] of Object.entries(paths)) {
    const [noun = path] = path.replace(/^\/v\d+\//, "").replace(/^\//, "")
      .split("/");
    const group = groups.get(noun) ?? [];
    groups.set(noun, group);
    for (const [method, operation] of Object.entries(methods)) {
      group.push({ method: method.toUpperCase(), path, operation });
    }
  }
  return [...groups];
}

function contents(groups: readonly [string, readonly Listed[]][]): string {
  return groups.map(([noun, all]) =>
    `<b>${escaped(noun)}</b><ul>${
      all.map(({ method, path, operation: { operationId } }) =>
        `<li><a href="#${escaped(operationId)}"><code>${method} ${
          escaped(path)
        }</code></a></li>`
      ).join("")
    }</ul>`
  ).join("\n") + '<a href="#types">Types</a>';
}

function groupText([noun, all]: [string, Listed[]]): string {
  return `<h2>${escaped(noun)}</h2>\n${all.map(operationText).join("\n")}`;
}

function operationText({ method, path, operation }: Listed): string {
  const { operationId, summary, parameters = [], requestBody } = operation;
  const access = operation["x-usher-access"];
  const who = access === undefined
    ? ""
    : ` <span class="access">${escaped(access)}</span>`;
  return `<section>
<h3 id="${escaped(operationId)}"><span class="method">${method}</span> <code>${
    escaped(path)
  }</code>${who}</h3>
<p>${escaped(summary)}.</p>
${parameterTable(parameters)}
${contentText("Body", requestBody?.content)}
${
    Object.entries(operation.responses).map(([status, { content }]) =>
      contentText(status === "default" ? "Error" : `Answer ${status}`, content)
    ).join("\n")
  }
</section>`;
}

function parameterTable(parameters: readonly ApiParameter[]): string {
  if (parameters.length === 0) return "";
  const rows = parameters.map(({ name, in: place, description = "" }) =>
    `<tr><td><code>${escaped(name)}</code></td><td>${escaped(place)}</td><td>${
      escaped(description)
    }</td></tr>`
  );
  return `<table><tr><th>parameter</th><th>in</th><th></th></tr>${
    rows.join("")
  }</table>`;
}

/** The types of a body, folded away: some are long. */
function contentText(what: string, content: ApiContent = {}): string {
  return Object.entries(content).map(([mime, { schema }]) =>
    `<details><summary>${escaped(what)} <code>${
      escaped(mime)
    }</code></summary>${typeBlock(schema)}</details>`
  ).join("\n");
}

const COMPONENT = /#\/components\/schemas\/([\w.-]+)/g;

function typeBlock(schema: JsonSchema): string {
  const text = escaped(typeText(schema)).replace(
    COMPONENT,
    (_, name) => `<a href="#type-${name}">${name}</a>`,
  );
  return `<pre>${text}</pre>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => ENTITIES[mark] ?? "");
}

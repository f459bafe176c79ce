/**
 * Writes docs/events.md from the catalogue of events, so that it cannot say
 * anything else. A test fails when the page is not what this makes.
 *
 *   deno run -A scripts/event_docs.ts
 *
 * @module
 */
import { type EventKind, type EventName, EVENTS } from "../src/schema/event.ts";
import {
  argumentTypes,
  EVENT_SCHEMAS,
  eventSchemas,
  typesWithin,
} from "../src/schema/event_schemas.ts";
import { formatDuration } from "../src/schema/quantity_text.ts";
import { typeText } from "../src/schema/type_text.ts";
import { ROOT } from "./support.ts";

/** The page, from the repository's root. */
export const EVENT_PAGE = "docs/events.md";

const GROUPS: Readonly<Record<EventKind["group"], string>> = {
  client: "Clients",
  cluster: "Clusters",
  controller: "The controller",
  lnm: "Nodes",
  vm: "VMs",
};

const HEAD = `# Events

Made from the catalogue in \`src/schema/event.ts\` by \`scripts/event_docs.ts\`;
\`usher event list\` and \`usher event show NAME\` say the same. How handlers are
written stands in [plugins.md](plugins.md).

An event **decides** or **tells**. What a chain that decides comes to is what
usher goes on with, and a handler that fails there refuses. What a chain that
tells comes to goes from handler to handler and is then dropped, and a handler
that fails is logged and passed over.

A handler gets the arguments in the order given here and may give them back
changed. What is **kept** cannot be changed: a handler that gives back another
has failed. The deadline is that of one handler; the configuration may say
another. What is **recorded** can be played to a plugin later
(\`usher plugin test\`).
`;

/** The whole page. */
export function eventPage(): string {
  const events = Object.entries(EVENTS) as [EventName, EventKind][];
  const parts = (Object.keys(GROUPS) as EventKind["group"][]).map((group) =>
    [
      `## ${GROUPS[group]}\n`,
      ...events.filter(([, kind]) => kind.group === group).map(([name, kind]) =>
        eventText(name, kind)
      ),
    ].join("\n")
  );
  return [HEAD, ...parts, typesText(events.map(([name]) => name))].join("\n");
}

function eventText(name: EventName, kind: EventKind): string {
  const types = argumentTypes(name);
  const args = kind.names.map((arg, i) => `${arg}: ${types[i]}`).join(", ");
  const kept = kind.names.flatMap((arg, i) =>
    (kind.frozen[i] ?? []).map((key) => `\`${arg}.${key}\``)
  );
  const facts = [
    kind.class,
    `deadline ${formatDuration(kind.deadlineMs)}`,
    kind.recorded ? "recorded" : "never recorded",
    ...(kept.length === 0 ? [] : [`kept: ${kept.join(", ")}`]),
  ];
  return `### ${name}

\`[${args}]\`

${kind.about}

${facts.join("; ")}.
`;
}

function typesText(events: readonly EventName[]): string {
  const used = new Set(
    typesWithin(events.flatMap((name) => argumentTypes(name))),
  );
  const texts = Object.keys(EVENT_SCHEMAS).filter((name) => used.has(name)).map(
    (name) => `type ${name} = ${typeText(eventSchemas()[name] ?? {})};\n`,
  );
  return `## Types

Everything is JSON. A \`?\` may be absent; a handler leaves absent what was.

\`\`\`ts
${texts.join("\n")}\`\`\`
`;
}

if (import.meta.main) {
  await Deno.writeTextFile(ROOT + EVENT_PAGE, eventPage());
}

/**
 * What is read out of the XML that libvirt tells of a domain.
 *
 * @module
 */
import { Mark, NAMESPACE } from "./domain_xml.ts";
import { elementAt, elementsAt, readXml, textAt } from "./xml.ts";

/** A domain, as its definition describes it. */
export interface Described {
  readonly uuid: string;
  readonly name: string;
  /** usher's mark; null for a domain that no usher made. */
  readonly mark: Mark | null;
  readonly memoryMiB: number | null;
  readonly vcpus: number | null;
  /** Where its serial line is logged; null when it is not. */
  readonly consoleLog: string | null;
  /** Whether it has a serial line at all. */
  readonly hasConsole: boolean;
  /** Files and devices behind its disks. */
  readonly disks: readonly string[];
}

/** Reads a definition. Throws `internal` for what is none. */
export function describe(xml: string): Described {
  const root = readXml(xml);
  const console = elementAt(root, "devices", "console") ??
    elementAt(root, "devices", "serial");
  return {
    uuid: textAt(root, "uuid") ?? "",
    name: textAt(root, "name") ?? "",
    mark: markOf(root),
    memoryMiB: memoryOf(root),
    vcpus: numberOf(textAt(root, "vcpu")),
    consoleLog: console === null
      ? null
      : elementAt(console, "log")?.getAttribute("file") ?? null,
    hasConsole: console !== null,
    disks: elementsAt(root, "devices", "disk", "source").flatMap((source) =>
      source.getAttribute("file") ?? source.getAttribute("dev") ?? []
    ),
  };
}

type Root = ReturnType<typeof readXml>;

function markOf(root: Root): Mark | null {
  for (const element of elementsAt(root, "metadata", "domain")) {
    if (element.namespaceURI !== NAMESPACE) continue;
    const attributes = Object.fromEntries(
      [...element.attributes].map(({ name, value }) => [name, value]),
    );
    const parsed = Mark.safeParse(attributes);
    if (parsed.success) return parsed.data;
  }
  return null;
}

function memoryOf(root: Root): number | null {
  const element = elementAt(root, "memory");
  const amount = numberOf(element?.textContent ?? null);
  if (element === null || amount === null) return null;
  const perMiB = UNITS_IN_MIB[element.getAttribute("unit") ?? "KiB"];
  return perMiB === undefined ? null : Math.round(amount / perMiB);
}

/** libvirt itself always writes KiB. */
const UNITS_IN_MIB: Readonly<Record<string, number>> = {
  b: 1024 ** 2,
  bytes: 1024 ** 2,
  KiB: 1024,
  k: 1024,
  MiB: 1,
  GiB: 1 / 1024,
};

function numberOf(text: string | null): number | null {
  const number = text === null ? NaN : Number(text.trim());
  return Number.isFinite(number) ? number : null;
}

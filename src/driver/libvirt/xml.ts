/**
 * XML, both ways, by a library: nothing in this driver puts markup together
 * from text or looks for it in text, so no word of a user's is ever markup.
 *
 * @module
 */
import {
  type Document,
  DOMImplementation,
  DOMParser,
  type Element,
  XMLSerializer,
} from "@xmldom/xmldom";
import { messageOf, UsherError } from "../../error/mod.ts";

/** An element as it is to be written. */
export interface Node {
  readonly name: string;
  readonly attributes: Attributes;
  readonly content: readonly (Node | string | null)[];
}

/** Those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An element of that name; content that is null is left out. */
export function el(
  name: string,
  attributes: Attributes = {},
  ...content: readonly (Node | string | null)[]
): Node {
  return { name, attributes, content };
}

/**
 * The document of `root`. Throws `invalid_input` for characters that XML cannot hold.
 */
export function writeXml(root: Node, namespaces: Namespaces = {}): string {
  const document = new DOMImplementation().createDocument(null, "");
  document.appendChild(build(document, root, namespaces));
  return new XMLSerializer().serializeToString(document);
}

/** An element that was read, as a document. */
export function writeElement(element: Element): string {
  return new XMLSerializer().serializeToString(element);
}

/** What a prefix of element names stands for. */
export type Namespaces = Readonly<Record<string, string>>;

function build(
  document: Document,
  { name, attributes, content }: Node,
  namespaces: Namespaces,
): Element {
  const [prefix = ""] = name.includes(":") ? name.split(":") : [];
  const element = prefix === ""
    ? document.createElement(name)
    : document.createElementNS(namespaces[prefix] ?? null, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(key, checked(String(value)));
  }
  for (const part of content) {
    if (part === null) continue;
    element.appendChild(
      typeof part === "string"
        ? document.createTextNode(checked(part))
        : build(document, part, namespaces),
    );
  }
  return element;
}

/** What is no character of XML 1.0; libvirt reads no document that has one. */
const NO_CHARACTER =
  /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

function checked(text: string): string {
  if (!NO_CHARACTER.test(text)) return text;
  throw new UsherError(
    "invalid_input",
    `Cannot give libvirt ${
      JSON.stringify(text)
    }: it has characters that are no text`,
  );
}

/** Reads what libvirt has written. Throws `internal` for what is no XML. */
export function readXml(text: string): Element {
  const refuse = (why: string): never => {
    throw new UsherError("internal", `Cannot read libvirt's XML: ${why}`);
  };
  let root: Element | null = null;
  try {
    root = new DOMParser({
      onError: (level, message) => {
        if (level !== "warning") throw new Error(message);
      },
    }).parseFromString(text, "text/xml").documentElement;
  } catch (error) {
    refuse(messageOf(error));
  }
  return root ?? refuse("it is empty");
}

/** The elements below `parent` that a path of names leads to, in their order. */
export function elementsAt(
  parent: Element,
  ...path: readonly string[]
): Element[] {
  return path.reduce<Element[]>(
    (found, name) =>
      found.flatMap((element) =>
        [...element.childNodes].filter((node): node is Element =>
          node.nodeType === ELEMENT && (node as Element).localName === name
        )
      ),
    [parent],
  );
}

/** The first of them; null when there is none. */
export function elementAt(
  parent: Element,
  ...path: readonly string[]
): Element | null {
  return elementsAt(parent, ...path)[0] ?? null;
}

/** The text of the first of them, without white space around it; null when there is none. */
export function textAt(
  parent: Element,
  ...path: readonly string[]
): string | null {
  return elementAt(parent, ...path)?.textContent?.trim() ?? null;
}

/** Node.ELEMENT_NODE */
const ELEMENT = 1;

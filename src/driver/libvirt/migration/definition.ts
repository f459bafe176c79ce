/**
 * A domain's definition as it is to be at the target: the same machine, with
 * the target's mark, log and images.
 *
 * @module
 */
import { diskTarget, NAMESPACE } from "../domain_xml.ts";
import { elementAt, elementsAt, readXml, writeElement } from "../xml.ts";

/** What of a definition is a node's own. */
export interface NodesOwn {
  readonly home: string;
  readonly consoleLog: string;
  /** Images for the disks that go there, by their place in the spec. */
  readonly images: Readonly<Record<string, string>>;
}

/** The definition `xml`, for a node that has these. */
export function definitionFor(
  xml: string,
  { home, consoleLog, images }: NodesOwn,
): string {
  const root = readXml(xml);
  for (const mark of elementsAt(root, "metadata", "domain")) {
    if (mark.namespaceURI === NAMESPACE) mark.setAttribute("home", home);
  }
  // The serial line stands there twice, since libvirt tells it as a console too.
  for (const kind of ["serial", "console"]) {
    elementAt(root, "devices", kind, "log")?.setAttribute("file", consoleLog);
  }
  for (const disk of elementsAt(root, "devices", "disk")) {
    const dev = elementAt(disk, "target")?.getAttribute("dev");
    const [, image] = Object.entries(images)
      .find(([index]) => diskTarget(Number(index)) === dev) ?? [];
    if (image === undefined) continue;
    elementAt(disk, "source")?.setAttribute("file", image);
    // What goes there stands on no other image.
    const backing = elementAt(disk, "backingStore");
    if (backing !== null) disk.removeChild(backing);
  }
  return writeElement(root);
}

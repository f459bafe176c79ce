/**
 * The nodes' listener: joining, sessions, and streams of consoles.
 *
 * @module
 */
import { Hono } from "hono";
import { UsherError } from "../../error/mod.ts";
import { EnrolRequest } from "../../schema/frame.ts";
import { problemResponse, readBody } from "../api/http.ts";
import type { Site } from "../site.ts";
import {
  CONTROLLER_ENDS,
  type NodeSessionParts,
  openSession,
} from "./session.ts";

/** The app; `handle` answers one request of a node. */
export function nodesApi(
  site: Site,
  parts: NodeSessionParts,
): (request: Request) => Promise<Response> {
  const { clock } = site.context;
  const app = new Hono();
  app.post("/v1/enrol", async (context) => {
    const request = await readBody(clock, context.req.raw, EnrolRequest);
    return context.json(await site.nodes.enrol(request));
  });
  app.post("/v1/session", (context) => {
    const { body } = context.req.raw;
    if (body === null) {
      throw new UsherError(
        "invalid_input",
        "A session needs a body that streams",
      );
    }
    const session = openSession(parts, body);
    site.closing.addEventListener("abort", () => {
      session.send({
        type: "bye",
        reason: CONTROLLER_ENDS,
        problem: null,
      });
      session.close(CONTROLLER_ENDS);
    }, { once: true, signal: session.ended });
    return new Response(session.outgoing, {
      headers: { "content-type": "application/x-ndjson" },
    });
  });
  app.post("/v1/console/:id", (context) => {
    const { raw } = context.req;
    const secret = raw.headers.get("authorization")?.replace(/^Bearer /, "") ??
      "";
    site.nodes.authenticate(
      raw.headers.get("x-usher-node") ?? "",
      secret,
    );
    if (raw.body === null) {
      throw new UsherError(
        "invalid_input",
        "A console needs a body that streams",
      );
    }
    return new Response(
      site.consoles.arrived(context.req.param("id"), raw.body),
    );
  });
  app.notFound((context) =>
    problemResponse(
      site,
      new UsherError("not_found", `There is no ${context.req.path} here`),
    )
  );
  app.onError((error, context) => problemResponse(site, error, context));
  return async (request) => await app.fetch(request);
}

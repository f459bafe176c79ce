/**
 * The server's side of WebSockets.
 *
 * @module
 */

/** Answers an upgrade request; the socket opens once the response is sent. */
export function upgradeWebSocket(
  request: Request,
): { socket: WebSocket; response: Response } {
  const { socket, response } = Deno.upgradeWebSocket(request, {
    idleTimeout: 30,
  });
  socket.binaryType = "arraybuffer";
  return { socket, response };
}

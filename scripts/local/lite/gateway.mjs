// What Supabase's gateway does for browsers, and Supabase Lite does not: it answers the question that
// a browser asks before a request, for every path, and lets pages of every site read every answer.

const METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS";
const EXPOSED = "Content-Range, Content-Location, Content-Profile, Preference-Applied, Retry-After";

/** Returns a function that answers a request as the given one does, for browsers, too. */
export function gateway(answer) {
  return async (request) => {
    if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) {
      return new Response(null, { status: 204, headers: allowed(request.headers) });
    }
    const response = await answer(request);
    response.headers.set("access-control-allow-origin", "*");
    response.headers.set("access-control-expose-headers", EXPOSED);
    return response;
  };
}

function allowed(asked) {
  return {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": METHODS,
    // "*" would not allow `authorization`.
    "access-control-allow-headers": asked.get("access-control-request-headers") ?? "*",
    "access-control-max-age": "3600",
    vary: "Access-Control-Request-Headers",
  };
}

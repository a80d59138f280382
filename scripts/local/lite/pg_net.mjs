// Sends what waits in pg_net's queue (see stand_ins.sql), as the extension's worker does after a commit.

const TAKE = `
  delete from net.http_request_queue
  returning id, method, url, headers, convert_from(body, 'UTF8') as body, timeout_milliseconds`;

const NOTE = "insert into net._http_response (id, status_code, error_msg) values ($1, $2, $3)";

/** Sends each request as soon as its transaction has ended. `turn` waits until the database is free. */
export async function deliverRequests(db, turn) {
  const deliver = async () => {
    const { rows } = await turn(() => db.query(TAKE));
    for (const row of rows) {
      const said = await send(row);
      await turn(() => db.query(NOTE, [row.id, ...said]));
    }
  };
  await db.listen("net_requests", () => deliver().catch((error) => console.error(error)));
  await deliver();
}

/** Returns the status, or why there was none. */
async function send({ method, url, headers, body, timeout_milliseconds: timeout }) {
  try {
    const signal = AbortSignal.timeout(timeout);
    const response = await fetch(url, { method, headers, body, signal });
    await response.arrayBuffer();
    return [response.status, null];
  } catch (error) {
    return [null, String(error.cause ?? error)];
  }
}

// The lesson's Worker: what a reader of the tutorial deploys. On each hit it reads the cached JSON as
// text, parses it, prints it again and logs a line. Every miss, revalidation and webhook goes through
// supabase-js. It caches answers of Supabase's REST API by URL, in the same way.
//
// It was written for this benchmark. Its faults (truncated tables, an unauthenticated webhook, `null` in
// the cache) are kept, because they make it faster, not slower.

import { createClient } from "@supabase/supabase-js";
import { Router } from "itty-router";

const router = Router();

const json = (value) =>
  new Response(JSON.stringify(value), { headers: { "content-type": "application/json" } });

const readFrom = async (cache, key) => JSON.parse(await cache.get(key));

const supabaseOf = (env) => createClient(env.SUPABASE_URL, env.SUPABASE_ANON_KEY);

async function refreshAll(env) {
  const { data } = await supabaseOf(env).from("articles").select("*");
  await env.ARTICLES.put("/articles", JSON.stringify(data));
  return data;
}

router.get("/articles", async (_request, env) => {
  const cached = await readFrom(env.ARTICLES, "/articles");
  if (cached) {
    console.log("answered from the cache");
    return json(cached);
  }
  console.log("asking Supabase");
  return json(await refreshAll(env));
});

router.get("/articles/:id", async ({ params: { id } }, env) => {
  const key = `/articles/${id}`;
  const cached = await readFrom(env.ARTICLES, key);
  if (cached) {
    console.log("answered from the cache");
    return json(cached);
  }
  console.log("asking Supabase");
  const { data } = await supabaseOf(env).from("articles").select("*").match({ id }).single();
  await env.ARTICLES.put(key, JSON.stringify(data));
  return json(data);
});

router.get("/rest/v1/*", async (request, env) => {
  const cached = await readFrom(env.ARTICLES, request.url);
  if (cached) {
    console.log("answered from the cache");
    return json(cached);
  }
  console.log("asking Supabase");
  const { pathname, search } = new URL(request.url);
  const response = await fetch(env.SUPABASE_URL + pathname + search, {
    headers: { apikey: env.SUPABASE_ANON_KEY },
  });
  const data = await response.json();
  await env.ARTICLES.put(request.url, JSON.stringify(data));
  return json(data);
});

router.get("/revalidate", async (_request, env) => {
  await refreshAll(env);
  return json({ received: true });
});

router.post("/revalidate", async (request, env) => {
  const { record } = await request.json();
  await refreshAll(env);
  await env.ARTICLES.put(`/articles/${record.id}`, JSON.stringify(record));
  return json({ received: true });
});

router.all("*", () => new Response("Not found", { status: 404 }));

export default { fetch: router.fetch };

# Makes Varnish (7.1 or newer) a shared cache in front of the Worker; see shared-cache.md.
#
# By itself Varnish reads neither CDN-Cache-Control (RFC 9213) nor stale-if-error (RFC 5861), and
# takes Cache-Control: no-cache, which is meant for browsers, for itself. Include this file behind
# your own `backend default`.

vcl 4.1;

import std;

sub vcl_recv {
    # Nothing of Supabase's own paths is ever kept, and Varnish refuses what PostgREST says in
    # Content-Range, which are rows and not bytes.
    if (req.url ~ "^/[a-z]+/v1(/|\?|$)") {
        return (pipe);
    }
    # On its own paths the Worker reads neither.
    unset req.http.Cookie;
    set req.url = regsub(req.url, "\?.*$", "");

    if (req.restarts == 0) {
        unset req.http.X-Stale;
    }
    # Beyond stale-while-revalidate the Worker is waited for, by one request for all.
    if (req.http.X-Stale == "revalidate") {
        set req.grace = 0s;
    } else {
        set req.grace = 10y;
    }
}

sub vcl_pipe {
    if (req.http.Upgrade) {
        set bereq.http.Upgrade = req.http.Upgrade;
        set bereq.http.Connection = req.http.Connection;
    } else {
        set bereq.http.Connection = "close";
    }
}

sub vcl_hit {
    if (!req.http.X-Stale && obj.ttl + std.duration(regsub(obj.http.CDN-Cache-Control,
        "^(?:.*stale-while-revalidate=(\d+).*|.*)$", "\1s"), 0s) <= 0s) {
        set req.http.X-Stale = "revalidate";
        return (restart);
    }
}

sub vcl_backend_response {
    # What is there already is better than an error; the request is begun again, with that.
    if (beresp.status >= 500 && (bereq.is_bgfetch || bereq.http.X-Stale == "revalidate")) {
        return (abandon);
    }
    if (beresp.http.CDN-Cache-Control ~ "max-age=" &&
        beresp.http.CDN-Cache-Control !~ "no-store|no-cache|private") {
        set beresp.ttl = std.duration(regsub(beresp.http.CDN-Cache-Control,
            "^(?:.*max-age=(\d+).*|.*)$", "\1s"), 0s) - beresp.age;
        # Of both, the longer: the one for revalidation is kept to in vcl_hit.
        set beresp.grace = std.duration(regsub(beresp.http.CDN-Cache-Control,
            "^(?:.*stale-if-error=(\d+).*|.*)$", "\1s"), 0s);
        set beresp.do_gzip = beresp.http.Content-Type ~ "json";
    } else {
        # Whoever asks for it next need not wait for an answer that could be kept.
        set beresp.uncacheable = true;
        set beresp.ttl = 10s;
        set beresp.grace = 0s;
    }
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch || bereq.http.X-Stale == "revalidate") {
        return (abandon);
    }
}

sub vcl_synth {
    if (req.http.X-Stale == "revalidate") {
        set req.http.X-Stale = "if-error";
        return (restart);
    }
}

sub vcl_deliver {
    unset resp.http.Cache-Tag;
}

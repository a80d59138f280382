# Makes Varnish (7.1 or newer) a shared cache in front of the Worker; see shared-cache.md.
#
# By itself Varnish reads neither CDN-Cache-Control (RFC 9213) nor stale-if-error (RFC 5861), and
# takes Cache-Control: no-cache, which is meant for browsers, for itself. Include this file behind
# your own `backend default`.

vcl 4.1;

import std;

sub vcl_recv {
    # Of Supabase's own paths only reads of rows with one key are ever kept. Varnish refuses a count
    # that PostgREST says in Content-Range with a 206, which are rows and not bytes.
    if (req.url ~ "^/[a-z]+/v1(/|\?|$)") {
        if (req.url !~ "^/rest/v1/" || req.method !~ "^(GET|HEAD)$" || !req.http.apikey ||
            req.http.Range || req.http.Prefer ~ "count") {
            return (pipe);
        }
        # A session: its answers are never kept, and it gets nothing that was kept for others.
        if (req.http.Authorization && req.http.Authorization != "Bearer " + req.http.apikey) {
            return (pass);
        }
    } else {
        # On its own paths the Worker reads neither.
        unset req.http.Cookie;
        set req.url = regsub(req.url, "\?.*$", "");
    }

    if (req.restarts == 0) {
        unset req.http.X-Stale;
    }
    # Beyond stale-while-revalidate the Worker is waited for, by one request for all.
    if (req.http.X-Stale == "revalidate") {
        set req.grace = 0s;
    } else {
        set req.grace = 10y;
    }
    # Varnish's own rules would keep nothing that is asked for with Authorization.
    if (req.url ~ "^/rest/v1/") {
        return (hash);
    }
}

sub vcl_hash {
    # What the Worker's Vary names, so that no reader waits for, or gets, another key's answer.
    if (req.url ~ "^/rest/v1/") {
        hash_data(req.http.apikey);
        hash_data(req.http.Authorization);
        hash_data(req.http.Accept);
        hash_data(req.http.Accept-Profile);
        hash_data(req.http.Prefer);
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
    # Varnish would take the rows for bytes. The client gets the header back in vcl_deliver.
    if (beresp.http.Content-Range) {
        set beresp.http.X-Rows = beresp.http.Content-Range;
        unset beresp.http.Content-Range;
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
    if (resp.http.X-Rows) {
        set resp.http.Content-Range = resp.http.X-Rows;
        unset resp.http.X-Rows;
    }
    unset resp.http.Cache-Tag;
}

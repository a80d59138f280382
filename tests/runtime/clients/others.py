"""What supabase-py does beyond plain reads: writes. others.mjs has the same for supabase-js."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clients.reads import Db, Request
from postgrest import ReturnMethod, SyncRequestBuilder

Other = Callable[[Db, str | None], Request]
"""Takes the client and the user who writes."""

REVIEW = {
    "id": 100,
    "book_id": 1,
    "stars": 3,
    "body": "Mine; & (mine), alone",
    "published": False,
}


def mine(db: Db) -> SyncRequestBuilder:
    """Ask for reviews."""
    return db.from_("reviews")


OTHERS: Mapping[str, Other] = {
    "insert": lambda db, by: mine(db).insert({**REVIEW, "owner": by}).select("*"),
    "insert_again": lambda db, by: mine(db).insert({**REVIEW, "owner": by}).select("*"),
    "insert_rows": lambda db, by: (
        mine(db)
        .insert([{**REVIEW, "id": 101, "owner": by}, {**REVIEW, "id": 102, "owner": by}])
        .select("id,books(title)")
    ),
    "publish": lambda db, _: mine(db).insert({**REVIEW, "id": 104, "published": True}),
    "insert_for_another": lambda db, _: mine(db).insert({**REVIEW, "id": 103, "owner": None}),
    "update": lambda db, _: mine(db).update({"stars": 4}).eq("id", 100).select("id,stars"),
    "update_nothing": lambda db, _: mine(db).update({"stars": 4}).eq("id", 1),
    "upsert": lambda db, by: mine(db).upsert({**REVIEW, "stars": 5, "owner": by}),
    "seen": lambda db, _: mine(db).select("*").order("id"),
    "seen_one": lambda db, _: mine(db).select("id,body").eq("id", 100).single(),
    "delete": lambda db, _: mine(db).delete().gte("id", 100),
    "delete_silently": lambda db, _: mine(db).delete(returning=ReturnMethod.minimal).gte("id", 100),
}

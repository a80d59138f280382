"""What answers depend on because of what they embed."""

from __future__ import annotations

from typing import Any

import pytest
from catalogues import catalogue_of, computed, foreign_key, function, table, view

from edge_cache.dependencies import ON_EVERYTHING, Dependencies
from edge_cache.queries import Query
from edge_cache.supabase.resolving import query_dependencies

BLOG = (
    table("articles", reads=["bans"]),
    table("authors", reads=["members"]),
    table("cities", reads=["atlas"], computed=[computed("weather", reads=["clouds"])]),
    table("comments"),
    table("tags"),
    table("article_tags", reads=["moderation"], computed=[computed("since", reads=["log"])]),
    table("people", computed=[computed("pets", reads=["animals"], returns="cats")]),
    table("friendships"),
    table("cats", reads=["vets"]),
    table("islands"),
    table("secrets", reads=None),
    view("author_cards", key="id int8 authors", reads=["members", "badges"]),
    view("opaque", reads=None),
    foreign_key("articles_author_fkey", "articles(author_id)", "authors(id)"),
    foreign_key("authors_city_fkey", "authors(city)", "cities(code)"),
    foreign_key("comments_article_fkey", "comments(article_id)", "articles(id)"),
    foreign_key("comments_author_fkey", "comments(author_id)", "authors(id)"),
    foreign_key("at_article_fkey", "article_tags(article_id)", "articles(id)"),
    foreign_key("at_tag_fkey", "article_tags(tag_id)", "tags(id)"),
    foreign_key("people_boss_fkey", "people(boss)", "people(id)"),
    foreign_key("friends_a_fkey", "friendships(a)", "tags(id)"),
    foreign_key("friends_b_fkey", "friendships(b)", "tags(id)"),
    foreign_key("secrets_article_fkey", "secrets(article_id)", "articles(id)"),
    function("search", reads=["words"], returns="articles"),
    function("totals", reads=["words"]),
    function("two", reads=["words"], returns="articles"),
    function("two", reads=["index"], returns="authors"),
)

OWN = ("articles", "bans")
AUTHORS = ("authors", "members")
CITIES = ("cities", "atlas")
JUNCTION = ("article_tags", "moderation")


def on(*relations: str, keys: tuple[str, ...] = ()) -> Dependencies:
    """Return dependencies; a name without a schema is in public."""
    ids = (one if "." in one else f"public.{one}" for one in relations)
    return Dependencies(frozenset(ids), frozenset(keys))


def of(target: str, parameters: str, *more: dict[str, Any], profile: str = "") -> Dependencies:
    """Return what a query depends on; the catalogue may have more than the blog."""
    query = Query(target, parameters, profile)
    return query_dependencies(query, catalogue_of(*BLOG, *more), is_table=True)


# A relation is embedded if a foreign key leads to it or from it.


@pytest.mark.parametrize(
    "name",
    [
        "authors",
        "writer:authors",
        "...authors",
        "authors!inner",
        "authors!articles_author_fkey",
        "authors!author_id",
        "authors!id!inner",
        "articles_author_fkey",
        "author_id",
    ],
)
def test_the_other_end_counts_in_all_rows(name: str) -> None:
    assert of("articles", f"select={name}(name)") == on(*OWN, *AUTHORS)


@pytest.mark.parametrize("name", ["comments", "comments!article_id", "comments_article_fkey"])
def test_either_end_can_be_the_other_one(name: str) -> None:
    assert of("articles", f"select={name}(*)") == on(*OWN, "comments")


def test_what_is_embedded_counts_beside_a_key() -> None:
    found = of("articles", "id=eq.7&select=id,authors(*)")
    assert found == on("bans", *AUTHORS, keys=("7",))


def test_the_key_of_what_is_embedded_is_no_key() -> None:
    found = of("articles", "authors.id=eq.7&select=authors(*)")
    assert found == on(*OWN, *AUTHORS)


def test_a_relation_embedded_in_itself_counts_in_all_rows() -> None:
    people = catalogue_of(*BLOG)
    query = Query("people", "id=eq.7&select=boss(*)")
    assert query_dependencies(query, people, is_table=True) == on("people", keys=("7",))
    query = Query("people", "id=eq.7&select=people(*)")
    assert query_dependencies(query, people, is_table=True) == on("people", keys=("7",))


def test_an_order_embeds() -> None:
    assert of("articles", "order=authors(name)") == on(*OWN, *AUTHORS)


def test_several_count() -> None:
    found = of("articles", "select=authors(*),comments(*)")
    assert found == on(*OWN, *AUTHORS, "comments")


def test_a_column_of_several_foreign_keys_means_each() -> None:
    found = of("cities", "select=code(*)", foreign_key("x", "cats(home)", "cities(code)"))
    assert found == on(*CITIES, *AUTHORS, "cats", "vets")
    found = of("cats", "select=home(*)", foreign_key("x", "cats(of,home)", "cities(a,b)"))
    assert found == on("cats", "vets", *CITIES)


def test_a_column_that_is_named_like_a_relation_means_both() -> None:
    more = foreign_key("x", "articles(authors)", "cats(id)")
    assert of("articles", "select=authors(*)", more) == on(*OWN, *AUTHORS, "cats", "vets")


def test_a_foreign_key_may_lead_into_another_schema() -> None:
    more = (
        table("other.notes", reads=["pens"]),
        foreign_key("x", "cats(note)", "other.notes(id)"),
    )
    assert of("cats", "select=note(*)", *more) == on("cats", "vets", "other.notes", "pens")


# What is embedded can embed more.


def test_every_level_counts() -> None:
    found = of("comments", "select=articles(authors(cities(*)))")
    assert found == on("comments", *OWN, *AUTHORS, *CITIES)


def test_each_name_belongs_to_its_level() -> None:
    assert of("articles", "select=authors(*),cities(*)") == ON_EVERYTHING


def test_a_level_of_two_meanings_continues_from_both() -> None:
    more = (
        foreign_key("x", "articles(authors)", "cats(id)"),
        foreign_key("y", "cats(city)", "cities(code)"),
    )
    found = of("articles", "select=authors(cities(*))", *more)
    assert found == on(*OWN, *AUTHORS, "cats", "vets", *CITIES)


def test_a_level_of_two_meanings_leads_to_the_ends_of_both() -> None:
    more = (
        foreign_key("x", "articles(authors)", "cats(id)"),
        foreign_key("y", "cats(home)", "cities(code)"),
        foreign_key("z", "authors(home)", "islands(id)"),
    )
    found = of("articles", "select=authors(home(*))", *more)
    assert found == on(*OWN, *AUTHORS, "cats", "vets", *CITIES, "islands")


def test_a_computed_column_of_what_is_embedded_counts() -> None:
    found = of("authors", "select=cities(weather)")
    assert found == on(*AUTHORS, *CITIES, "clouds")


def test_a_deeply_nested_query_of_many_meanings_takes_no_time() -> None:
    more = [
        one
        for number in range(30)
        for one in (
            table(f"t{number}"),
            foreign_key(f"x{number}", f"t{number}(id)", "cats(id)"),
            foreign_key(f"y{number}", "cats(id)", f"t{number}(id)"),
        )
    ]
    found = of("cats", f"select={'id(' * 15}{')' * 15}", *more)
    assert len(found.relations) == 32


# If no foreign key joins two relations, another relation with one to each may.


def test_a_junction_counts_without_a_name() -> None:
    assert of("articles", "select=tags(*)") == on(*OWN, "tags", *JUNCTION)
    assert of("tags", "select=articles(*)") == on(*OWN, "tags", *JUNCTION)


def test_a_junction_counts_by_its_name() -> None:
    found = of("articles", "select=tags!article_tags(*)")
    assert found == on(*OWN, "tags", *JUNCTION)


def test_a_junction_that_is_embedded_itself_counts() -> None:
    found = of("articles", "select=article_tags(tags(*))")
    assert found == on(*OWN, "tags", *JUNCTION)


def test_a_computed_column_of_a_junction_counts() -> None:
    found = of("articles", "select=tags(since)")
    assert found == on(*OWN, "tags", *JUNCTION, "log")


def test_every_possible_junction_counts() -> None:
    more = (
        table("suggestions", reads=["votes"]),
        foreign_key("x", "suggestions(article_id)", "articles(id)"),
        foreign_key("y", "suggestions(tag_id)", "tags(id)"),
    )
    found = of("articles", "select=tags(*)", *more)
    assert found == on(*OWN, "tags", *JUNCTION, "suggestions", "votes")


def test_a_foreign_key_takes_the_place_of_junctions() -> None:
    """Comments have a foreign key to each, but nobody shows them with an article's author."""
    assert of("articles", "select=authors(*)") == on(*OWN, *AUTHORS)


def test_a_hint_can_name_a_junction_beside_a_foreign_key() -> None:
    found = of("articles", "select=authors!comments(*)")
    assert found == on(*OWN, *AUTHORS, "comments")


def test_a_junction_of_a_relation_with_itself_has_two_foreign_keys() -> None:
    assert of("tags", "select=tags(*)") == on("tags", "friendships")
    assert of("islands", "select=islands(*)") == ON_EVERYTHING


def test_one_foreign_key_makes_no_junction() -> None:
    more = foreign_key("x", "comments(cat)", "cats(id)")
    assert of("cats", "select=cats(*)", more) == ON_EVERYTHING


def test_a_junction_in_another_schema_is_not_certain() -> None:
    """PostgREST may serve that schema or not, and it may serve schemas that nobody declared."""
    more = (
        table("other.links"),
        foreign_key("x", "other.links(cat)", "cats(id)"),
        foreign_key("y", "other.links(tag)", "tags(id)"),
    )
    assert of("cats", "select=tags(*)", *more) == ON_EVERYTHING
    found = of("cats", "select=tags!links(*)", *more)
    assert found == on("cats", "vets", "tags", "other.links")


def test_beside_a_certain_junction_one_in_another_schema_counts() -> None:
    more = (
        table("other.links"),
        foreign_key("x", "other.links(article_id)", "articles(id)"),
        foreign_key("y", "other.links(tag)", "tags(id)"),
    )
    found = of("articles", "select=tags(*)", *more)
    assert found == on(*OWN, "tags", *JUNCTION, "other.links")


def test_a_junction_whose_policies_nobody_knows_depends_on_everything() -> None:
    more = foreign_key("x", "secrets(cat)", "cats(id)")
    assert of("articles", "select=cats(*)", more) == ON_EVERYTHING


# A hint that names nothing known may name what the catalogue does not know.


@pytest.mark.parametrize("hint", ["nothing", "article_id", "comments_article_fkey"])
def test_a_hint_without_a_meaning_depends_on_everything(hint: str) -> None:
    assert of("articles", f"select=authors!{hint}(*)") == ON_EVERYTHING


def test_a_hint_that_names_a_view_means_what_the_view_reads() -> None:
    found = of("articles", "select=tags!author_cards(*)")
    assert found == on(*OWN, "tags", *AUTHORS, "badges")


def test_a_hint_that_names_relations_in_two_schemas_means_both() -> None:
    found = of("articles", "select=tags!article_tags(*)", table("other.article_tags"))
    assert found == on(*OWN, "tags", *JUNCTION, "other.article_tags")


# A name that resolves to nothing depends on everything.


@pytest.mark.parametrize("name", ["nothing", "islands", "tag_id", "people_boss_fkey", "public"])
def test_a_name_without_a_meaning_depends_on_everything(name: str) -> None:
    assert of("articles", f"select={name}(*)") == ON_EVERYTHING


def test_so_does_one_that_is_nested() -> None:
    assert of("articles", "select=authors(nothing(*))") == ON_EVERYTHING


def test_so_does_one_with_a_certain_one_beside_it() -> None:
    assert of("articles", "select=authors(*),nothing(*)") == ON_EVERYTHING


def test_a_relation_in_another_schema_has_no_name_here() -> None:
    more = table("other.notes"), foreign_key("x", "other.notes(cat)", "cats(id)")
    assert of("cats", "select=notes(*)", *more) == ON_EVERYTHING


def test_an_embedded_relation_whose_policies_nobody_knows_depends_on_everything() -> None:
    assert of("articles", "select=secrets(*)") == ON_EVERYTHING


def test_a_column_beside_a_relation_that_nothing_joins_is_not_certain() -> None:
    more = foreign_key("x", "articles(islands)", "cats(id)")
    assert of("articles", "select=islands(*)", more) == ON_EVERYTHING


def test_a_foreign_key_to_what_the_catalogue_lacks_depends_on_everything() -> None:
    more = foreign_key("x", "articles(lost)", "nowhere(id)")
    assert of("articles", "select=lost(*)", more) == ON_EVERYTHING


# A function of the row can be embedded.


def test_what_it_reads_and_returns_counts() -> None:
    assert of("people", "select=pets(*)") == on("people", "animals", "cats", "vets")


def test_it_continues_at_what_it_returns() -> None:
    more = foreign_key("x", "cats(city)", "cities(code)")
    found = of("people", "select=pets(cities(*))", more)
    assert found == on("people", "animals", "cats", "vets", *CITIES)


def test_a_computed_column_is_none() -> None:
    assert of("cities", "select=weather(*)") == ON_EVERYTHING


def test_it_can_have_the_name_of_a_relation() -> None:
    more = table("owners", computed=[computed("islands", reads=["maps"], returns="islands")])
    assert of("owners", "select=islands(*)", more) == on("owners", "maps", "islands")


def test_one_of_that_name_without_rows_does_not_join_a_relation() -> None:
    more = table("owners", computed=[computed("islands", reads=["maps"])])
    assert of("owners", "select=islands(*)", more) == ON_EVERYTHING


# A view has the foreign keys of the tables below.


def test_an_embedded_view_counts_by_what_lies_below() -> None:
    found = of("articles", "select=author_cards!author_id(*)")
    assert found == on(*OWN, *AUTHORS, "badges")


def test_a_view_embeds_what_its_tables_do() -> None:
    found = of("author_cards", "id=eq.7&select=cities(*)")
    assert found == on("members", "badges", *CITIES, keys=("7",))


def test_a_view_below_which_tables_are_read_embeds_what_they_do() -> None:
    more = view("drafts", reads=["authors"])
    assert of("drafts", "select=cities(*)", more) == on("authors", *CITIES)


@pytest.mark.parametrize("name", ["authors_city_fkey", "city"])
def test_a_constraint_or_a_column_leads_to_the_table(name: str) -> None:
    found = of("author_cards", f"id=eq.7&select={name}(*)")
    assert found == on("members", "badges", *CITIES, keys=("7",))


def test_a_junction_counts_even_if_a_foreign_key_joins_a_view() -> None:
    """The view need not show the column of the foreign key."""
    found = of("articles", "select=author_cards(*)")
    assert found == on(*OWN, *AUTHORS, "badges", "comments")
    found = of("author_cards", "select=articles(*)")
    assert found == on(*OWN, *AUTHORS, "badges", "comments")


def test_a_foreign_key_of_a_view_is_enough_without_a_junction() -> None:
    more = view("towns", key="code text cities")
    assert of("authors", "select=towns(*)", more) == on(*AUTHORS, "cities")


def test_a_view_that_nobody_knows_depends_on_everything() -> None:
    more = foreign_key("x", "articles(opaque)", "cats(id)")
    assert of("articles", "select=opaque(*)", more) == ON_EVERYTHING
    assert of("opaque", "select=articles(*)") == ON_EVERYTHING


API = (
    table("app.posts"),
    table("app.labels"),
    table("app.post_labels"),
    table("app.boxes"),
    table("app.box_posts"),
    table("app.box_labels"),
    view("api.posts", reads=["app.posts"]),
    view("api.labels", key="id int8 app.labels", reads=["app.shops"]),
    foreign_key("pl_post", "app.post_labels(post_id)", "app.posts(id)"),
    foreign_key("pl_label", "app.post_labels(label_id)", "app.labels(id)"),
)

LABELLED = ("app.posts", "app.labels", "app.shops", "app.post_labels")


# A schema may have views only, and a view may be a junction too.


def api(*more: dict[str, Any], select: str = "labels(*)") -> Dependencies:
    """Return what the posts with their labels depend on."""
    query = Query("posts", f"select={select}", "api")
    return query_dependencies(query, catalogue_of(*API, *more), is_table=False)


def test_without_a_junction_of_the_schema_nothing_is_certain() -> None:
    assert api() == ON_EVERYTHING


def test_a_view_counts_as_junction_with_all_that_it_reads() -> None:
    links = view("api.links", reads=["app.post_labels", "app.hidden"])
    assert api(links) == on(*LABELLED, "app.hidden")


def test_a_view_that_nobody_knows_may_be_the_junction() -> None:
    links = view("api.links", reads=["app.post_labels"])
    assert api(links, view("api.opaque", reads=None)) == ON_EVERYTHING
    assert api(links, view("other.opaque", reads=None)) == on(*LABELLED)


def test_a_view_may_have_the_foreign_keys_of_two_tables() -> None:
    more = (
        view("api.boxed", reads=["app.box_posts", "app.box_labels", "app.boxes"]),
        foreign_key("bp", "app.box_posts(post_id)", "app.posts(id)"),
        foreign_key("bl", "app.box_labels(label_id)", "app.labels(id)"),
    )
    boxed = ("app.box_posts", "app.box_labels", "app.boxes")
    assert api(*more) == on(*LABELLED, *boxed)


def test_a_view_of_a_junction_in_its_own_schema_does_not_count() -> None:
    """If PostgREST could use the view, it could use the table, and would refuse to choose."""
    popular = view("popular", reads=["article_tags", "cats"])
    assert of("articles", "select=tags(*)", popular) == on(*OWN, "tags", *JUNCTION)


def test_a_view_of_two_tables_counts_beside_a_junction() -> None:
    more = (
        view("boxed", reads=["cats", "people", "islands"]),
        foreign_key("x", "cats(article)", "articles(id)"),
        foreign_key("y", "people(tag)", "tags(id)"),
    )
    found = of("articles", "select=tags(*)", *more)
    assert found == on(*OWN, "tags", *JUNCTION, "cats", "people", "islands")


# A function embeds from the rows that it returns.


def test_it_embeds_from_what_it_returns() -> None:
    assert of("rpc/search", "select=authors(*)") == on("words", *AUTHORS)
    assert of("rpc/search", "select=tags(*)") == on("words", "tags", *JUNCTION)


def test_any_overload_may_be_meant() -> None:
    more = foreign_key("x", "articles(city)", "cities(code)")
    assert of("rpc/two", "select=cities(*)", more) == on("words", "index", *CITIES)


def test_a_name_needs_a_meaning_for_every_overload() -> None:
    assert of("rpc/two", "select=tags(*)") == ON_EVERYTHING


def test_if_nobody_knows_what_it_returns_the_answer_depends_on_everything() -> None:
    assert of("rpc/totals", "select=authors(*)") == ON_EVERYTHING


def test_rows_of_another_schema_embed_what_nobody_knows() -> None:
    """PostgREST looks for relationships of their names in the schema that is asked for."""
    found = function("api.search", reads=["words"], returns="articles")
    assert of("rpc/search", "select=authors(*)", found, profile="api") == ON_EVERYTHING
    assert of("rpc/search", "select=id", found, profile="api") == on("words")

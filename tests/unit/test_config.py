"""The Worker's variables, checked once."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import partial

import pytest

from edge_cache.config import PassThrough, Settings, settings_from
from edge_cache.errors import ConfigurationError
from edge_cache.tables import DEFAULT, Declared, Table

GOOD = {
    "SUPABASE_URL": "https://abc.supabase.co",
    "SUPABASE_ANON_KEY": "sb_publishable_x",
}


def jwt(role: str, more: str = "") -> str:
    """Return a legacy key with this role and this many more characters."""
    claims = json.dumps({"role": role, "iss": more})
    payload = base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")
    return f"eyJh.{payload}.c2ln"


def settings(variables: Mapping[str, str], *, bound: bool = True) -> Settings:
    """Read settings from good variables, some of which are replaced."""
    return settings_from({**GOOD, **variables}.get, lambda _name, _method: bound)


def faults(variables: Mapping[str, str], *, bound: bool = True) -> tuple[str, ...]:
    """Return what is wrong with the variables."""
    with pytest.raises(ConfigurationError) as caught:
        settings(variables, bound=bound)
    return caught.value.faults


def test_good_variables_make_settings() -> None:
    """A trailing slash is removed, and the time limit has a default."""
    read = settings({"SUPABASE_URL": "https://abc.supabase.COX/"})
    assert (read.supabase_url, read.timeout_s) == ("https://abc.supabase.COX", 10.0)


@pytest.mark.parametrize("url", ["http://127.0.0.1:54321", "http://[::1]:54321"])
def test_a_supabase_on_this_machine_is_taken(url: str) -> None:
    """Its tools serve it over HTTP, on a port."""
    assert settings({"SUPABASE_URL": url}).supabase_url == url


def test_a_legacy_anon_key_is_taken() -> None:
    """Projects that still have legacy keys work."""
    assert settings({"SUPABASE_ANON_KEY": jwt("anon")}).anon_key == jwt("anon")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "abc.supabase.co",
        "ftp://abc.supabase.co",
        "https://",
        "https://abc.supabase.co/rest/v1",
        "https://abc.supabase.co?x",
        "https://user:secret@abc.supabase.co",
        "https://abc.supabase.co:port",
        "https://abc supabase.co",
    ],
)
def test_a_wrong_url_is_named_and_not_quoted(url: str) -> None:
    """The fault says what the variable should be."""
    (fault,) = faults({"SUPABASE_URL": url})
    name, _, expected = fault.partition(": ")
    assert name in {
        "SUPABASE_URL is missing",
        "SUPABASE_URL is malformed",
        "SUPABASE_URL has more than a host in it",
    }
    assert expected == "it should be your project's URL, such as https://abcdefgh.supabase.co."


REF = "abcdefghijklmnopqrst"


@pytest.mark.parametrize("name", [f"{REF}-all", f"{REF}-rr-us-east-1-jkjqy", f"{REF.upper()}-ALL"])
def test_a_read_replica_is_refused(name: str) -> None:
    """A replica may answer with rows that are older than a change that the Worker knows."""
    (fault,) = faults({"SUPABASE_URL": f"https://{name}.supabase.co"})
    assert fault == (
        "SUPABASE_URL names a read replica, or the load balancer in front of them, which show a "
        "change late: it should be your project's URL, such as https://abcdefgh.supabase.co."
    )


@pytest.mark.parametrize(
    "host", [f"{REF}.supabase.co", "free-for-all.supabase.co", f"{REF}-all.example.com"]
)
def test_other_names_may_be_the_projects(host: str) -> None:
    """A project can have a name and a domain of its own."""
    assert settings({"SUPABASE_URL": f"https://{host}"}).supabase_url == f"https://{host}"


KEY_EXPECTED = (
    "it should be the project's publishable key (sb_publishable_…) or its legacy anon key "
    "(a JWT, ey…)."
)


@pytest.mark.parametrize("key", ["", "abc", "sb_publishable_x\n", "sb_publishable_ü", "ey.x"])
def test_a_wrong_key_is_named_and_not_quoted(key: str) -> None:
    """The fault says what the variable should be, and never shows its value."""
    (fault,) = faults({"SUPABASE_ANON_KEY": key})
    what = "malformed" if key else "missing"
    assert fault == f"SUPABASE_ANON_KEY is {what}: {KEY_EXPECTED}"


@pytest.mark.parametrize(
    "key", ["sb_secret_x", *(jwt("service_role", "x" * more) for more in range(4))]
)
def test_a_secret_key_is_refused(key: str) -> None:
    """It would bypass row level security and make every row public."""
    (fault,) = faults({"SUPABASE_ANON_KEY": key})
    assert fault == (
        "SUPABASE_ANON_KEY holds a secret key, which bypasses row level security and would "
        f"publish every row: {KEY_EXPECTED}"
    )


@pytest.mark.parametrize("timeout", ["0", "-1", "61", "ten", "nan", "inf"])
def test_a_wrong_time_limit_is_named(timeout: str) -> None:
    """It must be a number of seconds in the range."""
    (fault,) = faults({"SUPABASE_TIMEOUT_SECONDS": timeout})
    assert fault == (
        "SUPABASE_TIMEOUT_SECONDS is malformed: it should be a number of seconds above 0 and up "
        "to 60."
    )


@pytest.mark.parametrize("timeout", ["0.5", "1", "60"])
def test_a_time_limit_in_range_is_taken(timeout: str) -> None:
    """Both ends of the range are allowed, and so are fractions."""
    assert settings({"SUPABASE_TIMEOUT_SECONDS": timeout}).timeout_s == float(timeout)


@pytest.mark.parametrize(
    "name", ["MAX_AGE_SECONDS", "QUERY_MAX_AGE_SECONDS", "SHARED_MAX_AGE_SECONDS"]
)
@pytest.mark.parametrize("max_age", ["0", "-1", "1.5", "soon", "²", "٣", " 1", "1_0", "1" * 10])
def test_a_wrong_maximum_age_is_named(name: str, max_age: str) -> None:
    """It must be a whole number of seconds."""
    assert faults({name: max_age}) == (
        f"{name} is malformed: it should be a whole number of seconds above 0, up to 9 digits.",
    )


@pytest.mark.parametrize(("max_age", "seconds"), [("1", 1), ("86400", 86400), ("", 300)])
def test_a_maximum_age_of_queries_is_taken(max_age: str, seconds: int) -> None:
    """The default is five minutes, because no webhook may report what a query reads."""
    assert settings({"QUERY_MAX_AGE_SECONDS": max_age}).query_max_age_s == seconds


@pytest.mark.parametrize(("max_age", "seconds"), [("1", 1), ("86400", 86400), ("", None)])
def test_a_maximum_age_is_taken(max_age: str, seconds: int | None) -> None:
    """Without one, entries do not age."""
    assert settings({"MAX_AGE_SECONDS": max_age}).max_age_s == seconds
    assert settings({"SHARED_MAX_AGE_SECONDS": max_age}).shared_max_age_s == seconds


@pytest.mark.parametrize(("text", "has_page"), [("", True), ("on", True), ("off", False)])
def test_the_page_can_be_turned_off(text: str, has_page: bool) -> None:
    """The page is shown unless the operator turns it off."""
    assert settings({"STATUS_PAGE": text}).has_page is has_page


@pytest.mark.parametrize("text", ["Off", "no", "0", " "])
def test_a_page_is_on_or_off(text: str) -> None:
    """Any other word is a fault."""
    assert faults({"STATUS_PAGE": text}) == ("STATUS_PAGE is malformed: it should be on or off.",)


@pytest.mark.parametrize(("text", "secret"), [("", None), ("old", "old")])
def test_a_secret_that_is_being_replaced_is_taken(text: str, secret: str | None) -> None:
    """It is accepted beside the new one. Alone it opens nothing."""
    read = settings({"REVALIDATE_SECRET_PREVIOUS": text})
    assert (read.previous_secret, read.secrets) == (secret, ())
    read = settings({"REVALIDATE_SECRET": "new", "REVALIDATE_SECRET_PREVIOUS": text})
    assert read.secrets == (("new", secret) if secret else ("new",))


@pytest.mark.parametrize(
    ("value", "mode"),
    [
        ("rest", PassThrough.REST),
        ("off", PassThrough.OFF),
        ("all", PassThrough.ALL),
        ("", PassThrough.REST),
    ],
)
def test_what_is_passed_through_is_taken(value: str, mode: PassThrough) -> None:
    """If the variable is not set, it is what lies under /rest/v1/."""
    assert settings({"PASS_THROUGH": value}).pass_through is mode
    assert settings({}).pass_through is PassThrough.REST


@pytest.mark.parametrize("value", ["on", "ALL", "rest ", "true", "rest,auth"])
def test_any_other_word_for_it_is_named(value: str) -> None:
    """The fault lists the three words that are allowed."""
    (fault,) = faults({"PASS_THROUGH": value})
    assert fault == (
        "PASS_THROUGH is malformed: it should be rest (requests under /rest/v1/ that the cache "
        "does not answer go to Supabase), all (requests to Supabase's other services too) or off."
    )


def test_a_secret_is_taken() -> None:
    """An empty secret counts as none, because it would open for everybody."""
    assert settings({"REVALIDATE_SECRET": "x"}).revalidate_secret == "x"
    assert settings({"REVALIDATE_SECRET": ""}).revalidate_secret is None


def test_what_is_not_set_has_a_default() -> None:
    """Only Supabase's URL and key have no default."""
    assert settings({}) == Settings("https://abc.supabase.co", "sb_publishable_x")
    with pytest.raises(ConfigurationError) as caught:
        settings_from(lambda _name: None, lambda _name, _method: True)
    missing = [fault.partition(":")[0] for fault in caught.value.faults]
    assert missing == ["SUPABASE_URL is missing", "SUPABASE_ANON_KEY is missing"]


def test_bindings_are_known_by_what_they_can_do() -> None:
    """A variable with the name of a binding is no binding."""
    asked: list[tuple[str, str]] = []

    def has(name: str, method: str) -> bool:
        asked.append((name, method))
        return True

    settings_from(GOOD.get, has)
    assert asked == [("ARTICLES", "getWithMetadata"), ("REFRESHER", "getByName")]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("ARTICLES", "a KV namespace, declared in wrangler.toml under [[kv_namespaces]]."),
        (
            "REFRESHER",
            (
                "the Durable Object class Refresher, declared in wrangler.toml under "
                "[[durable_objects.bindings]]."
            ),
        ),
    ],
)
def test_a_binding_that_is_missing_is_named(name: str, what: str) -> None:
    """The fault names the section that declares it."""
    with pytest.raises(ConfigurationError) as caught:
        settings_from(GOOD.get, lambda asked, _method: asked != name)
    assert caught.value.faults == (f"{name} is not bound: it should be {what}",)


def test_all_faults_are_told_at_once() -> None:
    """Otherwise people mend one fault and then meet the next."""
    names = [
        f.split()[0] for f in faults({"SUPABASE_URL": "", "SUPABASE_ANON_KEY": ""}, bound=False)
    ]
    assert names == ["SUPABASE_URL", "SUPABASE_ANON_KEY", "ARTICLES", "REFRESHER"]


def test_tables_are_declared() -> None:
    """Without a declaration, the lesson's table is served."""
    assert settings({}).declared == DEFAULT
    read = settings({"TABLES": '{"products": {"key": "sku"}}'})
    assert read.declared == Declared((Table("products", key="sku"),))


def test_a_file_declares_the_tables_unless_the_variable_does() -> None:
    """A Worker made from version 0.2.0 has the variable."""
    read = partial(settings_from, has=lambda _name, _method: True, tables="products = {}")
    assert read(GOOD.get).declared.tables == (Table("products"),)
    replaced = {**GOOD, "TABLES": '{"events": {}}'}
    assert read(replaced.get).declared.tables == (Table("events"),)


def test_a_fault_of_the_tables_is_a_fault_of_the_configuration() -> None:
    """It is listed with the other faults."""
    names = [f.split()[0] for f in faults({"SUPABASE_URL": "", "TABLES": "{}"})]
    assert names == ["SUPABASE_URL", "TABLES:"]


def test_settings_do_not_show_the_key() -> None:
    """A settings object may end up in a log."""
    assert "sb_publishable" not in repr(settings({}))


def test_new_objects_are_placed_where_the_variable_says() -> None:
    assert settings({"OBJECTS_LOCATION_HINT": "weur"}).location_hint == "weur"
    assert settings({"OBJECTS_LOCATION_HINT": ""}).location_hint is None
    (fault,) = faults({"OBJECTS_LOCATION_HINT": "Frankfurt"})
    assert fault.startswith("OBJECTS_LOCATION_HINT is malformed")

"""`npm start -- --project`: the Worker on this machine, in front of the project of .dev.vars."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from diagnosis.arguments import Arguments
from diagnosis.configuration import configuration_of, dev_vars
from edge_cache.config import Settings
from local import cron
from local.processes import Process
from local.stack import WORKER_DEADLINE_S, Worker, spawn_worker
from shared import declarations, variables
from shared.project import ROOT
from shared.terminal import step
from starting import outlook, words

POKE_S = 5.0
"""The project cannot reach this machine, so the Worker asks it for changes so often."""

_MEND = (
    "Put it into .dev.vars; .dev.vars.example shows how. Or correct it in wrangler.toml or"
    " src/tables.toml."
)


def start(arguments: argparse.Namespace, state: Path, running: list[Process]) -> tuple[Worker, str]:
    """Print what the doctor finds, then start the Worker. Return what to print then."""
    declarations.warn_of_old_way()
    config = ROOT / "wrangler.toml"
    found = configuration_of(Arguments(config, None, None, None, None))
    given = {
        **words.LOGGED,
        **variables.read(dev_vars(config, None)),
        **{name: found.variables[name] for name in found.places},
    }
    everything = replace(found, variables={**found.variables, **given})
    settings = outlook.settings_of(everything, _MEND)
    print(f"Asking {settings.supabase_url} …", flush=True)
    seen = outlook.look(settings, found.places, is_local=False)
    with step(f"Starting the Worker with `wrangler dev` on port {arguments.port}"):
        worker = spawn_worker(
            port=arguments.port,
            state=state / "worker",
            variables=given,
            log=state / "worker.log",
        )
        running.append(worker.process)
        worker.process.wait_until_answering(f"{worker.url}/", deadline_s=WORKER_DEADLINE_S)
    cache = worker.url + arguments.cache_path
    cron.start(worker.url, cache, poke_s=POKE_S if settings.revalidate_secret else None)
    return worker, words.ready(served(cache, settings), settings.declared, seen.readings)


def served(cache: str, settings: Settings) -> words.Served:
    """Return what answers where. The secret is the user's own, so it is not printed."""
    secret = words.OWN_SECRET if settings.revalidate_secret else None
    return words.Served(cache, settings.supabase_url, settings.anon_key, None, secret)

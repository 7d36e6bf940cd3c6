"""Every example in the documentation runs."""

import asyncio
import doctest
import importlib
import pkgutil

import pytest

import gocore_etcd
from gocore_etcd import aio

MODULES = [
    name for _, name, _ in pkgutil.walk_packages(gocore_etcd.__path__, "gocore_etcd.") if not name.endswith("_native")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, endpoint, prefix):
    module = importlib.import_module(name)
    with gocore_etcd.Client(endpoint, prefix=prefix) as client:
        for key in ("/greeting", "/owner", "/flags/dark"):
            client.kv.delete(key)
        known = vars(gocore_etcd) | {"aio": aio, "asyncio": asyncio, "client": client, "endpoint": endpoint}
        known |= vars(module)
        for example in doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=known):
            runner = doctest.DocTestRunner()
            runner.run(example)
            assert runner.failures == 0, example.name

"""The marker `long`: see tests/README.md."""
import os


def pytest_configure(config):
    config.addinivalue_line("markers", "long: its symptom is also covered by a shorter test; runs with KPID_LONG=1")


def pytest_collection_modifyitems(config, items):
    named = any("::" in argument for argument in config.args)
    if named or os.environ.get("KPID_LONG", "") not in ("", "0"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]

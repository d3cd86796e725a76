"""Hypothesis on one store: the examples of a test come one after the other, on what the earlier ones left."""

from hypothesis import HealthCheck, settings


def on_one_store(examples: int) -> settings:
    """Settings of a test whose fixtures are made once for all its examples, which are the same every time."""
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        derandomize=True,
    )

"""What one message of a compressor costs, by every count, in lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["declarations", "message_costs"]


def declarations(compressor: Any) -> Iterator[str]:
    """Yield what a compressor says of its messages, one line each."""
    says = {
        "random": (compressor.random, "the same vector may give different messages", "deterministic"),
        "shared randomness": (compressor.shared, "the workers must draw the same numbers", "not needed"),
        "summable": (compressor.summable, "messages can be added without decoding them", "decode first, then add"),
        "homogeneous": (compressor.homogeneous, "C(tx) = t·C(x) for t > 0", "not claimed"),
        "symmetric": (compressor.symmetric, "coordinates are treated alike", "not claimed"),
        "state": (bool(compressor.state), f"carries {', '.join(compressor.state)} from message to message", "none"),
    }
    for name, (yes, meaning, otherwise) in says.items():
        yield f"    {name:18} {meaning if yes else otherwise}"


def message_costs(compressor: Any, d: int, workers: int) -> Iterator[str]:
    """Yield the bits of one message of a standard normal vector in float32, by every count."""
    import numpy as np

    from toolkit.accounting import rules_for
    from toolkit.draws import Draw
    from toolkit.ledger import ledger

    draw = Draw(seed=0, workers=workers)
    x = draw.of("vector").per_worker.normal(d).astype(np.float32)
    own = None if not compressor.random else draw if compressor.shared else draw.per_worker
    bits = ledger(compressor, x, own)
    counts = {
        "formula of the source": bits.formula,
        "entropy": bits.entropy,
        "encoded": bits.encoded,
        "    values": bits.values,
        "    indices": bits.indices,
        "    side information": bits.side,
        "    padding": bits.padding,
    }
    yield f"    {'one message of a standard normal vector, float32':50} {'bits':>9}"
    for name, amount in counts.items():
        yield f"    {name:50} {float(np.mean(amount)):9.1f}"
    rules = rules_for(compressor, d, np.float32)
    if rules:
        yield f"\n    {'what others charge for it':50} {'bits':>9}"
    for rule in rules:
        lacks = f"; the receiver lacks {rule.lacks}" if rule.lacks else ""
        yield f"    {rule.name:50} {rule.bits:9.1f}   {rule.who}{lacks}"

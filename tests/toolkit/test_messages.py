"""Messages to bytes and back, their three counts of bits, shared randomness and compressors with a state."""

from __future__ import annotations

import math

import numpy as np
import pytest

from problems import Quadratic
from toolkit import Draw, simulate
from toolkit.algorithms import EF21, ErrorFeedback
from toolkit.channel import Channel
from toolkit.codecs import Bitmap, EliasGamma, Gaps, Golomb, Packed, SharedSeed
from toolkit.compressors import QSGD, Compressor, HardThreshold, Identity, RandK, Scaled, ScaledSign, TopK
from toolkit.constants import CompressorConstants, upper_bound
from toolkit.errors import WrongUse
from toolkit.layout import Numbers, Positions, Seed
from toolkit.ledger import ledger
from toolkit.wire import Codec


def gaussian(*shape: int, dtype: str = "float64") -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


class Halve(Compressor):
    """A user's compressor that says nothing of its messages."""

    def message(self, x, draw):
        return np.where(np.abs(x) > 1, x / 2, -0.0)


class Previous(Compressor):
    """Send x, and receive what was sent before: a state that sender and receiver know."""

    state = ("last",)
    last: "Array" = 0.0  # type: ignore[name-defined]  # noqa: F821, UP037

    def parts(self, x, draw):
        return {"sent": np.ones(x.shape, dtype=bool), "value": x}

    def assemble(self, parts, draw, d, dtype):
        return np.broadcast_to(self.last, parts["value"].shape).astype(dtype)

    def after(self, parts):
        return {"last": parts["value"]}

    def constants(self, d, n=1):
        return CompressorConstants(delta=upper_bound(0.5, "asserted here to have a theorem"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7)], ids=str)
@pytest.mark.parametrize("compressor", [Halve(), TopK(k=2), RandK(k=3, unbiased=True), QSGD(s=3)], ids=repr)
def test_decoding_gives_back_the_message_bit_for_bit(compressor, shape, dtype) -> None:
    x = gaussian(*shape, dtype=dtype)
    runs, workers = (1, 1, *shape)[-3:-1]
    draw = Draw(seed=[5, 6][:runs], workers=workers).per_worker
    sent = compressor.compress(x, draw)
    decoded = compressor.decode(compressor.encode(x, draw), 7, dtype, draw)
    assert decoded.dtype == sent.dtype == np.dtype(dtype)
    assert decoded.tobytes() == sent.tobytes()


def test_minus_zero_is_a_number_that_is_sent() -> None:
    x = np.array([0.5, 3.0, 0.25])
    assert np.signbit(Halve().decode(Halve().encode(x), 3)).tolist() == [True, False, True]
    assert ledger(Halve(), x).values.item() == 3 * 64
    assert ledger(TopK(k=1), x).values.item() == 64


def test_a_message_can_be_given_another_code() -> None:
    x = gaussian(100)
    bits = {
        code: ledger(TopK(k=5), x, codec=Codec(positions=code)).indices.item() for code in (Bitmap(), Gaps(Golomb()))
    }
    assert bits[Bitmap()] == 100
    assert math.log2(math.comb(100, 5)) < bits[Gaps(Golomb())] < 100
    data = TopK(k=5).encode(x, codec=Codec(positions=Bitmap()))
    assert len(data) == 1 + 13 + 40  # the count of 7 bits, the bitmap, five numbers
    assert (TopK(k=5).decode(data, 100, codec=Codec(positions=Bitmap())) == TopK(k=5).compress(x)).all()


def test_a_drawn_set_costs_its_seed_and_an_explicit_code_its_positions() -> None:
    x, draw = gaussian(100), Draw(seed=3)
    assert ledger(RandK(k=5), x, draw).side.item() == 32
    assert ledger(RandK(k=5), x, draw).indices.item() == 0
    assert ledger(RandK(k=5), x, draw, Codec(positions=Bitmap())).indices.item() == 100
    assert RandK(k=5).encode(x, draw).startswith(SharedSeed().encode_seed(3).data.tobytes())
    with pytest.raises(WrongUse, match="the message has seed 3"):
        RandK(k=5).decode(RandK(k=5).encode(x, draw), 100, draw=Draw(seed=4))
    with pytest.raises(WrongUse, match="the receiver cannot draw them"):
        TopK(k=5).encode(x, codec=Codec(positions=SharedSeed()))


class TwoDrawn(Compressor):
    """Half of each of two random sets, which the receiver draws."""

    random = True

    def layout(self, d, dtype):
        sets = [Positions(name, d, drawn=True) for name in ("a", "b")]
        return *sets, Seed(), *(Numbers(f"value {one.name}", d, at=one.name) for one in sets)

    def parts(self, x, draw):
        return {**self.redraw(x.shape, draw), "value a": x / 2, "value b": x / 2}

    def redraw(self, shape, draw):
        return {name: draw.of(name).subset(shape[-1], 2) for name in ("a", "b")}

    def assemble(self, parts, draw, d, dtype):
        return sum(np.where(parts[name], parts[f"value {name}"], 0) for name in ("a", "b"))


def test_a_message_has_one_seed_however_much_is_drawn_from_it() -> None:
    x, draw = gaussian(9), Draw(seed=3)
    bits = ledger(TwoDrawn(), x, draw)
    assert (bits.side.item(), bits.encoded.item(), bits.entropy.item()) == (32, 32 + 4 * 64, 32 + 4 * 64)
    sent = TwoDrawn().compress(x, draw)
    assert (TwoDrawn().decode(TwoDrawn().encode(x, draw), 9, draw=draw) == sent).all()


@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_damaged_message_is_refused(cut) -> None:
    data = TopK(k=3).encode(gaussian(50))
    with pytest.raises(WrongUse, match="decoding"):
        TopK(k=3).decode(data[:-cut], 50)
    with pytest.raises(WrongUse, match="left over"):
        TopK(k=3).decode(data + b"\0", 50)


def test_the_ledger_counts_every_bit_of_the_bytes() -> None:
    x, draw = gaussian(4, 30), Draw(seed=2, workers=4).per_worker
    for compressor in (TopK(k=4), RandK(k=4), HardThreshold(raw=1.0), ScaledSign(), ScaledSign(zero=0), QSGD(s=2)):
        bits, data = ledger(compressor, x, draw), compressor.encode(x, draw)
        assert bits.encoded.tolist() == [[8.0 * len(one) for one in data]]
        assert (bits.encoded == bits.values + bits.indices + bits.side + bits.padding).all()
        assert (bits.entropy <= bits.encoded).all()


def test_the_ledger_of_a_message_by_hand() -> None:
    bits = ledger(TopK(k=2), np.array([3.0, -5.0, 1.0, 4.0]))
    assert bits.formula.item() == 2 * 64 + 3  # ⌈log2 6⌉
    assert bits.entropy.item() == pytest.approx(2 * 64 + math.log2(6), rel=1e-14)
    # The count 2 in ⌈log2 5⌉ bits and a byte; the gaps 2 and 2; two numbers.
    assert (bits.side.item(), bits.values.item()) == (3, 128)
    assert bits.encoded.item() == 8 * len(TopK(k=2).encode(np.array([3.0, -5.0, 1.0, 4.0])))


def test_a_run_with_a_codec_records_entropy_and_bytes_and_is_otherwise_the_same() -> None:
    problem = Quadratic(hessians=np.arange(1.0, 41).reshape(4, 10), linear=gaussian(4, 10))
    for compressor in (TopK(k=[2, 4]), QSGD(s=[1, 3])):
        setting = {"stepsize": 0.001, "steps": 6, "runs": 2, "unproven": True}
        plain = simulate(problem, EF21(), compressor, **setting)
        audited = simulate(problem, EF21(), compressor, **setting, codec=Codec())
        for name in plain.data_vars:
            assert plain[name].equals(audited[name]), name
        assert (audited.bits_up_entropy <= audited.bits_up_encoded).all()
        for direction in ("up", "down"):  # nothing is sent before the first step but the first messages of EF21
            first = audited.isel(step=0, drop=True)
            assert ((first[f"bits_{direction}_encoded"] == 0) == (direction == "down")).all()
        parts = sum(audited[f"bits_up_{part}"] for part in ("values", "indices", "side", "padding"))
        assert (parts == audited.bits_up_encoded).all()
        assert audited.bits_up_encoded.attrs["unit"] == "bit"
        # The uncompressed vector down, once per step.
        assert audited.bits_down_encoded.isel(step=-1).values.ravel().tolist() == [6 * 640.0] * 4


def test_uncompressed_rows_are_charged_in_full_by_every_count() -> None:
    channel = Channel(TopK(k=1), Identity(), codec=Codec())
    channel.begin(Draw(seed=0, workers=3))
    exact = np.array([True, False]).reshape(2, 1, 1)
    channel.send(gaussian(2, 3, 8), exact=exact)
    assert channel.ledger_up["encoded"][0] == channel.ledger_up["values"][0] == channel.bits_up[0] == 512
    assert channel.ledger_up["values"][1] == 64
    assert channel.ledger_up["indices"][0] == 0 < channel.ledger_up["indices"][1]


@pytest.mark.parametrize(
    ("data", "d", "dtype", "wrong"),
    [
        ([], 5, "float64", "list are not bytes"),
        ("text", 5, "float64", "str are not bytes"),
        (7, 5, "float64", "int are not bytes"),
        ([b"", 7], 5, "float64", "list are not bytes"),
        ([[b""], [b"", b""]], 5, "float64", "list are not bytes"),
        (b"", 0, "float64", "no such vectors"),
        (b"", 5, "int64", "no such vectors"),
        (b"", 2, "float64", "k is larger than the dimension"),
        (b"", 5, "float64", "the message ends too early"),
    ],
)
def test_what_is_no_message_is_refused(data, d, dtype, wrong) -> None:
    with pytest.raises(WrongUse, match=wrong):
        TopK(k=3).decode(data, d, dtype)


def test_other_kinds_of_bytes_are_decoded() -> None:
    data = TopK(k=1).encode(np.array([1.0, -2.0]))
    for same in (bytearray(data), memoryview(data)):
        assert TopK(k=1).decode(same, 2).tolist() == [0.0, -2.0]


def test_codes_of_another_kind_are_refused() -> None:
    wrong = (("positions", Golomb()), ("positions", Packed()), ("levels", Bitmap()), ("levels", EliasGamma()))
    for kind, code in wrong:
        with pytest.raises(WrongUse, match=r"this is no (Position|Level)Code"):
            Codec(**{kind: code})
    for use in (TopK(k=1).encode, lambda x, codec: ledger(TopK(k=1), x, codec=codec)):
        with pytest.raises(WrongUse, match="this is no Codec"):
            use(np.ones(3), codec="golomb")


@pytest.mark.parametrize(
    ("x", "wrong"),
    [
        (3.0, "x is of type float"),
        (None, "x is of type NoneType"),
        ("text", "x is of type str"),
        ([[1.0, 2.0], [3.0]], "no array of numbers"),
        (np.ones(3, np.longdouble), "values of type"),
    ],
    ids=str,
)
def test_what_is_no_vector_is_refused(x, wrong) -> None:
    with pytest.raises(WrongUse, match=wrong):
        TopK(k=1).compress(x)


def test_what_is_no_draw_is_refused() -> None:
    for no_draw in (5, np.random.default_rng(0)):
        with pytest.raises(WrongUse, match="which is no draw"):
            RandK(k=1).compress(np.ones(3), no_draw)


class Common(RandK):
    """Rand-k with one set for all workers of a run."""

    shared = True


def test_workers_that_share_their_randomness_draw_the_same_numbers() -> None:
    for compressor, same in ((Common(k=3), True), (RandK(k=3), False)):
        channel = Channel(compressor, Identity())
        channel.begin(Draw(seed=[0, 1], workers=3))
        kept = channel.send(np.ones((2, 3, 20))) != 0
        assert (kept == kept[:, :1]).all() == same
    with pytest.raises(WrongUse, match="must draw the same numbers"):
        Common(k=3).compress(np.ones((3, 20)), Draw(seed=0, workers=3).per_worker)


def test_a_state_goes_from_message_to_message_of_the_same_name() -> None:
    channel, first = Channel(Previous(), Identity()), gaussian(2, 3, 4)
    for step in range(3):
        channel.begin(Draw(seed=[0, 1], workers=3).at(step))
        previous = first + (step - 1) if step else np.zeros_like(first)
        assert (channel.preview(first + step) == previous).all()
        assert (channel.send(first + step) == previous).all()
        assert (channel.send(-first) == (-first if step else 0)).all()  # the second message of a step has its own


def test_who_sends_nothing_keeps_his_state() -> None:
    channel, active = Channel(Previous(), Identity()), np.array([[[True], [False]]])
    for step, v in enumerate((1.0, 2.0, 3.0)):
        channel.begin(Draw(seed=0, workers=2).at(step))
        sent = channel.send(np.full((1, 2, 1), v), active=active if step == 1 else None)
    assert sent.ravel().tolist() == [2.0, 1.0]


def test_who_sends_nothing_or_everything_keeps_the_state_he_starts_with() -> None:
    for rest in ({"active": np.array([[[True], [False]]])}, {"exact": np.array([[[False]], [[True]]])}):
        channel = Channel(Previous(last=7.0), Identity())
        for step in range(2):
            channel.begin(Draw(seed=[0, 1], workers=2).at(step))
            sent = channel.send(np.full((2, 2, 1), 1.0 + step), **(rest if step == 0 else {}))
        first = np.broadcast_to(rest.get("active", ~rest.get("exact", True)), (2, 2, 1))
        assert (sent == np.where(first, 1.0, 7.0)).all()


def test_a_stateful_compressor_runs_in_a_method_whatever_the_batch() -> None:
    problem = Quadratic(hessians=np.arange(1.0, 9).reshape(2, 4), linear=gaussian(2, 4))
    for method in (EF21(), ErrorFeedback()):
        together = simulate(problem, method, Previous(), stepsize=0.01, steps=5, runs=3, seed=4)
        alone = simulate(problem, method, Previous(), stepsize=0.01, steps=5, seed=5)
        assert together.f.isel(run=1).values.tobytes() == alone.f.isel(run=0).values.tobytes()


def test_a_wrapper_charges_and_decodes_as_what_it_wraps() -> None:
    x, draw, scaled = gaussian(20), Draw(seed=1), Scaled(QSGD(s=2))
    assert vars(ledger(scaled, x, draw)) == vars(ledger(QSGD(s=2), x, draw))
    assert (scaled.decode(scaled.encode(x, draw), 20, draw=draw) == scaled.compress(x, draw)).all()

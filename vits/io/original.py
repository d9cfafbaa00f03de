"""Checkpoints of jaywalnut310/vits and its many forks: a .pth and a JSON configuration.

MoeGoe's configurations and VITS-fast-fine-tuning's ``finetune_speaker.json`` are the same form
with ``symbols`` and ``speakers`` in them. Sizes are read off the tensors; the configuration is
asked only for what they cannot show.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vits.arrays import F32
from vits.config import TextFront, VoiceConfig
from vits.errors import BadCheckpoint
from vits.io.infer import measure
from vits.io.kinds import Checkpoint, Fields, fuse, shown
from vits.io.pickled import Pickled
from vits.io.program import TensorAt
from vits.text.cleaners import CLEANERS, languages_of
from vits.text.symbols import ORIGINAL_SYMBOLS


def is_original_config(about: Fields) -> bool:
    """Whether this JSON is a configuration of the original or a fork."""
    return "data" in about and "model" in about and "text_cleaners" in about.child("data")


def read_original(model: Path, settings: Path, name: str) -> Checkpoint:
    """A generator (G_*.pth) and its configuration.

    Raises:
        BadCheckpoint: damaged, of another network, or asking to run code; says what is wrong.
    """
    about = Fields.of_file(settings)
    data, sizes = about.child("data"), about.child("model")
    tensors = generator_tensors(Pickled(model))
    architecture = measure(
        {key: tensor.shape for key, tensor in tensors.items()},
        upsample_rates=sizes.wholes("upsample_rates"),
        resblock_dilation_sizes=_dilations(sizes),
        spec_channels=data.whole("filter_length", 1024) // 2 + 1,
    )
    front = _front(about, architecture.n_symbols, settings.with_name("vocab.txt"))
    config = VoiceConfig(
        name=name,
        languages=languages_of(front.cleaners),
        rate_hz=data.whole("sampling_rate"),
        front=front,
        architecture=architecture,
        speakers=_speakers(about, architecture.n_speakers),
        win=data.whole("win_length", 1024),
        made_with="VITS checkpoint",
    )
    if data.whole("hop_length", architecture.hop) != architecture.hop:
        raise BadCheckpoint(
            f"{settings.name}: hop_length is not the product of upsample_rates: "
            "is this the configuration of another checkpoint?"
        )
    return Checkpoint(config, tensors)


def generator_tensors(pickled: Pickled) -> dict[str, F32]:
    """The tensors of the network in a checkpoint, by the names of :mod:`vits.layout`, fused.

    Raises:
        BadCheckpoint: there is no generator of a VITS in it.
    """
    value = pickled.value
    state = value.get("model", value.get("state_dict", value)) if isinstance(value, dict) else value
    if not isinstance(state, dict):
        raise BadCheckpoint("the checkpoint holds no network")
    described = {
        str(key).removeprefix("module."): tensor
        for key, tensor in state.items()
        if isinstance(tensor, TensorAt)
    }
    if any(key.startswith("discriminators.") for key in described):
        raise BadCheckpoint("this is a discriminator (D_...); the voice is in the generator, G_...")
    if "enc_p.emb.weight" not in described:
        raise BadCheckpoint("the checkpoint holds no VITS: tensor enc_p.emb.weight is missing")
    return fused(pickled.arrays(described))


def fused(tensors: Mapping[str, F32]) -> dict[str, F32]:
    """Weight norm taken into the weights, in either of PyTorch's spellings."""
    plain = {}
    for key, tensor in tensors.items():
        if key.endswith(".weight_v"):
            base = key.removesuffix("_v")
            plain[base] = fuse(tensors.get(f"{base}_g"), tensor, base)
        elif key.endswith(".parametrizations.weight.original1"):
            base = key.removesuffix("1")
            name = key.replace(".parametrizations.weight.original1", ".weight")
            plain[name] = fuse(tensors.get(f"{base}0"), tensor, name)
        elif not key.endswith((".weight_g", ".parametrizations.weight.original0")):
            plain[key] = tensor
    return plain


def _dilations(sizes: Fields) -> tuple[tuple[int, ...], ...]:
    rows = sizes.whole_rows("resblock_dilation_sizes")
    # Blocks of kind 2 have two convolutions; the original ignores a third dilation.
    second_kind = str(sizes.text("resblock", "1")) == "2"
    return tuple(row[:2] for row in rows) if second_kind else rows


def _front(about: Fields, n_symbols: int, vocabulary: Path) -> TextFront:
    data = about.child("data")
    if "symbols" not in about and vocabulary.is_file():
        return _letters(data, n_symbols, vocabulary)
    cleaners = data.texts("text_cleaners")
    unknown = [cleaner for cleaner in cleaners if cleaner not in CLEANERS]
    if unknown:
        known = ", ".join(sorted(CLEANERS))
        raise BadCheckpoint(f"there are no cleaners called {unknown[0]!r}; there are: {known}")
    symbols = about.texts("symbols") or ORIGINAL_SYMBOLS
    if len(symbols) > n_symbols or (len(symbols) < n_symbols and "symbols" not in about):
        raise BadCheckpoint(
            f"the checkpoint has {n_symbols} symbols, its configuration {len(symbols)}: "
            "is it the configuration of another checkpoint?"
        )
    return TextFront(
        kind="cleaners",
        symbols={symbol: (row,) for row, symbol in reversed(list(enumerate(symbols)))},
        cleaners=cleaners,
        add_blank=data.flag("add_blank", True),
    )


def _letters(data: Fields, n_symbols: int, vocabulary: Path) -> TextFront:
    """The front of MMS voices as their makers published them: one letter on each line of a file."""
    try:
        letters = vocabulary.read_text("utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCheckpoint(f"{vocabulary.name} is not readable text") from error
    if len(letters) != n_symbols:
        raise BadCheckpoint(
            f"the checkpoint has {n_symbols} symbols, {vocabulary.name} {len(letters)}: "
            "is it that of another checkpoint?"
        )
    return TextFront(
        kind="vocabulary",
        symbols={letter: (row,) for row, letter in reversed(list(enumerate(letters)))},
        add_blank=data.flag("add_blank", True),
        lower_case=True,
        romanize=data.text("training_files", "").endswith(".uroman"),
    )


def _speakers(about: Fields, rows: int) -> dict[str, int]:
    """Speaker names to rows; a list is in the order of rows, and may be longer than the table."""
    if not rows or "speakers" not in about:
        return {}
    if about.is_list("speakers"):
        pairs = [(name, row) for row, name in enumerate(about.texts("speakers"))]
    else:
        pairs = sorted(about.table("speakers").items(), key=lambda pair: pair[1])
    named: dict[str, int] = {}
    for name, row in pairs:
        if 0 <= row < rows and shown(name):
            named.setdefault(shown(name), row)  # of two with one name the first can be chosen by it
    return named

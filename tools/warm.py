"""Run the notebooks whose code or library changed, several at once; keep their outputs for the build of the site."""

import argparse
import shutil
import sys
import time

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from notebooks import ROOT, name, notebooks, read, run_all

sys.path.insert(0, str(ROOT / "_ext"))
from nndl_book import cache as folder  # noqa: E402


def known(cache, path):
    try:
        cache.match_cache_notebook(read(path))
    except KeyError:
        return False
    return True


def warm(workers):
    """Fill the cache; return the number of notebooks that failed."""
    for old in folder.FOLDER.glob("*"):
        if old != folder.path():
            shutil.rmtree(old)
    cache, failed, start = get_cache(str(folder.path())), 0, time.perf_counter()
    todo = [path for path in notebooks() if not known(cache, path)]
    for i, (path, result) in enumerate(run_all(todo, workers), start=1):
        if isinstance(result, Exception):
            failed += 1
            print(f"FAILED {name(path)}\n{result}")
        else:
            cache.cache_notebook_bundle(CacheBundleIn(result, str(path)), check_validity=False, overwrite=True)
            print(f"ran {i}/{len(todo)} {name(path)}", flush=True)
    print(f"{len(todo)} of {len(notebooks())} notebooks ran anew, {time.perf_counter() - start:.0f} s")
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    sys.exit(bool(warm(parser.parse_args().workers)))

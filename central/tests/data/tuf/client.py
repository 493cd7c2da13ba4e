# A box that is not ours: python-tuf's updater over a repository in a folder.
#
#   client.py REPOSITORY UAI ROOT STATE NAME…
#
# REPOSITORY is the folder with `metadata` and `targets`, ROOT the first root the client trusts, STATE the folder of what it
# remembers between calls. Each NAME is fetched and verified. Says in one JSON line what came of it: the versions, the names
# with their contents, or the kind of error.
import json
import os
import pathlib
import sys

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater


class FolderFetcher(FetcherInterface):
    def _fetch(self, url):
        path = pathlib.Path(url.removeprefix("file://"))
        if not path.is_file():
            raise DownloadHTTPError("not there", 404)
        return [path.read_bytes()]


def main():
    repository, school, root, state, *names = sys.argv[1:]
    metadata_dir = os.path.join(state, "metadata")
    target_dir = os.path.join(state, "targets")
    os.makedirs(metadata_dir, exist_ok=True)
    os.makedirs(target_dir, exist_ok=True)
    try:
        updater = Updater(
            metadata_dir,
            f"file://{repository}/metadata/{school}/",
            target_dir,
            f"file://{repository}/targets/",
            fetcher=FolderFetcher(),
            bootstrap=pathlib.Path(root).read_bytes(),
        )
        updater.refresh()
        found = {}
        for name in names:
            target = updater.get_targetinfo(name)
            if target is not None:
                found[name] = pathlib.Path(updater.download_target(target)).read_text()
        trusted = updater._trusted_set
        said = {
            "root": trusted.root.version,
            "timestamp": trusted.timestamp.version,
            "snapshot": trusted.snapshot.version,
            "found": found,
        }
    except Exception as error:
        said = {"error": type(error).__name__, "why": str(error)}
    print(json.dumps(said))


main()

"""Publishing into a folder: the old site or the new one, whole, whatever happens."""

import os
import resource
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from broadcaster.delivery.contract import Document
from broadcaster.model.errors import Permanent, Transient
from channels._site import prepare, publish, shared

OLD = {"index.html": "old", "de/index.html": "alt", "cap/A.xml": "<alert/>"}
NEW = {"index.html": "new", "de/alerts/B/index.html": "neu", "cap/B.xml": "<alert2/>"}
AFTER = {**OLD, **NEW}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "var" / "www"


def docs(files: Mapping[str, str]) -> list[Document]:
    return [
        Document(path=path, media_type="text/html", data=text.encode())
        for path, text in files.items()
    ]


def held(tree: Path) -> dict[str, str]:
    return {
        path.relative_to(tree).as_posix(): path.read_text()
        for path in tree.rglob("*")
        if path.is_file()
    }


def test_a_site_appears_and_grows(tree: Path):
    assert publish(tree, docs(OLD))
    assert held(tree) == OLD
    assert publish(tree, docs(NEW))
    assert held(tree) == AFTER


def test_publishing_the_same_again_changes_nothing(tree: Path):
    publish(tree, docs(OLD))
    before = os.readlink(tree)

    assert not publish(tree, docs(OLD), ["never/was.html"])
    assert os.readlink(tree) == before


def test_unchanged_files_keep_inode_and_time(tree: Path):
    publish(tree, docs(OLD))
    before = (tree / "de/index.html").stat()

    publish(tree, docs({**OLD, **NEW}))

    after = (tree / "de/index.html").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_is_removed_is_gone_and_its_folder_too(tree: Path):
    publish(tree, docs(OLD))

    assert publish(tree, [], ["de/index.html"])
    assert held(tree) == {"index.html": "old", "cap/A.xml": "<alert/>"}
    assert not (tree / "de").exists()


def test_only_the_release_before_is_kept(tree: Path):
    for number in range(5):
        publish(tree, docs({"index.html": str(number)}))

    releases = tree.parent / ".www-releases"
    assert len(list(releases.iterdir())) == 2
    previous = min(releases.iterdir(), key=lambda release: int(release.name))
    assert (previous / "index.html").read_text() == "3"


def test_a_reader_inside_the_old_release_can_finish(tree: Path):
    publish(tree, docs(OLD))
    inside = tree.resolve()

    publish(tree, docs(NEW))

    assert held(inside) == OLD


def test_the_data_folder_may_be_moved(tree: Path):
    publish(tree, docs(OLD))
    moved = tree.parent.rename(tree.parent.with_name("elsewhere"))

    assert held(moved / "www") == OLD
    publish(moved / "www", docs(NEW))
    assert held(moved / "www") == AFTER


def test_recordings_survive_releases(tree: Path):
    prepare(tree)
    (tree / "audio" / "A").mkdir(parents=True)
    (tree / "audio" / "A" / "de.mp3").write_bytes(b"sound")

    publish(tree, docs(OLD))
    publish(tree, docs(NEW))

    assert (tree / "audio/A/de.mp3").read_bytes() == b"sound"
    assert (shared(tree, "audio") / "A/de.mp3").read_bytes() == b"sound"


def test_a_plain_folder_is_adopted_with_everything_in_it(tree: Path):
    for path, text in {**OLD, "audio/A/de.mp3": "sound", "robots.txt": "x"}.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)

    publish(tree, docs(NEW))

    assert tree.is_symlink()
    assert held(tree) == {**AFTER, "robots.txt": "x"}
    assert (tree / "audio/A/de.mp3").read_text() == "sound"
    assert (shared(tree, "audio") / "A/de.mp3").exists()


def test_a_published_cap_document_never_changes(tree: Path):
    publish(tree, docs(OLD))

    with pytest.raises(Permanent) as caught:
        publish(tree, docs({"cap/A.xml": "<other/>", "index.html": "new"}))

    assert [problem.path for problem in caught.value.problems] == ["cap/A.xml"]
    assert held(tree) == OLD


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../x", "de/../../x", "de//x", "./x", "a\\b", "a\0b", "de/", "audio/x"],
)
def test_a_path_outside_the_site_is_refused(tree: Path, path: str):
    publish(tree, docs(OLD))

    with pytest.raises(Permanent):
        publish(tree, docs({path: "x", "index.html": "new"}))
    with pytest.raises(Permanent):
        publish(tree, [], [path])
    assert held(tree) == OLD


def test_all_misplaced_paths_are_named_at_once(tree: Path):
    with pytest.raises(Permanent) as caught:
        publish(tree, docs({"../a": "x", "fine": "y"}), ["../b"])

    assert [problem.path for problem in caught.value.problems] == ["../a", "../b"]


def test_two_texts_for_one_place_are_refused(tree: Path):
    with pytest.raises(Permanent, match="given twice"):
        publish(tree, [*docs({"a": "1"}), *docs({"a": "2"})])


def test_a_file_cannot_also_be_a_folder(tree: Path):
    publish(tree, docs({"de": "a file"}))

    with pytest.raises(Permanent, match="needs it to be a folder"):
        publish(tree, docs({"de/index.html": "x"}))
    assert held(tree) == {"de": "a file"}


# Two at once ----------------------------------------------------------------------------------


def test_two_channels_publishing_at_once_lose_nothing(tree: Path):
    def run(name: str) -> None:
        for number in range(15):
            publish(tree, docs({f"{name}/{number}.html": name, f"{name}.html": str(number)}))

    threads = [threading.Thread(target=run, args=(name,)) for name in ("web", "feed")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = {f"{name}/{number}.html": name for name in ("web", "feed") for number in range(15)}
    assert held(tree) == expected | {"web.html": "14", "feed.html": "14"}


def test_a_reader_never_meets_half_a_site(tree: Path):
    publish(tree, docs({"a": "0", "b": "0"}))
    done = threading.Event()

    def run() -> None:
        for number in range(1, 60):
            publish(tree, docs({"a": str(number), "b": str(number)}))
        done.set()

    writer = threading.Thread(target=run)
    writer.start()
    seen = set()
    while not done.is_set():
        folder = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)  # what one request resolves to
        try:
            seen.add(tuple(_read(folder, name) for name in ("a", "b")))
        except FileNotFoundError:
            pass  # two whole publications passed between opening and reading
        finally:
            os.close(folder)
    writer.join()

    assert len(seen) > 1
    assert all(a == b for a, b in seen)


def _read(folder: int, name: str) -> bytes:
    file = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(file, 100)
    finally:
        os.close(file)


# Failing and dying ----------------------------------------------------------------------------


def in_child(act: Callable[[], Any]) -> int:
    """Run in a process of its own and give its exit status, so that it may really die."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except Transient:
            os._exit(3)
        except BaseException:
            os._exit(4)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


STEPS = frozenset(
    {
        "open",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.rename",
        "os.remove",
        "os.rmdir",
        "shutil.rmtree",
        "os.listdir",
        "os.scandir",
    }
)


def dies_before_step(number: int, act: Callable[[], Any]) -> Callable[[], None]:
    """Run ``act`` and end the process, as ``kill -9`` does, before its n-th system step."""

    def run() -> None:
        left = number

        def hook(event: str, _arguments: Any) -> None:
            nonlocal left
            if event in STEPS:
                left -= 1
                if left < 0:
                    os._exit(9)

        sys.addaudithook(hook)
        act()

    return run


def test_killed_at_any_step_the_site_is_the_old_or_the_new_one(tmp_path: Path):
    seen = []
    for number in range(1000):
        tree = tmp_path / str(number) / "www"
        publish(tree, docs({"index.html": "older"}))
        publish(tree, docs(OLD))
        status = in_child(dies_before_step(number, lambda t=tree: publish(t, docs(NEW))))
        assert status in (0, 9)

        found = held(tree)
        assert found in (OLD, AFTER)
        seen.append(found == AFTER)
        publish(tree, docs(NEW))  # the next attempt heals what the crash left
        assert held(tree) == AFTER
        left = [entry.name for entry in (tree.parent / ".www-releases").iterdir()]
        assert all(name.isdigit() for name in left)
        assert len(left) <= 3
        if status == 0:
            break

    assert len(seen) > 20
    assert seen[0] is False
    assert seen[-1] is True
    assert seen == sorted(seen)


def test_killed_while_adopting_a_folder_nothing_is_lost(tmp_path: Path):
    steps = 0
    for number in range(1000):
        tree = tmp_path / str(number) / "www"
        for path, text in OLD.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
        status = in_child(dies_before_step(number, lambda t=tree: prepare(t)))
        assert status in (0, 9)
        steps += 1

        publish(tree, docs(NEW))
        assert held(tree) == AFTER
        if status == 0:
            break

    assert steps > 20


def test_a_full_disk_leaves_the_old_site_and_says_transient(tree: Path):
    publish(tree, docs(OLD))
    before = os.readlink(tree)

    def act() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        publish(tree, docs({"index.html": "x" * 5000}))

    assert in_child(act) == 3
    assert os.readlink(tree) == before
    assert held(tree) == OLD
    assert [p.name for p in (tree.parent / ".www-releases").iterdir() if "part" in p.name] == []


def test_an_unwritable_place_is_transient_and_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(Transient, match="www: could not be published"):
        publish(tmp_path / "file" / "www", docs(OLD))

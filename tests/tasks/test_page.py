"""Every command of the page on tasks runs, on a small corpus."""

import shlex

from tests.docs.pages import commands
from tests.docs.section import ROOT

SMALL = ("--steps", "3", "--hidden", "4", "--seq-len", "8", "--batch-size", "4", "--workers", "1", "--quiet")


def test_the_commands_of_the_page(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names").mkdir()
    for label, letters in (("Italian", "ro"), ("German", "sch")):
        names = "".join(f"{letters}{'aeiou'[n % 5] * (1 + n // 5)}\n" for n in range(15))
        (tmp_path / "names" / f"{label}.txt").write_text(names)
    (tmp_path / "stars.tsv").write_text("".join(f"{'a fine film'[:n]}x\t{n}\n" for n in range(1, 11)))
    (tmp_path / "novel.txt").write_text("".join(f"The cat sat on {n} mats\n" for n in range(20)))
    for name in ("train", "dev", "test"):
        (tmp_path / f"{name}.tsv").write_text("".join(f"{word}\t{' '.join(word)}\n" for word in names.split()))
    lines = commands((ROOT / "charlm" / "tasks" / "README.md").read_text(encoding="utf-8"))
    assert len(lines) > 8
    for line in lines:
        given, _, command = line.rpartition(" | ")
        arguments = shlex.split(command)[1:]
        arguments += SMALL if arguments[0] == "train" else ()  # the last of two values counts
        ended = call(*arguments, stdin=given.removeprefix("echo ").strip('"').encode() + b"\n")
        assert ended.code == 0, (line, ended.err)

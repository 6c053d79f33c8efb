"""What the findings mean in Chinese: all of them, and only for who reads it."""

from __future__ import annotations

import io
import re

import pytest

from opskit.areas import chinese, load_chinese, load_findings
from opskit.completion.cli import tree
from opskit.core.finding import Finding
from opskit.core.language import reads_chinese
from opskit.ui.screen import Screen

HAN = re.compile("[\u4e00-\u9fff]")


def test_every_finding_has_its_meaning_and_what_to_do_and_nothing_else_has() -> None:
    texts = {(area, name) for area, named in load_chinese().items() for name in named}
    kinds = {(area, kind.id) for area, kind in load_findings()}
    assert sorted(kinds - texts) == [], "these lack a line in the findings_zh.py of their area"
    assert sorted(texts - kinds) == [], "these are no findings any more"


def test_each_text_is_chinese_and_one_line() -> None:
    for area, named in load_chinese().items():
        for name, texts in named.items():
            assert len(texts) == 2, (area, name)
            for text in texts:
                # What to do can be a command alone.
                assert HAN.search(text) or text[0].isascii(), (area, name, text)
            assert HAN.search(texts[0]), (area, name)
            for text in texts:
                assert "\n" not in text, (area, name)
                assert text == text.strip(" 。"), (area, name, text)


def test_commands_and_options_that_they_name_exist() -> None:
    nodes = {node.path: node for node in tree().walk()}
    options = {name for node in nodes.values() for option in node.options for name in option.names}
    foreign = {"--cleanup-only", "--dupes", "--duplicates", "--failed", "--init", "--show", "--verifydb"}
    foreign |= {"--health-cmd", "--namespace", "--vacuum-files"}
    for named in load_chinese().values():
        for name, texts in named.items():
            for text in texts:
                for words in re.findall(r"opskit(?: [a-z]+)+", text):
                    assert any(words.startswith(path) for path in nodes if " " in path), (name, words)
                assert set(re.findall(r"--[a-z][a-z-]+", text)) <= options | foreign, (name, text)


# What to do in English is weaker: to look, to leave it, or that nothing is to be done. In Chinese it may not destroy.
HARMFUL = {
    ("yum", "holder-idle"): "结束它$",
    ("yum", "check-duplicates"): "remove|cleandupes",
    ("yum", "check-rpm-database"): "rebuild",
    ("yum", "unfinished-transaction"): "transaction(?! --cleanup-only)",
    ("yum", "lock-zombie"): "重启",
    ("usage", "delete-linked"): "删除",
    ("usage", "delete-shared"): "删除",
    ("usage", "delete-packaged"): "remove",
    ("disk", "stale-partitions"): "partprobe|rereadpt",
    ("disk", "table-not-read"): "partprobe|重启",
    ("disk", "metadata-at-end"): "pvchange",
    ("disk", "silent-mount"): "卸载",
}


@pytest.mark.parametrize(("area", "name"), HARMFUL)
def test_what_to_do_goes_no_further_than_in_english(area: str, name: str) -> None:
    assert not re.search(HARMFUL[area, name], load_chinese()[area][name][1].replace("不要因此结束它", ""))


@pytest.mark.parametrize(
    ("environ", "reads"),
    [
        ({}, False),
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "zh_CN"}, True),
        ({"LANG": "zh_TW.Big5"}, True),
        ({"LANG": "zh"}, True),
        ({"LANG": "zha_CN"}, False),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, True),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, False),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": ""}, True),
        ({"LC_ALL": "C", "LC_MESSAGES": "zh_CN.UTF-8", "LANG": "zh_CN.UTF-8"}, False),
        ({"LC_ALL": "C.UTF-8", "LANGUAGE": "zh_CN"}, False),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, True),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en:zh_CN"}, False),
        ({"LANGUAGE": "zh_CN"}, False),
    ],
)
def test_who_reads_chinese(environ: dict[str, str], reads: bool) -> None:
    assert reads_chinese(environ, None) is reads


@pytest.mark.parametrize(
    ("encoding", "reads"), [("utf-8", True), ("gb18030", True), ("gbk", True), ("ascii", False), ("latin-1", False)]
)
def test_not_where_it_cannot_be_written(encoding: str, reads: bool) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert reads_chinese({"LANG": "zh_CN"}, stream) is reads


def test_the_title_of_a_finding_has_what_it_means_before_it() -> None:
    finding = Finding("nearly-full", "warning", "/data: 96% of the blocks are used")
    assert Screen("df", chinese=chinese).title(finding) == f"文件系统的空间快用完了: {finding.title}"
    assert Screen("df").title(finding) == finding.title


def test_the_meaning_is_that_of_the_area_of_the_command() -> None:
    texts = load_chinese()
    assert chinese("journal vacuum", "read-only") == texts["journal"]["read-only"][0]
    assert chinese("disk mount", "read-only") == texts["disk"]["read-only"][0]
    # As the commands themselves ask.
    assert chinese("opskit disk mount", "read-only") == texts["disk"]["read-only"][0]
    assert chinese("opskit service status", "not-running") == texts["service"]["not-running"][0]
    assert chinese("opskit", "no-such-id") == ""
    assert chinese("usage", "not-answering") == texts["usage"]["not-answering"][0]
    assert chinese("df", "left-over") == texts["opskit"]["left-over"][0]
    assert chinese("undo", "cannot-undo") == texts["history"]["cannot-undo"][0]
    # Of another area only where that is the only one.
    assert chinese("undo", "nearly-full") == texts["usage"]["nearly-full"][0]
    assert chinese("undo", "read-only") == ""
    assert chinese("nonsense", "no-such-id") == ""

"""The findings of this area in Chinese: what each means, and what to do. A test holds it against findings.py."""

from __future__ import annotations

CHINESE = {
    "host-not-in-inventory": ("计划里的一台主机已不在主机清单里", "用 -i 指定有它的清单，或者重新制定计划"),
    "host-not-in-plan": ("计划里的一个主机名在清单里指的是更多主机", "重新制定计划"),
    "check-did-not-answer": ("第一批的一台主机在改动之后没有回答检查", "先确认这台主机是否还正常工作，再继续其他主机"),
    "changes-hosts": (
        "这个命令会改动主机，而这里只许查看",
        "先用 opskit fleet plan 制定计划，再用 opskit fleet apply 执行",
    ),
    "no-lasting-plan": ("这个命令没有可以先制定、以后再执行的计划", "在每台主机上单独运行它"),
}

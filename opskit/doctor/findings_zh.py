"""The findings of this area in Chinese: what each means, and what to do. A test holds it against findings.py."""

from __future__ import annotations

CHINESE = {
    "capability-missing": (
        "这里的 root 缺少某些命令所需的能力",
        "在宿主机上运行，或给容器加上所列的能力",
    ),
    "config-passed-over": ("某个配置文件，或其中的某一项，不起作用", "按所示原因修改该文件"),
    "program-missing": ("缺少某条命令必需的程序", "用所示的命令安装"),
    "state-unusable": ("任何会改动主机的操作都无法开始", "按所示原因处理状态目录，或用 --state-dir 另指一处"),
}

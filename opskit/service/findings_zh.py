"""The findings of this area in Chinese: what each means, and what to do. A test holds it against findings.py."""

from __future__ import annotations

CHINESE = {
    "brought-back": ("别的管理者会重新启动该服务，或它正在启动", "按提示改那个管理者的设置"),
    "container-halted": ("服务所在的容器没有运行", "先启动容器"),
    "masked": ("单元被屏蔽，谁也启动不了", "systemctl unmask"),
    "no-such-service": ("没有叫这个名称的服务", "检查名称；在容器中则加 --container"),
    "nobody-starts-it": ("只看到该服务的进程，不知道由谁启动", "写单元或启动脚本的名称"),
    "not-answering": ("服务活着但不做事：被停住、冻结或不健康", "按提示恢复它"),
    "not-known": ("无法判断服务是否在运行：已知的互相矛盾", "按证据逐条核对"),
    "not-running": ("服务已停止或已死", "opskit service ensure 服务名"),
    "not-yet": ("服务正在启动", "稍后再看"),
    "pid-of-another": ("pid 文件指向另一个更早的进程", "核实后删除该 pid 文件"),
    "restarts": ("服务自己反复重启：它一再退出", "查看退出原因和最后的日志"),
    "script-lies": ("启动脚本说的与实际不符", "以 opskit 的结论为准；改正脚本"),
    "still-lives": ("服务活着但不应答：再启动一个也没用", "先查明原因，再停止旧的"),
    "zombie": ("服务的进程已结束，而父进程没有回收", "容器用 --init 启动，或重启父进程"),
}

"""The findings of this area in Chinese: what each means, and what to do. A test holds it against findings.py."""

from __future__ import annotations

CHINESE = {
    "check-dependencies": ("有软件包缺少依赖", "dnf check 查看，再补装或卸载"),
    "check-duplicates": (
        "同一软件包装了多个版本",
        "dnf check --duplicates，或 package-cleanup --dupes 列出；先看清再处理",
    ),
    "check-rpm-database": ("rpm 数据库可能已损坏", "rpm --verifydb 检查"),
    "holder-idle": ("持有锁的进程一直空闲", "再看一次：慢的镜像站看上去也是这样；不要因此结束它"),
    "holder-is-a-service": ("锁由某个服务持有，它可能自己再启动", "opskit yum why 查看，--hold 暂停它"),
    "in-transaction": ("持有者正在安装或升级：现在结束它会留下装了一半的软件包", "等它结束：opskit yum wait"),
    "lock-held": ("有进程持有锁并在工作", "opskit yum wait"),
    "lock-malformed": ("锁文件中没有写进程号", "opskit yum unlock"),
    "lock-not-readable": ("看不到锁", "以 root 运行"),
    "lock-outside": ("锁由本 pid 命名空间之外的进程持有", "在宿主机上查看"),
    "lock-reused": ("锁中的进程号已是另一个进程", "opskit yum unlock"),
    "lock-stale": ("持有锁的进程已经结束", "opskit yum unlock"),
    "lock-stopped": ("持有锁的进程被暂停了", "fg 或 kill -CONT 让它继续"),
    "lock-waiting-at-a-prompt": ("持有锁的进程在等人回答", "找到那个终端并回答"),
    "lock-zombie": ("持有锁的进程已结束，父进程还没有回收", "opskit yum unlock；yum 下次运行也会自己接管"),
    "no-pidfd": ("内核或 Python 不能通过 pidfd 发信号，而进程号可能被重用", "按提示手工处理"),
    "no-systemd": ("systemd 没有运行", "在宿主机上运行"),
    "not-a-file": ("锁不是普通文件", "查明是谁创建的"),
    "not-held": ("某个定时器或服务没有被暂停", "检查单元名"),
    "not-readable": ("某个文件或进程看不到", "以 root 运行"),
    "only-waiting-is-safe": ("只有等待是安全的", "opskit yum wait"),
    "orphaned-scriptlet": ("软件包的脚本还在运行，而包管理器已不在", "等它结束，再检查该软件包"),
    "rpm-database-no-room": ("没有空间复制并重建 rpm 数据库", "先腾出空间：opskit du /var"),
    "rpm-database-open": ("有进程打开着 rpm 数据库", "等它结束：opskit yum wait"),
    "rpm-database-recovery": ("被杀掉的进程使 rpm 打不开它的 Berkeley DB（DB_RUNRECOVERY）", "opskit yum unlock"),
    "runs-without-lock": ("有包管理器在运行但没有持有锁", "等它结束"),
    "systemd-silent": ("systemd 没有应答", "稍后重试，或检查 systemd"),
    "taken-over": ("这个锁不需要处理", "无需处理"),
    "unfinished-transaction": (
        "有一次事务没有完成",
        "dnf history list 查看，或 yum-complete-transaction --cleanup-only",
    ),
}

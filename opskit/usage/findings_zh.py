"""The findings of this area in Chinese: what each means, and what to do. A test holds it against findings.py."""

from __future__ import annotations

CHINESE = {
    "delete-frees": ("删除包含多少条目，立即释放多少", "无需处理"),
    "delete-fstab": ("fstab 中有要删除的东西", "留着它，或先从 fstab 中去掉该条目"),
    "delete-gone": ("要删除的东西已经不在", "重新扫描"),
    "delete-immutable": ("要删除的东西删不掉：不可修改、只能追加或只读", "确认无妨后 chattr -i，或重新挂载"),
    "delete-in-use": ("有进程或内核需要要删除的东西", "先停止那个进程"),
    "delete-linked": ("文件在别处还有名称，占用不会释放", "无需处理；占用要等其他名称也没有了才释放"),
    "delete-mount-point": ("那里是挂载点、被挂载到别处，或是 overlay 的一层", "先卸载"),
    "delete-opened": ("正被进程读的文件要等它关闭才释放空间", "重启那个进程"),
    "delete-other-filesystem": ("其中一部分在另一个文件系统或子卷上", "分别删除"),
    "delete-packaged": ("软件包的文件在要删除的范围内", "留着它；确实不要了才先卸载那个软件包"),
    "delete-shared": ("快照和 reflink 共享的空间不会释放", "无需处理；占用要等共享它的快照和副本也没有了才释放"),
    "delete-system": ("要删除的是系统的一部分，或包含系统的一部分", "不要删除；任何选项都绕不过这条"),
    "delete-unit": ("有 systemd 单元用到要删除的东西", "留着它，或先停用那个单元"),
    "delete-unreadable": ("要删除的东西看不到，或无权删除", "以 root 运行"),
    "delete-unseen": ("有进程看不到，它们可能需要要删除的东西", "以 root 运行"),
    "deleted-open": ("已删除但仍被打开的文件占了文件系统的很大一部分", "opskit df --deleted 列出，再重启那些进程"),
    "fills-soon": ("照此增长，文件系统几天内就会写满", "opskit du --diff last 看是什么在增长"),
    "nearly-full": ("文件系统的空间快用完了", "opskit df --why 找出原因"),
    "nearly-out-of-inodes": ("文件系统的 inode 快用完了", "opskit du -i 找出小文件最多的目录"),
    "not-answering": ("文件系统没有应答", "检查 NFS 等服务器，或卸载它"),
}

"""The file systems that files lie on."""

from pathlib import Path

import psutil

NETWORK = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "gpfs", "lustre"),
        *("nfs", "nfs4", "smb3", "smbfs", "webdav"),
    }
)
"""The types of file systems that several machines may share."""


def network_file_system(path: Path) -> str | None:
    """Return the type of the network file system that `path` is on; None if it is on no such."""
    folder = path.resolve().parent
    mounted = {Path(p.mountpoint): p.fstype for p in psutil.disk_partitions(all=True)}
    on = next((mounted[parent] for parent in (folder, *folder.parents) if parent in mounted), None)
    return on if on in NETWORK else None

"""File systems of a test's own, in a mount namespace of its own: small ones in memory, and ext4 on
an image, which can be cut off as by a power failure or turned read-only under whoever writes.
"""
import fcntl
import os
import shutil
import struct
import subprocess
import sys

from offices import expect, wait

NO_RIGHTS = 77
INSIDE = "LIENTHONG_TEST_MOUNTS"
SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
NO_FLUSH = 2           # what is not on the disk is lost


def enter_namespace():
    """Runs this program again where it may mount; without the right to, it counts as skipped."""
    if os.environ.get(INSIDE):
        return
    os.environ[INSIDE] = "1"
    unshare = shutil.which("unshare") or "/usr/bin/unshare"
    for options in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        command = [unshare, *options, "--propagation", "private"]
        try:
            tried = subprocess.run(command + ["mount", "-t", "tmpfs", "-o", "size=1m", "none",
                                              "/mnt"], capture_output=True, check=False)
        except OSError:
            continue
        if tried.returncode == 0:
            os.execv(unshare, command + [sys.executable, "-B", *sys.argv])
    print("not tried: no right to mount a file system of its own")
    sys.exit(NO_RIGHTS)


class Disk:
    """A file system at a folder, and what fills it."""

    def __init__(self, folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.folder, self.ballast = folder, os.path.join(folder, "ballast")

    def fill(self):
        """To the last byte."""
        with open(self.ballast, "ab", buffering=0) as file:
            for size in (1 << 16, 4096, 512):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    pass
        found = os.statvfs(self.folder)
        expect(found.f_bavail * found.f_frsize < 8192, "the disk is not full")

    def free(self):
        os.remove(self.ballast)

    def has_reserve(self):
        path = os.path.join(self.folder, "reserve")
        return os.path.exists(path) and os.stat(path).st_blocks * 512 >= 16 << 20


class MemoryDisk(Disk):
    def __init__(self, folder, megabytes):
        super().__init__(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "none",
                        folder], check=True)


class ImageDisk(Disk):
    """ext4 on a loop device."""

    def __init__(self, folder, megabytes):
        super().__init__(folder)
        self.image = folder + ".img"
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", self.image], check=True,
                       capture_output=True)
        self.mount()
        os.chmod(folder, 0o700)
        # An empty folder is asked for where an office is set up.
        os.rmdir(os.path.join(folder, "lost+found"))

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.folder], check=True,
                       capture_output=True)

    def unmount(self):
        subprocess.run(["umount", self.folder], check=True, capture_output=True)

    def lose_power(self):
        """What was not synced is gone, and nothing more is taken. Whoever used it must have ended
        before restore_power()."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NO_FLUSH))
        finally:
            os.close(folder)

    def restore_power(self):
        self.unmount()
        self.mount()

    def turn_read_only(self):
        """As the kernel does when it finds the file system damaged."""
        subprocess.run(["mount", "-o", "remount,abort", self.folder], check=False,
                       capture_output=True)

    def turn_back(self):
        """A new mount, in place of the one that is read-only, once nobody uses that any more."""
        subprocess.run(["umount", "-l", self.folder], check=True, capture_output=True)
        wait("the old mount is gone", lambda: not self.devices())
        self.mount()

    def devices(self):
        """Loop devices that lie on the image."""
        return subprocess.run(["losetup", "-j", self.image], check=True,
                              capture_output=True).stdout


def why_no_images(folder):
    """Why there can be no ImageDisk that loses power here; empty: there can."""
    probe = os.path.join(folder, "probe")
    try:
        disk = ImageDisk(probe, 8)
        disk.lose_power()
        disk.restore_power()
        disk.unmount()
        os.remove(disk.image)
    except (OSError, subprocess.CalledProcessError) as wrong:
        return f"no file system that can be cut off: {wrong}"
    return ""

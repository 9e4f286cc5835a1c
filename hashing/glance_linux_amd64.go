package hashing

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A glance reads small files with four system calls that do not wait: it is what makes many of them fast. Files that it
// can't be sure of are left to rawDir.slurp.
//
// What it saves is to look at a file before reading it. A change, but for one through a mapping that is in use already,
// sets the file's ctime to the time of the system, so that a file whose ctime, after reading, is two seconds older than
// the glance (as coarse as clocks of file systems are) did not change meanwhile, and kept its name. It also
// saves telling the scheduler of system calls, which is only right where they can't wait: the file must be on a file
// system of this machine, and in memory. Others would hold up all goroutines, and for good if one of them is to answer.
type glance struct {
	ok    bool
	since int64 // when it began
	name  [256]byte
}

// glance has files of the directory read at a glance from now on, if they can be.
func (d *rawDir) glance() {
	var st unix.Statfs_t
	if d.follow || unix.Fstatfs(d.fd, &st) != nil {
		return
	}
	switch st.Type {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC: // of ext2 and ext3 too
		d.glimpse.ok, d.glimpse.since = true, time.Now().UnixNano()
	}
}

// slurp is rawDir.slurp for a file that was not looked at before. It is nil if that must do it, with nothing changed.
func (g *glance) slurp(d *rawDir, want *file, name string, room func(size int64) []byte) []byte {
	if len(name) >= len(g.name) { // which no file of these systems is
		return nil
	}
	g.name[copy(g.name[:], name)] = 0 // there is none in it, or listing would have refused it
	fd, err := openCached(d.fd, &g.name[0])
	if err != 0 {
		g.ok = err == unix.EAGAIN // else it may not work for the others, or this one ends the run
		return nil
	}
	buf := room(glanceSize)
	n, err := readCached(fd, buf)
	var st unix.Stat_t
	if err == 0 {
		_, _, err = syscall.RawSyscall(unix.SYS_FSTAT, uintptr(fd), uintptr(unsafe.Pointer(&st)), 0)
	}
	syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	if err != 0 {
		g.ok = err == unix.EAGAIN
		return nil
	}
	now := statusOfSys(&st)
	switch {
	case now.mode != 0 || now.size != int64(n) || n == len(buf):
	case now.ctime >= g.since-int64(racy):
	case time.Now().UnixNano() < g.since: // the clock was set back
	default:
		want.stamp = now.stamp
		return buf[:n]
	}
	return nil
}

// openCached opens a file, unless it is a link, mounted from another file system, or that takes looking at the disk.
func openCached(dir int, name *byte) (int, syscall.Errno) {
	const resolveCached = 0x20 // see openat2(2)
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_XDEV | resolveCached}
	fd, _, errno := syscall.RawSyscall6(unix.SYS_OPENAT2, uintptr(dir), uintptr(unsafe.Pointer(name)),
		uintptr(unsafe.Pointer(&how)), unix.SizeofOpenHow, 0, 0)
	return int(fd), errno
}

// readCached reads from the beginning of a file what is in memory.
func readCached(fd int, buf []byte) (int, syscall.Errno) {
	v := unix.Iovec{Base: &buf[0]}
	v.SetLen(len(buf))
	n, _, errno := syscall.RawSyscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1, 0, 0, unix.RWF_NOWAIT)
	return int(n), errno
}

package hashing

import (
	"time"

	"golang.org/x/sys/unix"
)

// A glance reads a small file without looking at it before. Where the system sets the ctime of a file whenever it changes
// (but for what the package's documentation names), a file whose ctime, after reading, is older than the glance
// did not change meanwhile, and kept its name. Older means by more than racy, since clocks of file systems are coarse.
type glance struct {
	began int64 // 0 if files can't be read at a glance
	dev   uint64
}

// startGlances has files of the directory, which is of the given identity, read at a glance if they can be.
func (d *rawDir) startGlances(id identity) {
	if d.follow {
		return
	}
	switch fileSystem(d.fd) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC: // of ext2 and ext3 too
		d.glance = glance{time.Now().UnixNano(), id.dev}
	}
}

// read returns the content of an open file and its stamp, or false if it may have changed, or is not such a file. Its
// memory is that of room, which has some for as much.
func (g glance) read(fd int, room func(size int64) []byte) ([]byte, stamp, bool) {
	buf := room(glanceSize)
	n, err := unix.Pread(fd, buf, 0)
	if err != nil || n == len(buf) {
		return nil, stamp{}, false
	}
	now, err := fstat(fd)
	switch {
	case err != nil || now.mode != 0 || now.size != int64(n):
	case now.id.dev != g.dev: // what is mounted there may be of another file system
	case now.ctime >= g.began-int64(racy):
	case time.Now().UnixNano() < g.began: // the clock was set back
	default:
		return buf[:n], now.stamp, true
	}
	return nil, stamp{}, false
}

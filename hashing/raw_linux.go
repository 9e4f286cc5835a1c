package hashing

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	hasRawDirs = true
	onlyDir    = unix.O_DIRECTORY
)

// A rawDir is an open directory whose entries are looked up and read by system calls alone. An [os.File] for each
// would take two dozen allocations, and twice as long as hashing a small file does.
//
// It is asked for plain names, without a slash, and does not follow links unless the tree does, so that nothing
// outside of the directory is reached: the guarantee of [os.Root].
type rawDir struct {
	dir    *os.File
	follow bool
}

func rawDirOf(dir *os.File, follow bool) *rawDir { return &rawDir{dir, follow} }

// stat describes the file that the name stands for.
func (d *rawDir) stat(name string, follow bool) (status, error) {
	defer runtime.KeepAlive(d.dir) // whose finalizer would close the descriptor
	fd, flags := int(d.dir.Fd()), 0
	if !follow {
		flags = unix.AT_SYMLINK_NOFOLLOW
	}
	for {
		var st unix.Stat_t
		err := unix.Fstatat(fd, name, &st, flags)
		if err == nil {
			return statusOfSys(&st), nil
		}
		if err != unix.EINTR {
			return status{}, &fs.PathError{Op: "fstatat", Path: name, Err: err}
		}
	}
}

// open returns the descriptor of a file. It does not wait for the other end if that is a FIFO.
func (d *rawDir) open(name string, follow bool) (int, error) {
	defer runtime.KeepAlive(d.dir)
	flags := unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	for {
		fd, err := unix.Openat(int(d.dir.Fd()), name, flags, 0)
		if err == nil {
			return fd, nil
		}
		if err != unix.EINTR {
			return -1, &fs.PathError{Op: "openat", Path: name, Err: err}
		}
	}
}

// slurp does what file.slurp does. It takes the stamp of a file that was not looked at before; that was no link.
func (d *rawDir) slurp(want *file, name string, room func(size int64) []byte) ([]byte, error) {
	follow := d.follow && want.seen()
	fd, err := d.open(name, follow)
	if err != nil {
		now, failed := d.stat(name, follow)
		return nil, want.unopened(err, now, failed)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("fstat: %w", err)
	}
	now := statusOfSys(&st)
	if !want.seen() {
		want.stamp = now.stamp
	}
	if err := want.check(now); err != nil {
		return nil, err
	}
	buf := room(want.size)
	if buf == nil {
		return nil, nil
	}
	n, err := preadFull(fd, buf)
	if err != nil {
		return nil, err
	}
	if int64(n) != want.size {
		return nil, ErrChanged
	}
	return buf[:n], want.unchanged(d.stat(name, follow))
}

// preadFull reads until buf is full or the file ends. A file that gives all but the last byte that it is asked for has
// ended, and is not asked again.
func preadFull(fd int, buf []byte) (n int, err error) {
	for n < len(buf)-1 || n == 0 {
		m, err := unix.Pread(fd, buf[n:], int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, fmt.Errorf("pread: %w", err)
		case m == 0:
			return n, nil
		default:
			n += m
		}
	}
	return n, nil
}

func statusOfSys(st *unix.Stat_t) status {
	s := status{stamp: stamp{st.Size, st.Mtim.Nano(), identity{uint64(st.Dev), uint64(st.Ino)}}}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		s.mode = fs.ModeDir
	case unix.S_IFLNK:
		s.mode = fs.ModeSymlink
	default:
		s.mode = fs.ModeIrregular
	}
	return s
}

package hashing

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
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

// lstat describes an entry without following it if it is a link.
func (d *rawDir) lstat(name string) (status, error) { return d.stat(name, unix.AT_SYMLINK_NOFOLLOW) }

// again describes the file that the name stands for.
func (d *rawDir) again(name string) (status, error) {
	if d.follow {
		return d.stat(name, 0)
	}
	return d.lstat(name)
}

func (d *rawDir) stat(name string, flags int) (status, error) {
	defer runtime.KeepAlive(d.dir) // whose finalizer would close the descriptor
	fd := int(d.dir.Fd())
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
func (d *rawDir) open(name string) (int, error) {
	defer runtime.KeepAlive(d.dir)
	flags := unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC
	if !d.follow {
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

// slurp does what file.slurp does.
func (d *rawDir) slurp(in folder, want *file, name string, buf []byte) (int, error) {
	fd, err := d.open(name)
	if err != nil {
		return 0, want.unopened(in, name, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, fmt.Errorf("fstat: %w", err)
	}
	if err := want.check(statusOfSys(&st)); err != nil {
		return 0, err
	}
	return preadFull(fd, buf)
}

// preadFull reads until buf is full or the file ends.
func preadFull(fd int, buf []byte) (n int, err error) {
	for n < len(buf) {
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

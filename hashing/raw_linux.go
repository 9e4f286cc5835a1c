package hashing

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

const hasRawDirs = true

// A rawDir is an open directory whose entries are looked up and read by system calls alone. An [os.File] for each
// would take two dozen allocations, and twice as long as hashing a small file does.
//
// It is asked for plain names, without a slash, and does not follow links unless the tree does, so that nothing
// outside of the directory is reached: the guarantee of [os.Root].
type rawDir struct {
	fd     int
	follow bool
	glance glance
}

// openRawDir opens the directory at path p, and nothing else. Below top no link is followed.
func openRawDir(fsys fs.FS, top *os.File, p string, follow bool) (*rawDir, error) {
	if dir, ok := fsys.(linkFS); ok {
		fd, err := openat(unix.AT_FDCWD, dir.join(p), unix.O_DIRECTORY)
		if err != nil {
			return nil, err
		}
		return &rawDir{fd: fd, follow: follow}, nil
	}
	defer runtime.KeepAlive(top) // whose cleanup would close the descriptor
	above, fd := -1, int(top.Fd())
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	if at, err := unix.Openat2(fd, p, &how); err == nil {
		return &rawDir{fd: at, follow: follow}, nil
	}
	// Old systems and some sandboxes don't have openat2, which takes no path of more than 4 KiB either.
	for name := range strings.SplitSeq(p, "/") {
		next, err := openat(fd, name, unix.O_DIRECTORY|unix.O_NOFOLLOW)
		if above >= 0 {
			unix.Close(above)
		}
		if err != nil {
			return nil, err
		}
		above, fd = next, next
	}
	return &rawDir{fd: fd, follow: follow}, nil
}

// openat returns the descriptor of a file. It does not wait for the other end if that is a FIFO.
func openat(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err == nil {
			return fd, nil
		}
		if err != unix.EINTR {
			return -1, &fs.PathError{Op: "openat", Path: name, Err: err}
		}
	}
}

func (d *rawDir) close() { unix.Close(d.fd) }

// status describes the directory itself.
func (d *rawDir) status() (status, error) { return fstat(d.fd) }

func fstat(fd int) (status, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return status{}, fmt.Errorf("fstat: %w", err)
	}
	return statusOfSys(&st), nil
}

// stat describes the file that the name stands for.
func (d *rawDir) stat(name string, follow bool) (status, error) {
	flags := 0
	if !follow {
		flags = unix.AT_SYMLINK_NOFOLLOW
	}
	for {
		var st unix.Stat_t
		err := unix.Fstatat(d.fd, name, &st, flags)
		if err == nil {
			return statusOfSys(&st), nil
		}
		if err != unix.EINTR {
			return status{}, &fs.PathError{Op: "fstatat", Path: name, Err: err}
		}
	}
}

// slurp does what file.slurp does. It takes the stamp of a file that was not looked at before; that was no link.
func (d *rawDir) slurp(want *file, name string, room func(size int64) []byte) ([]byte, error) {
	follow, flags := d.follow && want.seen(), 0
	if !follow {
		flags = unix.O_NOFOLLOW
	}
	fd, err := openat(d.fd, name, flags)
	if err != nil {
		now, failed := d.stat(name, follow)
		return nil, want.unopened(err, now, failed)
	}
	defer unix.Close(fd)
	if d.glance.began != 0 && !want.seen() {
		if data, s, ok := d.glance.read(fd, room); ok {
			want.stamp = s
			return data, nil
		}
		d.glance.began = 0 // what is with it is probably as new, or as large
	}
	now, err := fstat(fd)
	if err != nil {
		return nil, err
	}
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
	// On the common file systems whatever takes its name from a file sets the file's ctime; elsewhere the digest is of
	// what had the name when it was opened. But so does what changes nothing here, such as chmod.
	if !follow {
		if after, err := fstat(fd); err == nil && after == now {
			return buf[:n], nil
		}
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

// fileSystem returns the number of the kind of file system that an open file is of, as in statfs(2), or 0.
func fileSystem(fd int) uint32 {
	var st unix.Statfs_t
	if unix.Fstatfs(fd, &st) != nil {
		return 0
	}
	return uint32(st.Type)
}

func statusOfSys(st *unix.Stat_t) status {
	s := status{stamp: stamp{st.Size, st.Mtim.Nano(), identity{uint64(st.Dev), uint64(st.Ino)}, st.Ctim.Nano()}}
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

package hashing

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Glance returns the content of a file in the directory, as of a glance that begins now, or false if that may be wrong.
// The directory may be said to be of another file system.
func Glance(dir, name string, now time.Time, other bool) (data []byte, ok bool, err error) {
	d, err := openRawDir(linkFS(dir), nil, ".", false)
	if err != nil {
		return nil, false, err
	}
	defer d.close()
	in, err := d.status()
	if err != nil {
		return nil, false, err
	}
	if d.startGlances(in.id); d.glance.began == 0 {
		return nil, false, os.ErrInvalid
	}
	d.glance.began = now.UnixNano()
	if other {
		d.glance.dev++
	}
	fd, err := openat(d.fd, name, unix.O_NOFOLLOW)
	if err != nil {
		return nil, false, err
	}
	defer unix.Close(fd)
	data, _, ok = d.glance.read(fd, func(size int64) []byte { return make([]byte, size+1) })
	return data, ok, nil
}

// Mappable reports whether the file may be mapped.
func Mappable(f *os.File) bool { return mappable(f) }

// Map maps the first bytes of a file, and reports whether the system says that all are in memory, and whether they could
// be used.
func Map(f *os.File, n int) (inMem, touched bool, err error) {
	s := newSpace(1, int64(n))
	defer s.drop()
	s.need(1, int64(n))
	pages := s.all[:n]
	if err := s.mmap(pages, int(f.Fd()), 0, unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return false, false, err
	}
	return inMemory(f, 0, n), touch(pages), nil
}

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
	pages, err := unix.Mmap(int(f.Fd()), 0, n, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return false, false, err
	}
	defer unix.Munmap(pages)
	return inMemory(f, 0, n), touch(pages), nil
}

// Touch reports whether memory can be read.
func Touch(b []byte) bool { return touch(b) }

// Holds reports whether a fault at an address is one of data's.
func Holds(data []byte, addr uintptr) bool { return holds(data, addr) }

// A Space is for n mappings of the given size.
type Space struct{ s *space }

func NewSpace(n int, size int64) Space { return Space{newSpace(n, size)} }

func (s Space) Need(n int, size int64) { s.s.need(n, size) }

func (s Space) Load(f *os.File, off, n int64) ([]byte, error) { return s.s.load(f, off, n) }

func (s Space) Drop() { s.s.drop() }

// Free is what nothing is mapped into.
func (s Space) Free() []byte { return s.s.free }

package hashing

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A space is a range of addresses that is kept for files to be mapped into, so that all that was mapped there can be
// unmapped at once: each time that is done, the processors that run threads of this program are interrupted. What is
// not mapped can neither be read nor written. A nil space needs nothing.
type space struct {
	size int // in bytes
	all  []byte
	free []byte // the end of all
}

// newSpace returns a space for n mappings of the given size.
func newSpace(n int, size int64) *space { return &space{size: spaceFor(n, size)} }

// spaceFor counts for each mapping the rest of its first page and of its last.
func spaceFor(n int, size int64) int { return n * (int(size) + 2*os.Getpagesize()) }

// mappable reports whether the file is of a file system of this machine. What others are slow to answer would hold up
// all goroutines where it is mapped, since the thread that waits for a page is in no system call. On tmpfs holes that are
// mapped and used, even if only read, become memory.
func mappable(f *os.File) bool {
	defer runtime.KeepAlive(f)
	switch fileSystem(int(f.Fd())) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC:
		return populates()
	}
	return false
}

// populates reports whether the system can be asked for pages of a mapping, as Linux can since 5.14. Without that whoever
// uses the mapping would wait for the disk.
var populates = sync.OnceValue(func() bool {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return false
	}
	defer unix.Munmap(page)
	return unix.Madvise(page, unix.MADV_POPULATE_READ) == nil
})

// need sees that there is room for n mappings of the given size, no more than the space is for, if the system has any. What is
// there is unmapped if it is in the way.
func (s *space) need(n int, size int64) {
	if s == nil || len(s.free) >= spaceFor(n, size) {
		return
	}
	s.drop()
	const reserved = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(s.size), unix.PROT_NONE, reserved)
	if err == nil {
		s.all = unsafe.Slice((*byte)(p), s.size)
		s.free = s.all
	}
}

// load maps n bytes of the file from off on, and has their pages there. They stay until others need the room. After an error
// the space is not to be used for more.
func (s *space) load(f *os.File, off, n int64) ([]byte, error) {
	defer runtime.KeepAlive(f)
	page := int64(os.Getpagesize())
	before := off % page
	size := (before + n + page - 1) &^ (page - 1)
	if size > int64(len(s.free)) {
		return nil, unix.ENOMEM
	}
	pages := s.free[:before+n]
	_, err := unix.MmapPtr(int(f.Fd()), off-before, unsafe.Pointer(&pages[0]), uintptr(len(pages)),
		unix.PROT_READ, unix.MAP_SHARED|unix.MAP_FIXED)
	if err != nil {
		s.fail(int(size))
		return nil, err
	}
	s.free = s.free[size:]
	if !inMemory(f, off-before, len(pages)) || !touch(pages) {
		if err := unix.Madvise(pages, unix.MADV_POPULATE_READ); err != nil {
			return nil, err
		}
	}
	return pages[before:], nil
}

// drop unmaps all, and gives the addresses back until the next need.
func (s *space) drop() {
	if s != nil {
		unmap(s.all)
		s.all, s.free = nil, nil
	}
}

// fail is to be called when nothing could be mapped where n bytes begin that are free. The system may have taken these
// addresses away before it failed, and given them to others meanwhile, so that they are left alone for ever.
func (s *space) fail(n int) {
	unmap(s.free[n:])
	s.all, s.free = s.all[:len(s.all)-len(s.free)], nil
}

func unmap(b []byte) {
	if len(b) > 0 {
		unix.MunmapPtr(unsafe.Pointer(&b[0]), uintptr(len(b)))
	}
}

// inMemory reports whether the system has all of a range of the file in memory, and says so: Linux does since 6.5, about
// files that the user owns or may write to.
func inMemory(f *os.File, off int64, n int) bool {
	defer runtime.KeepAlive(f)
	var has unix.Cachestat_t
	err := unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{Off: uint64(off), Len: uint64(n)}, &has, 0)
	return err == nil && has.Cache*uint64(os.Getpagesize()) >= uint64(n)
}

// faultAround is how much the system maps at once where a page is used that is in memory.
const faultAround = 64 << 10

// touch uses a page of each such piece, which, with inMemory, takes a third less time than asking for all of them. It is
// false if the file ends before.
func touch(pages []byte) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { ok = recover() == nil }()
	var sum byte
	for i := 0; i < len(pages); i += faultAround {
		sum += pages[i]
	}
	runtime.KeepAlive(sum)
	return true
}

// holds reports whether a fault at an address is one of data's. Some architectures tell only the page of a fault. The
// address is compared, not used.
func holds(data []byte, addr uintptr) bool {
	if len(data) == 0 {
		return false
	}
	start := uintptr(unsafe.Pointer(&data[0]))
	before := start % uintptr(os.Getpagesize())
	return addr-(start-before) < before+uintptr(len(data))
}

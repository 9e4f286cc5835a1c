package hashing

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A space is a range of addresses that is kept for files to be mapped into. What was mapped there is unmapped all at
// once, since each time all processors that run threads of this program are interrupted. Nobody can use the rest. A nil
// space has no room.
type space struct {
	size int // in bytes
	all  []byte
	free []byte // the end of all
}

// newSpace returns a space for n mappings of the given size, or for more of less.
func newSpace(n int, size int64) *space { return &space{size: spaceFor(n, size)} }

// spaceFor counts for each mapping the rest of its first page and of its last.
func spaceFor(n int, size int64) int { return n * (int(size) + 2*os.Getpagesize()) }

// mappable reports whether the file is of a file system of this machine. What others are slow to answer would hold up
// all goroutines where it is mapped, since the thread that waits for a page is in no system call.
func mappable(f *os.File) bool {
	defer runtime.KeepAlive(f)
	switch fileSystem(int(f.Fd())) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC:
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

// need sees that there is room for n mappings of the given size, as far as the system allows. What is there is unmapped if
// it is in the way.
func (s *space) need(n int, size int64) {
	if s == nil || len(s.free) >= spaceFor(n, size) {
		return
	}
	const reserved = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	var err error
	if s.all == nil {
		s.all, err = unix.Mmap(-1, 0, s.size, unix.PROT_NONE, reserved)
	} else {
		err = s.mmap(s.all, -1, 0, unix.PROT_NONE, reserved)
	}
	if err == nil {
		s.free = s.all
	}
}

// load maps n bytes of the file from off on, and has their pages there. They stay until others need the room.
func (s *space) load(f *os.File, off, n int64) ([]byte, error) {
	if s == nil {
		return nil, unix.ENOMEM
	}
	defer runtime.KeepAlive(f)
	page := int64(os.Getpagesize())
	before := off % page
	size := (before + n + page - 1) &^ (page - 1)
	if size > int64(len(s.free)) {
		return nil, unix.ENOMEM
	}
	pages := s.free[:before+n]
	if err := s.mmap(pages, int(f.Fd()), off-before, unix.PROT_READ, unix.MAP_SHARED); err != nil {
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

// mmap puts a mapping in the place of a part of the space.
func (s *space) mmap(at []byte, fd int, off int64, prot, flags int) error {
	_, err := unix.MmapPtr(fd, off, unsafe.Pointer(&at[0]), uintptr(len(at)), prot, flags|unix.MAP_FIXED)
	return err
}

// drop unmaps all, and gives the addresses back until the next need.
func (s *space) drop() {
	if s != nil && s.all != nil {
		unix.Munmap(s.all)
		*s = space{size: s.size}
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

// holds reports whether the address is one of data's, or of a page's that they are in. It is that of a fault, which is only
// compared.
func holds(data []byte, addr uintptr) bool {
	if len(data) == 0 {
		return false
	}
	start := uintptr(unsafe.Pointer(&data[0]))
	before := start % uintptr(os.Getpagesize())
	return addr-(start-before) < before+uintptr(len(data))
}

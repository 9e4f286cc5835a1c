package hashing

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A mapping is a part of a file that is mapped into memory. Only the pages of what was loaded last need to be there; with
// them come those that the system keeps together with them.
type mapping struct {
	of    *os.File
	start int64 // where in the file it begins, at a page
	pages []byte
}

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

// load returns n bytes from off on, whose pages are there, in place of those before. What has to be mapped for it is
// twice as much, up to end, since to map and unmap takes a lock that other threads of the process use their mappings under.
func (m *mapping) load(f *os.File, off, n, end int64) ([]byte, error) {
	page := off &^ (int64(os.Getpagesize()) - 1)
	if m.of == f && m.start <= page && off+n <= m.start+int64(len(m.pages)) {
		unix.Madvise(m.pages, unix.MADV_DONTNEED)
	} else if err := m.mmap(f, page, off+min(2*n, end-off)); err != nil {
		return nil, err
	}
	pages := m.pages[page-m.start : off+n-m.start]
	if !inMemory(f, page, len(pages)) || !touch(pages) {
		if err := unix.Madvise(pages, unix.MADV_POPULATE_READ); err != nil {
			return nil, err
		}
	}
	return pages[off-page:], nil
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

func (m *mapping) mmap(f *os.File, start, end int64) error {
	m.drop()
	pages, err := unix.Mmap(int(f.Fd()), start, int(end-start), unix.PROT_READ, unix.MAP_SHARED)
	runtime.KeepAlive(f)
	if err == nil {
		*m = mapping{f, start, pages}
	}
	return err
}

// drop unmaps, so that the pages do not count as this program's memory any more.
func (m *mapping) drop() {
	if m.pages != nil {
		unix.Munmap(m.pages)
		*m = mapping{}
	}
}

// holds reports whether the address is mapped. It is that of a fault, which is only compared.
func (m *mapping) holds(addr uintptr) bool {
	return m.pages != nil && addr-uintptr(unsafe.Pointer(&m.pages[0])) < uintptr(len(m.pages))
}

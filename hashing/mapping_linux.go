package hashing

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A mapping is a part of a file that is mapped into memory, page by page.
type mapping struct{ pages []byte }

// mappable reports whether the file is of a file system of this machine. What others are slow to answer would hold up
// all goroutines where it is mapped, since the thread that waits for a page is in no system call.
func mappable(f *os.File) bool {
	defer runtime.KeepAlive(f)
	switch fileSystem(int(f.Fd())) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		return true
	}
	return false
}

// load maps n bytes from off on in place of what was mapped. Pages of the file that are in memory, or can be read,
// are there when it returns; the others fault when they are used.
func (m *mapping) load(f *os.File, off, n int64) ([]byte, error) {
	m.drop()
	lead := off % int64(os.Getpagesize())
	var err error
	m.pages, err = unix.Mmap(int(f.Fd()), off-lead, int(lead+n), unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
	runtime.KeepAlive(f)
	if err != nil {
		return nil, err
	}
	return m.pages[lead:], nil
}

// drop unmaps, so that the pages do not count as this program's memory any more.
func (m *mapping) drop() {
	if m.pages != nil {
		unix.Munmap(m.pages)
		m.pages = nil
	}
}

// holds reports whether the address is mapped. It is that of a fault, which is only compared.
func (m *mapping) holds(addr uintptr) bool {
	return m.pages != nil && addr-uintptr(unsafe.Pointer(&m.pages[0])) < uintptr(len(m.pages))
}

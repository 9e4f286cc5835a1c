package hashing_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

// mappableDir returns a directory whose files can be mapped.
func mappableDir(t *testing.T) string {
	dir := t.TempDir()
	f, err := os.Open(dir)
	must(t, err)
	defer f.Close()
	if !hashing.Mappable(f) {
		t.Skip("files are not mapped here; set TMPDIR to a directory on ext4, XFS, Btrfs or F2FS, on Linux 5.14 and later")
	}
	return dir
}

func random(n, seed int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

// However many streams there are, and however they end, a worker maps 16 MiB at most, and a few pages.
func TestMapped(t *testing.T) {
	root := mappableDir(t)
	for i, mib := range []int{24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 12, 12, 12, 12, 12, 12, 60} {
		p := filepath.Join(root, fmt.Sprint(i))
		must(t, os.WriteFile(p, nil, 0o666))
		must(t, os.Truncate(p, int64(mib)<<20))
	}
	for _, c := range []hashing.Configuration{
		hashing.Config(),
		hashing.Config().SetAllowSymlinks(true),
		hashing.Config().UseFileSerialization(hashing.Files{Algorithm: manifest.BLAKE3}),
	} {
		for _, workers := range []int{1, 2} {
			most := 0
			_, err := c.SetMapped(true).SetMaxWorkers(workers).SetProgress(func(hashing.Progress) {
				most = max(most, mapped(t, root))
			}).Hash(root)
			must(t, err)
			if left := mapped(t, root); left > 0 {
				t.Errorf("%d bytes are still mapped", left)
			}
			limit := workers * (16<<20 + 32*os.Getpagesize())
			if most < 8<<20 || most > limit { // what is hashed stays until there is no room
				t.Errorf("%d bytes were mapped by %d workers, want 8 MiB at least and up to %d", most, workers, limit)
			}
		}
	}
}

// mapped returns how many bytes of files below root are mapped.
func mapped(t *testing.T, root string) (n int) {
	maps, err := os.ReadFile("/proc/self/maps")
	must(t, err)
	var end uint64 // mappings that have become one while they were listed are there twice
	for line := range bytes.Lines(maps) {
		var from, to uint64
		_, err := fmt.Sscanf(string(line), "%x-%x", &from, &to)
		must(t, err)
		if strings.Contains(string(line), root) {
			n += int(to - min(max(from, end), to))
		}
		end = max(end, to)
	}
	return n
}

// What can be mapped is not read, whatever the sizes of files, of shards and of what is left of them.
func TestMappedWhole(t *testing.T) {
	root := mappableDir(t)
	const size = 6<<20 + 1234
	for i := range 20 {
		must(t, os.WriteFile(filepath.Join(root, fmt.Sprint(i)), random(size, i), 0o666))
	}
	for _, algorithm := range []manifest.Algorithm{manifest.SHA256, manifest.BLAKE3} {
		for _, c := range []hashing.Configuration{
			hashing.Config().UseFileSerialization(hashing.Files{Algorithm: algorithm}),
			hashing.Config().UseShardSerialization(hashing.Shards{Algorithm: algorithm, ShardSize: 3<<20 + 77}),
		} {
			want, err := c.Hash(root)
			must(t, err)
			for _, workers := range []int{1, 2, 60} {
				before := bytesRead(t)
				got, err := c.SetMapped(true).SetMaxWorkers(workers).Hash(root)
				must(t, err)
				if n := bytesRead(t) - before; n > 1<<20 { // a glance or two
					t.Errorf("%s, %d workers: %d bytes were read", algorithm, workers, n)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s, %d workers: digests differ", algorithm, workers)
				}
			}
		}
	}
}

// What is mapped is what the file has there; until there is no room it stays, and then it is gone. Nothing else can be
// used.
func TestSpace(t *testing.T) {
	page := os.Getpagesize()
	content := random(4*page+100, 1)
	name := filepath.Join(mappableDir(t), "a")
	must(t, os.WriteFile(name, content, 0o666))
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	size := int64(2 * page)
	s := hashing.NewSpace(3, size)
	defer s.Drop()
	var seen [][]byte
	for i, off := range []int{1, page - 1, 2*page + 100} { // the last ends where the file does
		s.Need(1, size)
		if hashing.Touch(s.Free()) {
			t.Error("addresses where nothing is mapped can be read")
		}
		data, err := s.Load(f, int64(off), size)
		must(t, err)
		if !bytes.Equal(data, content[off:off+int(size)]) {
			t.Errorf("mapping %d has other bytes than the file", i)
		}
		seen = append(seen, data)
	}
	for i, data := range seen {
		if !hashing.Touch(data) {
			t.Errorf("mapping %d has gone, although there was room", i)
		}
	}
	s.Need(3, size)
	if _, err := s.Load(f, 0, size); err != nil {
		t.Errorf("nothing was unmapped for what needs the room: %v", err)
	}
	s.Drop()
	for i, data := range seen {
		if hashing.Touch(data) {
			t.Errorf("mapping %d can be used when all has been unmapped", i)
		}
	}
}

// Where mapping fails, the system may have given the addresses to others. They are left alone, and what was mapped before
// stays.
func TestSpaceFails(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	bad := os.NewFile(uintptr(pair[0]), "socket")
	defer bad.Close()
	defer unix.Close(pair[1])
	const size = 256 << 10
	content := random(size, 1)
	name := filepath.Join(mappableDir(t), "a")
	must(t, os.WriteFile(name, content, 0o666))
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()

	s := hashing.NewSpace(16, size)
	s.Need(16, size)
	data, err := s.Load(f, 0, size)
	must(t, err)
	if _, err := s.Load(bad, 0, size); err == nil {
		t.Fatal("a socket was mapped")
	}
	if _, err := s.Load(f, 0, size); err == nil {
		t.Error("a space is used in which mapping failed")
	}
	var others [][]byte
	for range 64 {
		b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
		must(t, err)
		copy(b, content)
		others = append(others, b)
	}
	if !bytes.Equal(data, content) {
		t.Error("what was mapped before is not there")
	}
	s.Drop()
	for _, b := range others {
		if !hashing.Touch(b) || !bytes.Equal(b, content) {
			t.Fatal("what is not the space's was unmapped")
		}
		must(t, unix.Munmap(b))
	}
}

// A fault is that of the data whose page it is on, since some systems tell no more.
func TestHolds(t *testing.T) {
	page := uintptr(os.Getpagesize())
	room := make([]byte, 4*page)
	start := (uintptr(unsafe.Pointer(&room[0])) + page - 1) &^ (page - 1)
	skip := start - uintptr(unsafe.Pointer(&room[0]))
	data := room[skip+10:][:page]
	for addr, want := range map[uintptr]bool{
		start - 1: false, start: true, start + 10: true, start + page: true, start + page + 9: true, start + page + 10: false,
	} {
		if got := hashing.Holds(data, addr); got != want {
			t.Errorf("%d bytes from where the page begins: %v", int(addr-start), got)
		}
	}
	if hashing.Holds(nil, start) {
		t.Error("no data holds an address")
	}
}

// What is in memory is used page by page; what is not there any more is no fault.
func TestTouch(t *testing.T) {
	const size = 1 << 20
	name := filepath.Join(mappableDir(t), "a")
	must(t, os.WriteFile(name, bytes.Repeat([]byte{1}, size), 0o666))
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	inMemory, touched, err := hashing.Map(f, size)
	must(t, err)
	if !touched {
		t.Error("a file that is all there is not")
	}
	var stat unix.Cachestat_t
	if tells := unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{}, &stat, 0) == nil; inMemory != tells { // before Linux 6.5 it does not
		t.Errorf("in memory: %v; the system tells what is: %v", inMemory, tells)
	}
	must(t, os.Truncate(name, size/2))
	_, touched, err = hashing.Map(f, size)
	must(t, err)
	if touched {
		t.Error("half of the file is gone, and all is there")
	}
}

// What can't be mapped is read as if nobody had asked for it: in pieces that stay in the cache.
func TestNotMapped(t *testing.T) {
	root := t.TempDir()
	for i := range 16 {
		must(t, os.WriteFile(filepath.Join(root, fmt.Sprint(i)), make([]byte, 2<<20), 0o666))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := hashing.Config().SetMapped(true).SetMaxWorkers(1).HashFS(t.Context(), os.DirFS(root), "model")
	must(t, err)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

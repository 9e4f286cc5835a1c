package sha256lanes_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

const block = sha256lanes.BlockSize

// lengths are those around the boundaries of the first three blocks and of their padding.
var lengths = []int{0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 121, 127, 128, 129, 183, 184, 191, 192, 193}

// random returns n bytes at an odd address.
func random(seed uint64, n int) []byte {
	b := make([]byte, n+1)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b[1:]
}

// eachKernel runs a test with every kernel alone, with crypto/sha256, and with the choice of the package.
func eachKernel(t *testing.T, test func(t *testing.T)) {
	t.Run("chosen", test)
	names := []string{"serial", "ahead"}
	for name := range sha256lanes.Kernels() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			sha256lanes.UseKernel(t, name)
			test(t)
		})
	}
}

// checkMany compares SumMany with crypto/sha256.
func checkMany(t *testing.T, messages [][]byte) {
	t.Helper()
	sums := make([][sha256.Size]byte, len(messages))
	sha256lanes.SumMany(sums, messages)
	for i, got := range sums {
		if want := sha256.Sum256(messages[i]); got != want {
			t.Errorf("message %d of %d, %d bytes: got %x, want %x", i, len(sums), len(messages[i]), got, want)
		}
	}
}

// checkAdvance compares two steps of Advance and a tail with crypto/sha256. The first step ends, and the
// whole blocks end, at other places in each message.
func checkAdvance(t *testing.T, messages [][]byte) {
	t.Helper()
	streams := make([]*sha256lanes.Stream, len(messages))
	first, second := make([][]byte, len(messages)), make([][]byte, len(messages))
	for i, m := range messages {
		streams[i] = new(sha256lanes.Stream)
		blocks := len(m) / block
		cut := i % (blocks + 1) * block
		first[i], second[i] = m[:cut], m[cut:blocks*block]
	}
	sha256lanes.Advance(streams, first)
	sha256lanes.Advance(streams, second)
	for i, m := range messages {
		if got, want := streams[i].Sum(m[len(m)&^(block-1):]), sha256.Sum256(m); got != want {
			t.Errorf("stream %d of %d, %d bytes: got %x, want %x", i, len(streams), len(m), got, want)
		}
	}
}

func TestLaneCounts(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for n := 0; n <= 2*sha256lanes.MaxLanes+1; n++ {
			for shift := range lengths {
				messages := make([][]byte, n)
				for i := range messages {
					messages[i] = random(uint64(i), lengths[(i+shift)%len(lengths)])
				}
				checkMany(t, messages)
				checkAdvance(t, messages)
			}
		}
	})
}

func TestEqualLengths(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for n := 1; n <= sha256lanes.MaxLanes; n++ {
			for _, length := range append(lengths, 1<<16+1) {
				messages := make([][]byte, n)
				for i := range messages {
					messages[i] = random(uint64(i), length)
				}
				checkMany(t, messages)
				checkAdvance(t, messages)
			}
		}
	})
}

// One stream is a hundred times longer than the others, and all are longer than a step.
func TestLongAndShort(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for n := 1; n <= sha256lanes.MaxLanes+1; n++ {
			messages := make([][]byte, n)
			for i := range messages {
				messages[i] = random(uint64(i), 20_000+300*i)
			}
			messages[n/2] = random(99, 2_000_000)
			checkMany(t, messages)
			checkAdvance(t, messages)
		}
	})
}

func TestAlignment(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		buf := random(1, 4096)
		for offset := range 64 {
			messages := make([][]byte, sha256lanes.MaxLanes)
			for i := range messages {
				messages[i] = buf[offset+3*i:][:150+i]
			}
			checkMany(t, messages)
			checkAdvance(t, messages)
		}
	})
}

// A copy of a Stream is a checkpoint, and Sum does not change the stream.
func TestStreamIsAValue(t *testing.T) {
	data := random(1, 2*block)
	var s sha256lanes.Stream
	if got, want := s.Sum(nil), sha256.Sum256(nil); got != want {
		t.Errorf("zero value: got %x, want %x", got, want)
	}
	sha256lanes.Advance([]*sha256lanes.Stream{&s}, [][]byte{data[:block]})
	kept := s
	s.Sum(data[:block])
	sha256lanes.Advance([]*sha256lanes.Stream{&s}, [][]byte{data[block:]})
	if got, want := s.Sum(nil), sha256.Sum256(data); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	if got, want := kept.Sum(data[block:]), sha256.Sum256(data); got != want {
		t.Errorf("copy: got %x, want %x", got, want)
	}
}

func TestMisuse(t *testing.T) {
	s := new(sha256lanes.Stream)
	for name, misuse := range map[string]func(){
		"partial block":     func() { sha256lanes.Advance([]*sha256lanes.Stream{s}, [][]byte{make([]byte, 63)}) },
		"no data":           func() { sha256lanes.Advance([]*sha256lanes.Stream{s}, nil) },
		"no sums":           func() { sha256lanes.SumMany(nil, make([][]byte, 1)) },
		"stream twice":      func() { sha256lanes.Advance([]*sha256lanes.Stream{s, s}, make([][]byte, 2)) },
		"sum afterwards":    func() { interrupted().Sum(nil) },
		"advance afterward": func() { sha256lanes.Advance([]*sha256lanes.Stream{interrupted()}, make([][]byte, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			misuse()
		})
	}
}

// interrupted returns a stream whose Advance panicked.
func interrupted() *sha256lanes.Stream {
	s := new(sha256lanes.Stream)
	defer func() { recover() }()
	sha256lanes.Advance([]*sha256lanes.Stream{s, s}, make([][]byte, 2))
	return s
}

func TestConcurrent(t *testing.T) {
	messages := make([][]byte, 40)
	for i := range messages {
		messages[i] = random(uint64(i), 1000+100*i)
	}
	var wg sync.WaitGroup
	for range 8 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			checkMany(t, messages)
			checkAdvance(t, messages)
		})
	}
	wg.Wait()
}

func ExampleSumMany() {
	messages := [][]byte{[]byte("abc"), nil}
	sums := make([][sha256.Size]byte, len(messages))
	sha256lanes.SumMany(sums, messages)
	fmt.Printf("%x\n%x\n", sums[0], sums[1])
	// Output:
	// ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
	// e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
}

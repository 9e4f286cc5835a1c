package hashing

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/modelsigning/modelsigning/manifest"
)

// The file of a cache: the header, entries in ascending order of their keys, and the SHA-256 of all that, against
// accidents. An entry is seven numbers of eight bytes, little-endian, and a byte, the algorithm's, after the second:
//
//	device, inode, algorithm, shard size, size, modification time, change time, last use
//
// and the digests, as many as the sizes say.
const (
	cacheHeader  = "model-signing digest cache 1\n"
	cacheSumSize = sha256.Size
	cacheFixed   = 7*8 + 1
	maxCache     = 256 << 20
)

// algorithmCodes are the algorithms by their code in the file.
var algorithmCodes = []manifest.Algorithm{manifest.SHA256, manifest.BLAKE2b, manifest.BLAKE3}

func (e *cached) encodedSize() int64 { return cacheFixed + int64(len(e.sums)) }

// readCache returns the entries of the named file, none if there is no such file.
func readCache(name string) ([]cached, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if errors.Is(err, fs.ErrNotExist) {
		// Better now than after the hours of hashing.
		info, err := os.Stat(filepath.Dir(name))
		if err == nil && !info.IsDir() || name == "" {
			err = fs.ErrInvalid
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %w", ErrCache, ErrNotRegular)
	case info.Size() > maxCache:
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrCache, info.Size(), maxCache)
	}
	if err := checkOwner(info); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCache, err)
	}
	data := make([]byte, info.Size()) // who replaces the file by renaming does not change it
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCache, err)
	}
	entries, err := parseCache(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCache, err)
	}
	return entries, nil
}

// parseCache returns the entries, which share the memory of data.
func parseCache(data []byte) (entries []cached, err error) {
	body, ok := bytes.CutPrefix(data, []byte(cacheHeader))
	if !ok || len(body) < cacheSumSize {
		return nil, errors.New("it is none of this version")
	}
	sum := sha256.Sum256(data[:len(data)-cacheSumSize])
	if !bytes.Equal(sum[:], data[len(data)-cacheSumSize:]) {
		return nil, errors.New("it is damaged: its checksum is another")
	}
	body = body[:len(body)-cacheSumSize]
	for len(body) > 0 {
		var e cached
		if e, body, err = parseCached(body); err != nil {
			return nil, fmt.Errorf("entry %d: %w", len(entries), err)
		}
		if n := len(entries); n > 0 && entries[n-1].compare(e.cacheKey) >= 0 {
			return nil, fmt.Errorf("entry %d: is not in order", n)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func parseCached(data []byte) (e cached, rest []byte, err error) {
	if len(data) < cacheFixed {
		return e, nil, io.ErrUnexpectedEOF
	}
	number := func(i int) uint64 { return binary.LittleEndian.Uint64(data[i:]) }
	e.dev, e.ino, e.algorithm = number(0), number(8), data[16]
	e.shardSize, e.size = int64(number(17)), int64(number(25))
	e.mtime, e.ctime, e.used = int64(number(33)), int64(number(41)), int64(number(49))
	if int(e.algorithm) >= len(algorithmCodes) || e.shardSize < 0 || !cacheable(e.size) || e.ctime == 0 {
		return e, nil, errors.New("is not one that is ever written")
	}
	rest = data[cacheFixed:]
	size := int64(algorithmCodes[e.algorithm].Size())
	n := countShards(e.size, e.shardSize)
	if n > int64(len(rest))/size {
		return e, nil, io.ErrUnexpectedEOF
	}
	e.sums, rest = rest[:n*size:n*size], rest[n*size:]
	return e, rest, nil
}

// countShards returns how many digests a file with bytes has.
func countShards(size, shardSize int64) int64 {
	if shardSize == 0 {
		return 1
	}
	return (size-1)/shardSize + 1
}

func cacheWriter(entries []cached) func(io.Writer) error {
	return func(w io.Writer) error {
		h := sha256.New()
		buf := []byte(cacheHeader)
		for _, e := range entries {
			buf = e.append(buf)
			if len(buf) >= 64<<10 {
				h.Write(buf)
				if _, err := w.Write(buf); err != nil {
					return err
				}
				buf = buf[:0]
			}
		}
		h.Write(buf)
		_, err := w.Write(h.Sum(buf))
		return err
	}
}

func (e *cached) append(b []byte) []byte {
	b = slices.Grow(b, int(e.encodedSize()))
	b = binary.LittleEndian.AppendUint64(b, e.dev)
	b = binary.LittleEndian.AppendUint64(b, e.ino)
	b = append(b, e.algorithm)
	for _, n := range [...]int64{e.shardSize, e.size, e.mtime, e.ctime, e.used} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return append(b, e.sums...)
}

package hashing

import (
	"bytes"
	"encoding/binary"
	"io"

	"golang.org/x/sys/unix"
)

// direntsSize is how much of a directory is read at once: several hundred entries.
const direntsSize = 16 << 10

// Where the fields of a linux_dirent64 begin: see getdents64(2).
const (
	direntLength = 16 // two bytes
	direntType   = 18 // one byte
	direntName   = 19 // up to a NUL
)

// entries reads the next entries of the directory, whose path in the model is at, and the kinds that it says they are.
func (d *rawDir) entries(in *folder) ([]localEntry, error) {
	var buf [direntsSize]byte
	n, err := d.getdents(buf[:])
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, io.EOF
	}
	all := make([]localEntry, 0, n/32)
	for b := buf[:n]; len(b) > 0; {
		size := 0
		if len(b) > direntName {
			size = int(binary.NativeEndian.Uint16(b[direntLength:]))
		}
		if size <= direntName || size > len(b) {
			return nil, unix.EIO
		}
		name, _, _ := bytes.Cut(b[direntName:size], []byte{0})
		if s := string(name); s != "." && s != ".." {
			all = append(all, localEntry{in, s, kindOf(b[direntType])})
		}
		b = b[size:]
	}
	return all, nil
}

func (d *rawDir) getdents(buf []byte) (int, error) {
	for {
		n, err := unix.Getdents(d.fd, buf)
		if err != unix.EINTR {
			return n, err
		}
	}
}

func kindOf(direntType byte) kind {
	switch direntType {
	case unix.DT_REG:
		return regular
	case unix.DT_DIR:
		return directory
	}
	return unknown
}

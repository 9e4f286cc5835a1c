package hashing

import (
	"bytes"
	"encoding/binary"
	"io"

	"golang.org/x/sys/unix"
)

// Where the fields of a linux_dirent64 begin: see getdents64(2).
const (
	direntLength = 16 // two bytes
	direntType   = 18 // one byte
	direntName   = 19 // up to a NUL
)

// entries reads the next entries of the directory into the listing, with the kinds that it says they are.
func (d *rawDir) entries(l *listing) error {
	n, err := d.getdents(l.raw[:])
	switch {
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	for b := l.raw[:n]; len(b) > 0; {
		size := 0
		if len(b) > direntName {
			size = int(binary.NativeEndian.Uint16(b[direntLength:]))
		}
		if size <= direntName || size > len(b) {
			return unix.EIO
		}
		name, _, _ := bytes.Cut(b[direntName:size], []byte{0})
		if string(name) != "." && string(name) != ".." {
			l.add(name, kindOf(b[direntType]))
		}
		b = b[size:]
	}
	return nil
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

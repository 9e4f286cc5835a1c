package hashing

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// realPath is filepath.EvalSymlinks, but in time that is proportional to the length of the path. The system follows all
// links at once and says where they have led.
func realPath(name string) (string, error) {
	fd, err := openat(unix.AT_FDCWD, name, unix.O_PATH)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if errors.Is(err, fs.ErrNotExist) { // there is no /proc
		return filepath.EvalSymlinks(name)
	}
	return real, err
}
